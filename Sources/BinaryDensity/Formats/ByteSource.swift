/// The bytes of a file from its start to its end, inflated on the way if the file is gzip.
///
/// Gzip is told by the two bytes it begins with, not by a name, and may have several members. Bytes are
/// pulled in chunks of 64 KiB; memory grows with what the caller takes, never with what a header promises.
package final class ByteSource {
  /// The path as errors name it.
  package var path: String { file.path }
  /// How many (inflated) bytes were taken so far.
  package private(set) var offset = 0

  private static let chunkSize = 1 << 16
  private let file: InputFile
  /// Nil for a file that is not gzip.
  private var decoder: GzipDecoder?
  private var isBetweenMembers = true
  /// Compressed bytes read from the file; those before `rawCursor` are used.
  private var raw: [UInt8] = []
  private var rawCursor = 0
  /// Where in the file `raw` starts.
  private var rawStart = 0
  /// Inflated bytes ready to be taken; those before `cursor` were.
  private var chunk: [UInt8] = []
  private var cursor = 0

  /// Opens a file; `-` is the standard input.
  ///
  /// - Throws: `missingFile`; `unreadable` for a folder or what the system refuses.
  package init(path: String) throws(DensityError) {
    file = try InputFile(path: path)
    while raw.count < Gzip.magic.count, try fillRaw() {}
    if raw.starts(with: Gzip.magic) {
      decoder = GzipDecoder()
    } else {
      swap(&raw, &chunk)
    }
  }

  /// How much of the file was read, of the bytes as they stand on the disk; nil for what has no size.
  package var fraction: Double? {
    guard let size = file.size, size > 0 else { return nil }
    let position = decoder == nil ? offset + chunk.count - cursor : rawStart + rawCursor
    return min(1, Double(position) / Double(size))
  }

  /// Returns the next bytes without taking them: `count`, or fewer at the end.
  package func peek(_ count: Int) throws(DensityError) -> ArraySlice<UInt8> {
    while chunk.count - cursor < count, try fill() {}
    return chunk[cursor..<min(cursor + count, chunk.count)]
  }

  /// Whether every byte was taken.
  ///
  /// For gzip this is also the check of the last member's checksum, and that nothing but gzip follows.
  package func isAtEnd() throws(DensityError) -> Bool {
    try peek(1).isEmpty
  }

  /// Takes the next bytes, as many as are at hand and at most `maximum`; none only at the end.
  package func take(upTo maximum: Int) throws(DensityError) -> ArraySlice<UInt8> {
    if cursor == chunk.count { _ = try fill() }
    let end = min(cursor + maximum, chunk.count)
    defer {
      offset += end - cursor
      cursor = end
    }
    return chunk[cursor..<end]
  }

  /// Takes exactly `count` bytes, which are a part of `whole`.
  ///
  /// - Throws: `malformed` at the offset where the file ends too early.
  package func take(_ count: Int, of whole: String) throws(DensityError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try take(upTo: count - bytes.count)
      guard !part.isEmpty else {
        throw malformed(expected: whole, found: "the end of the file")
      }
      bytes += part
    }
    return bytes
  }

  /// Takes the next line without its line feed, which the last may lack; returns false at the end.
  package func takeLine(into line: inout [UInt8]) throws(DensityError) -> Bool {
    line.removeAll(keepingCapacity: true)
    while true {
      if cursor == chunk.count, try !fill() { return !line.isEmpty }
      let feed = chunk[cursor...].firstIndex(of: 0x0A)
      let end = feed ?? chunk.count
      line += chunk[cursor..<end]
      let next = feed.map { $0 + 1 } ?? end
      offset += next - cursor
      cursor = next
      if feed != nil { return true }
    }
  }

  /// Checks that nothing follows.
  ///
  /// - Throws: `malformed` at the offset of the first byte too many.
  package func expectEnd() throws(DensityError) {
    guard try isAtEnd() else { throw malformed(expected: "the end of the file", found: "more bytes") }
  }

  /// Returns an error about the file at a byte, the next one unless told.
  package func malformed(at byte: Int? = nil, expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .byte(byte ?? offset), expected: expected, found: found)
  }

  /// Takes `count` numbers in chunks, so that a header which promises too much costs no memory.
  ///
  /// - Parameter whole: what the numbers are, for the error.
  /// - Throws: `malformed` at the offset where the file ends too early.
  package func takeNumbers<T: StoredScalar>(
    _ type: T.Type, count: Int, order: ByteOrder, of whole: String
  ) throws(DensityError) -> [T] {
    let size = MemoryLayout<T.Bits>.size
    var numbers: [T] = []
    while numbers.count < count {
      let bytes = try take(min(count - numbers.count, Self.chunkSize / size) * size, of: whole)
      bytes.withUnsafeBytes { numbers += [T]($0, order: order) }
    }
    return numbers
  }

  // MARK: Filling

  /// Appends to `chunk` what comes next, and returns whether anything came.
  private func fill() throws(DensityError) -> Bool {
    if cursor == chunk.count {
      chunk.removeAll(keepingCapacity: true)
      cursor = 0
    }
    let next = decoder == nil ? try file.read(upTo: Self.chunkSize) : try inflateNext()
    if chunk.isEmpty { chunk = next } else { chunk += next }
    return !next.isEmpty
  }

  /// Returns the next inflated bytes, or none after the last member.
  private func inflateNext() throws(DensityError) -> [UInt8] {
    guard let decoder else { return [] }
    while true {
      if isBetweenMembers {
        guard try beginMember(decoder) else { return [] }
      }
      if rawCursor == raw.count, !decoder.hasPendingOutput, try !fillRaw() {
        throw malformedRaw(expected: "the rest of the gzip stream", found: "the end of the file")
      }
      let (bytes, outcome) = decoder.step(raw, from: &rawCursor)
      switch outcome {
      case .ongoing: break
      case .memberEnded: isBetweenMembers = true
      case .corrupt(let words): throw malformedRaw(expected: "a sound gzip stream", found: words)
      }
      if !bytes.isEmpty { return bytes }
    }
  }

  /// Starts the next member, or returns false if the file ends here.
  private func beginMember(_ decoder: GzipDecoder) throws(DensityError) -> Bool {
    while raw.count - rawCursor < Gzip.magic.count, try fillRaw() {}
    guard rawCursor < raw.count else { return false }
    guard raw[rawCursor...].starts(with: Gzip.magic) else {
      throw malformedRaw(expected: "the end of the file or another gzip member", found: "other bytes")
    }
    decoder.reset()
    isBetweenMembers = false
    return true
  }

  /// Reads more of the file into `raw`, dropping what is used, and returns whether anything came.
  private func fillRaw() throws(DensityError) -> Bool {
    let next = try file.read(upTo: Self.chunkSize)
    rawStart += rawCursor
    raw.removeFirst(rawCursor)
    rawCursor = 0
    raw += next
    return !next.isEmpty
  }

  private func malformedRaw(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .compressedByte(rawStart + rawCursor), expected: expected, found: found)
  }
}
