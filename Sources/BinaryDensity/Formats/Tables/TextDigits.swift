/// Lines of one-digit cells, such as `1,0,1`, eight bytes at a time: what most tables are, from their first line to their
/// last.
struct TextDigits {
  /// The bytes of a line without its end.
  let lineLength: Int
  private let columnCount: Int
  /// Eight bytes of a line of zeros, and the ones among its digits.
  private let zeros: UInt64
  private let digits: UInt64
  /// Brings the bits of eight bytes together in the highest ones.
  private let gather: UInt64
  /// How many cells stand in eight bytes: 4, or 8 in bit strings.
  private let cells: Int
  /// How many cells the last eight bytes of a line hold, and their bytes.
  private let lastCells: Int
  private let lastBytes: UInt64

  /// Nil where cells are not divided by one byte or none.
  init?(columnCount: Int, _ delimiter: TextDelimiter) {
    let separator: UInt8
    switch delimiter {
    case .byte(let byte): separator = byte
    case .framedPipes: return nil
    case .blanks, .none: separator = 0x20
    case .bitStrings: separator = 0x30
    }
    let isDense = delimiter == .bitStrings
    guard columnCount > 1 || delimiter != .bitStrings else { return nil }
    self.columnCount = columnCount
    cells = isDense ? 8 : 4
    lineLength = isDense ? columnCount : 2 * columnCount - 1
    zeros = 0x0030_0030_0030_0030 | 0x0100_0100_0100_0100 &* UInt64(separator)
    digits = isDense ? 0x0101_0101_0101_0101 : 0x0001_0001_0001_0001
    // Of the products of one bit with one of these, exactly one falls on each of the highest 4, or 8, bits.
    gather = isDense ? 0x0102_0408_1020_4080 : 1 << 48 | 1 << 33 | 1 << 18 | 1 << 3
    lastCells = (columnCount - 1) % cells + 1
    let lastLength = isDense ? lastCells : 2 * lastCells - 1
    lastBytes = lastLength == 8 ? ~0 : 1 << UInt64(8 * lastLength) - 1
  }

  /// Reads lines until one is of another form, or not wholly there with a byte after its end.
  ///
  /// - Parameters:
  ///   - bytes: the lines; eight bytes beyond them may be read.
  ///   - words: the words of `rowCount` rows, all zero.
  /// - Returns: how many rows were read, and from how many bytes; the words of the next row are not zero any more.
  func read(
    _ bytes: UnsafePointer<UInt8>, byteCount: Int, into words: UnsafeMutablePointer<UInt64>, rowCount: Int
  ) -> (rowCount: Int, byteCount: Int) {
    let wordsPerRow = (columnCount + 63) / 64
    var used = 0
    for row in 0..<rowCount {
      let lineEnd = used + lineLength
      guard lineEnd + 1 < byteCount,
        readLine(UnsafeRawPointer(bytes + used), into: words + row * wordsPerRow)
      else { return (row, used) }
      switch bytes[lineEnd] {
      case 0x0A: used = lineEnd + 1
      case 0x0D: used = lineEnd + (bytes[lineEnd + 1] == 0x0A ? 2 : 1)
      default: return (row, used)
      }
    }
    return (rowCount, used)
  }

  /// Reads a line, and returns whether it is of the form.
  @inline(__always)
  private func readLine(_ line: UnsafeRawPointer, into words: UnsafeMutablePointer<UInt64>) -> Bool {
    let topShift = UInt64(64 - (cells == 8 ? 8 : 16))
    let topMask: UInt64 = cells == 8 ? 0xFF : 0xF
    let groupsPerWord = 64 / cells
    var groups = (columnCount - 1) / cells
    var position = line
    var target = words
    var strange: UInt64 = 0
    while groups >= groupsPerWord {
      var word: UInt64 = 0
      for group in 0..<groupsPerWord {
        let eight = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self)) ^ zeros
        strange |= eight & ~digits
        word |= ((eight &* gather) >> topShift & topMask) << UInt64(group * cells)
        position += 8
      }
      target.pointee = word
      target += 1
      groups -= groupsPerWord
      if strange != 0 { return false }
    }
    var word: UInt64 = 0
    var shift: UInt64 = 0
    for _ in 0..<groups {
      let eight = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self)) ^ zeros
      strange |= eight & ~digits
      word |= ((eight &* gather) >> topShift & topMask) << shift
      shift += UInt64(cells)
      position += 8
    }
    let eight = (UInt64(littleEndian: position.loadUnaligned(as: UInt64.self)) ^ zeros) & lastBytes
    strange |= eight & ~digits
    word |= ((eight &* gather) >> topShift & topMask) << shift
    target.pointee = word
    return strange == 0
  }
}
