/// What the members of a gzip file hold, one after another.
///
/// Zeros between and after members are padding, as tapes and some downloads leave it.
final class GzipInput: ByteInput {
  private let file: InputFile
  private let inflater = Inflater(.gzip)
  private var compressed = ByteBuffer(capacity: 1 << 17)
  private var isBetweenMembers = true

  /// - Parameter beginning: what was read of the file already.
  init(_ file: InputFile, beginning: UnsafeRawBufferPointer) {
    self.file = file
    var rest = beginning
    while !rest.isEmpty {
      _ = compressed.fill { room in
        let part = rest.prefix(room.count)
        room.copyBytes(from: part)
        rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
        return part.count
      }
    }
  }

  var path: String { file.path }

  var fraction: Double? {
    file.size.map { $0 == 0 ? 1 : min(1, Double(position) / Double($0)) }
  }

  var bound: Int? {
    guard let size = file.size else { return nil }
    // What zlib holds of the bytes before fits its window.
    let (product, overflow) = max(0, size - position).multipliedReportingOverflow(by: Inflater.largestRatio)
    return overflow || product > .max - (1 << 20) ? .max : product + 1 << 20
  }

  /// The place in the file of the next compressed byte.
  private var position: Int { file.position - compressed.count }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) -> Int {
    while true {
      if isBetweenMembers {
        guard try beginMember() else { return 0 }
      }
      if compressed.count == 0, !inflater.hasPendingOutput, try !fill() {
        throw malformed(expected: "the rest of the gzip stream", found: "the end of the file")
      }
      let (used, written, outcome) = inflater.step(compressed.bytes, into: buffer)
      compressed.drop(used)
      switch outcome {
      case .ongoing: break
      case .ended: isBetweenMembers = true
      case .corrupt(let words): throw malformed(expected: "a sound gzip stream", found: words)
      }
      if written > 0 { return written }
    }
  }

  /// Starts the next member, or returns false if the file ends here.
  private func beginMember() throws(DensityError) -> Bool {
    while true {
      let zeros = compressed.bytes.prefix { $0 == 0 }.count
      compressed.drop(zeros)
      while compressed.count < Gzip.magic.count, try fill() {}
      if compressed.count == 0 { return false }
      if compressed.first != 0 { break }
    }
    guard compressed.bytes.starts(with: Gzip.magic) else {
      throw malformed(expected: "the end of the file or another gzip member", found: "other bytes")
    }
    inflater.reset()
    isBetweenMembers = false
    return true
  }

  /// Reads more of the file, and returns whether anything came.
  private func fill() throws(DensityError) -> Bool {
    try compressed.fill { (room) throws(DensityError) in try file.read(into: room) } > 0
  }

  private func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .compressedByte(position), expected: expected, found: found)
  }
}
