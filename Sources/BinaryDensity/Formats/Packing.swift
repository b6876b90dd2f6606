/// What a file is packed with that this program does not unpack, told by its first bytes.
enum Packing: String, CaseIterable {
  case zstandard
  case bzip2
  case xz
  case lz4
  case compress
  case sevenZip
  case rar

  /// How many bytes tell all of them.
  static let startLength = 6
  /// How many bytes tell a tar archive.
  static let tarLength = 262

  /// Finds the packing, if it is one of these.
  init?(_ start: [UInt8]) {
    guard let packing = Self.allCases.first(where: { start.starts(with: $0.magic) }) else { return nil }
    // Letters begin a text too; bzip2 has a digit after its three.
    if packing == .bzip2, !(start.count > 3 && (0x31...0x39).contains(start[3])) { return nil }
    self = packing
  }

  /// Whether a file that begins so is a tar archive.
  static func isTar(_ start: ArraySlice<UInt8>) -> Bool {
    start.count >= tarLength && start.dropFirst(257).starts(with: Array("ustar".utf8))
  }

  /// What it is and what to do.
  var words: String {
    switch self {
    case .zstandard: "zstd; unpack it with zstd -d"
    case .bzip2: "bzip2; unpack it with bunzip2"
    case .xz: "xz; unpack it with unxz"
    case .lz4: "lz4; unpack it with lz4 -d"
    case .compress: "the old .Z; unpack it with uncompress"
    case .sevenZip: "a 7-Zip archive; unpack it"
    case .rar: "a RAR archive; unpack it"
    }
  }

  private var magic: [UInt8] {
    switch self {
    case .zstandard: [0x28, 0xB5, 0x2F, 0xFD]
    case .bzip2: Array("BZh".utf8)
    case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    case .compress: [0x1F, 0x9D]
    case .sevenZip: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]
    case .rar: Array("Rar!".utf8) + [0x1A, 0x07]
    }
  }
}
