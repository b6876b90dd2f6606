/// A zip archive: the list of its entries, which stands at its end.
///
///     local header  "PK\3\4" … lengths of name and extra field at bytes 26 and 28, then the entry's bytes
///     directory     "PK\1\2" … an entry's sizes, checksum, name and the place of its local header
///     end           "PK\5\6" … how many entries the directory has, its size and place; before it, where one of these
///                   does not fit 16 or 32 bits, "PK\6\6" and "PK\6\7" of zip64
///
/// All numbers are little-endian.
/// - Source: PKWARE, APPNOTE.TXT, .ZIP File Format Specification, version 6.3.
struct ZipArchive {
  /// The bytes a zip archive begins with, if it has an entry.
  static let magic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

  /// One file of the archive.
  struct Entry {
    var name: String
    /// 0 for bytes as they are, 8 for deflated ones.
    var method: Int
    var isEncrypted: Bool
    /// The checksum of the bytes.
    var checksum: UInt32
    /// The bytes in the archive.
    var compressedCount: Int
    /// The bytes.
    var count: Int
    /// Where its local header stands.
    var headerOffset: Int
  }

  /// The entries, in the order of the directory.
  let entries: [Entry]
  private let file: RandomAccessFile

  /// The names, for errors.
  var path: String { file.path }

  /// Reads the directory.
  ///
  /// - Throws: `malformed` for a file that is no zip archive, or whose directory contradicts itself.
  init(_ file: RandomAccessFile) throws(DensityError) {
    self.file = file
    let (range, count) = try Self.directory(of: file)
    // An entry of the directory has 46 bytes at least, so a false count promises no memory.
    guard range.count <= Self.largestDirectory, count <= range.count / 46 else {
      throw Self.malformed(file, range.lowerBound, "a directory of \(count) entries", "\(range.count) bytes")
    }
    let directory = ZipFields(try file.bytes(range), file: file, start: range.lowerBound)
    var entries: [Entry] = []
    var place = 0
    for _ in 0..<count {
      let (entry, length) = try Self.entry(directory, at: place)
      entries.append(entry)
      place += length
    }
    self.entries = entries
  }

  /// No directory is larger; one of a hundred thousand entries is smaller.
  private static let largestDirectory = 1 << 24

  /// Returns the bytes of an entry as they are inflated and checked.
  ///
  /// - Throws: `malformed` for an encrypted entry, another method, or a place outside the archive.
  func input(_ entry: Entry) throws(DensityError) -> ZipEntryInput {
    let place = entry.headerOffset
    guard !entry.isEncrypted else {
      throw Self.malformed(
        file, place, "an entry that can be read", "\(quoted(entry.name.utf8)) is encrypted")
    }
    guard entry.method == 0 || entry.method == 8 else {
      throw Self.malformed(
        file, place, "an entry that is stored or deflated",
        "\(quoted(entry.name.utf8)) by method \(entry.method)")
    }
    guard place >= 0, place <= file.count - 30 else {
      throw Self.malformed(file, place, "the header of \(quoted(entry.name.utf8))", "the end of the file")
    }
    let header = ZipFields(try file.bytes(place..<place + 30), file: file, start: place)
    guard header.bytes.starts(with: Self.magic) else {
      throw Self.malformed(
        file, place, "the header of \(quoted(entry.name.utf8))", quoted(header.bytes.prefix(4)))
    }
    let start = place + 30 + header.number(26, 2) + header.number(28, 2)
    guard start <= file.count, entry.compressedCount <= file.count - start else {
      throw Self.malformed(
        file, place, "\(entry.compressedCount) bytes of \(quoted(entry.name.utf8))", "the end of the file")
    }
    guard entry.method == 8 || entry.compressedCount == entry.count else {
      throw Self.malformed(
        file, place, "\(entry.count) bytes of \(quoted(entry.name.utf8))", "\(entry.compressedCount)")
    }
    return ZipEntryInput(file, entry, start: start)
  }

  /// Finds the directory.
  private static func directory(
    of file: RandomAccessFile
  ) throws(DensityError) -> (range: Range<Int>, count: Int) {
    // A comment of at most 65535 bytes follows the 22 of the end.
    let tailStart = max(0, file.count - 22 - 65_535)
    let tail = ZipFields(try file.bytes(tailStart..<file.count), file: file, start: tailStart)
    guard let end = tail.lastPlace(of: [0x50, 0x4B, 0x05, 0x06], length: 22) else {
      throw malformed(file, file.count, "the directory at the end of a zip archive", "the end of the file")
    }
    var (count, size, start) = (tail.number(end + 10, 2), tail.number(end + 12, 4), tail.number(end + 16, 4))
    if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF, end >= 20,
      tail.bytes[(end - 20)...].starts(with: [0x50, 0x4B, 0x06, 0x07])
    {
      let place = tail.number(end - 12, 8)
      guard place >= 0, place <= file.count - 56 else {
        throw malformed(file, tailStart + end - 12, "the place of a zip64 directory", "\(place)")
      }
      let wide = ZipFields(try file.bytes(place..<place + 56), file: file, start: place)
      (count, size, start) = (wide.number(32, 8), wide.number(40, 8), wide.number(48, 8))
    }
    guard count >= 0, size >= 0, start >= 0, start <= file.count, size <= file.count - start else {
      throw malformed(
        file, tailStart + end, "a directory inside the file", "one of \(size) bytes at \(start)")
    }
    return (start..<start + size, count)
  }

  /// Reads one entry of the directory, and how long it is.
  private static func entry(
    _ directory: ZipFields, at place: Int
  ) throws(DensityError) -> (entry: Entry, length: Int) {
    try directory.expect(place, length: 46, magic: [0x50, 0x4B, 0x01, 0x02])
    let (nameCount, extraCount) = (directory.number(place + 28, 2), directory.number(place + 30, 2))
    let length = 46 + nameCount + extraCount + directory.number(place + 32, 2)
    try directory.expect(place, length: length, magic: [])
    let name = directory.bytes[place + 46..<place + 46 + nameCount]
    var entry = Entry(
      name: String(decoding: name, as: UTF8.self), method: directory.number(place + 10, 2),
      isEncrypted: directory.number(place + 8, 2) & 1 == 1,
      checksum: UInt32(directory.number(place + 16, 4)), compressedCount: directory.number(place + 20, 4),
      count: directory.number(place + 24, 4), headerOffset: directory.number(place + 42, 4))
    try directory.widen(&entry, extra: place + 46 + nameCount..<place + 46 + nameCount + extraCount)
    guard entry.count >= 0, entry.compressedCount >= 0, entry.headerOffset >= 0 else {
      throw directory.malformed(place, "sizes of \(quoted(entry.name.utf8))", "negative ones")
    }
    return (entry, length)
  }

  fileprivate static func malformed(
    _ file: RandomAccessFile, _ place: Int, _ expected: String, _ found: String
  ) -> DensityError {
    .malformed(path: file.path, at: .byte(place), expected: expected, found: found)
  }
}

/// A piece of an archive, and the numbers in it.
private struct ZipFields {
  let bytes: [UInt8]
  let file: RandomAccessFile
  /// Where in the file the piece starts.
  let start: Int

  init(_ bytes: [UInt8], file: RandomAccessFile, start: Int) {
    (self.bytes, self.file, self.start) = (bytes, file, start)
  }

  /// The number of some bytes; one of eight bytes may be negative, which no size is.
  func number(_ place: Int, _ size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  func lastPlace(of magic: [UInt8], length: Int) -> Int? {
    guard bytes.count >= length else { return nil }
    return (0...bytes.count - length).last { bytes[$0...].starts(with: magic) }
  }

  func expect(_ place: Int, length: Int, magic: [UInt8]) throws(DensityError) {
    guard length <= bytes.count - place, bytes[place...].starts(with: magic) else {
      throw malformed(place, "an entry of the zip archive's directory", "other bytes")
    }
  }

  /// Takes the numbers that do not fit 32 bits from the extra field of zip64.
  func widen(_ entry: inout ZipArchive.Entry, extra: Range<Int>) throws(DensityError) {
    var place = extra.lowerBound
    while extra.upperBound - place >= 4 {
      let (tag, size) = (number(place, 2), number(place + 2, 2))
      place += 4
      guard size <= extra.upperBound - place else {
        throw malformed(place, "an extra field inside its entry", "one of \(size) bytes")
      }
      if tag == 1 {
        var field = place
        for key in [\ZipArchive.Entry.count, \.compressedCount, \.headerOffset]
        where entry[keyPath: key] == 0xFFFF_FFFF && field + 8 <= place + size {
          entry[keyPath: key] = number(field, 8)
          field += 8
        }
      }
      place += size
    }
  }

  func malformed(_ place: Int, _ expected: String, _ found: String) -> DensityError {
    ZipArchive.malformed(file, start + place, expected, found)
  }
}
