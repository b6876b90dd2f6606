/// The bytes of a file from its start to its end, inflated on the way if the file is gzip.
///
/// Gzip is told by the two bytes it begins with, not by a name, and may have several members. Bytes are
/// pulled into one buffer of 256 KiB; memory grows with what the caller takes, never with what a header promises.
package final class ByteSource {
  /// The path as errors name it.
  package var path: String { input.path }
  /// How many (inflated) bytes were taken so far.
  package private(set) var offset = 0
  /// What the bytes are if not all of the file, as errors name it.
  private var part: String?

  private static let bufferSize = 1 << 18
  private var input: any ByteInput
  private var buffer = ByteBuffer(capacity: bufferSize)
  private var hasEnded = false
  /// The file, for as long as the bytes are those that stand in it.
  private var plainFile: InputFile?
  private var toldFraction: Double?

  /// Opens a file; `-` is the standard input.
  ///
  /// - Throws: `missingFile`; `unreadable` for a folder or what the system refuses; `malformed` for what another
  ///   program has to unpack.
  package init(path: String) throws(DensityError) {
    let file = try InputFile(path: path)
    input = file
    plainFile = file
    let start = Array(try peek(Packing.startLength))
    if start.starts(with: Gzip.magic) {
      input = GzipInput(file, beginning: buffer.bytes)
      plainFile = nil
      buffer.drop(buffer.count)
      hasEnded = false
    } else if let packing = Packing(start) {
      throw malformed(at: 0, expected: "a plain file or gzip", found: packing.words)
    }
    if Packing.isTar(try peek(Packing.tarLength)) {
      throw malformed(
        at: 0, expected: "a table", found: "a tar archive; unpack it (tar -xf) and give a file of it")
    }
  }

  /// Reads a part of a file that has been found in it.
  ///
  /// - Parameter part: how errors call it.
  init(_ input: any ByteInput, part: String) {
    self.input = input
    self.part = part
  }

  /// Reads what comes of another input instead, from its start.
  ///
  /// - Parameter part: how errors call it.
  func turn(to input: any ByteInput, part: String) {
    self.input = input
    self.part = part
    plainFile = nil
    buffer.drop(buffer.count)
    (offset, hasEnded) = (0, false)
  }

  /// How much of the file was taken, of the bytes as they stand on the disk; nil for what has no size.
  ///
  /// A reader that knows it better says so.
  package var fraction: Double? {
    get {
      if let toldFraction { return toldFraction }
      let readCount = offset + buffer.count
      return input.fraction.map { readCount == 0 ? $0 : $0 * Double(offset) / Double(readCount) }
    }
    set { toldFraction = newValue }
  }

  /// No fewer bytes than are still to be taken, whatever headers promise; nil where nothing is known.
  var bound: Int? {
    hasEnded
      ? buffer.count
      : input.bound.map { $0.addingReportingOverflow(buffer.count) }
        .map { $0.overflow ? .max : $0.partialValue }
  }

  /// Returns the file at all its places.
  ///
  /// - Precondition: nothing was taken.
  /// - Throws: what reading throws of a pipe, which is read into memory; `malformed` for gzip.
  func randomAccess(to what: String) throws(DensityError) -> RandomAccessFile {
    precondition(offset == 0, "\(offset) bytes were taken")
    if let plainFile, let size = plainFile.size { return RandomAccessFile(plainFile, size: size) }
    guard plainFile != nil else {
      throw malformed(
        at: 0, expected: "\(what) as it is", found: "\(what) inside gzip; unpack it with gunzip")
    }
    var bytes: [UInt8] = []
    while try takeAvailable({ (part) throws(DensityError) in
      bytes.append(contentsOf: part)
      return part.count
    }) > 0 {}
    return RandomAccessFile(bytes: bytes, path: path)
  }

  /// Calls `body` with the next bytes, window by window and without taking them, while it says to go on.
  ///
  /// - Returns: false, without a call, for bytes that come only once: those of a pipe, of gzip, of an archive.
  func look(
    atNext count: Int, _ body: (UnsafeRawBufferPointer) -> Bool
  ) throws(DensityError) -> Bool {
    guard let plainFile, let size = plainFile.size else { return false }
    let window = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 64)
    defer { window.deallocate() }
    let end = min(size, offset + count)
    var place = offset
    while place < end {
      let part = UnsafeMutableRawBufferPointer(rebasing: window[..<min(window.count, end - place)])
      try plainFile.read(at: place, into: part)
      guard body(UnsafeRawBufferPointer(part)) else { break }
      place += part.count
    }
    return true
  }

  // MARK: Taking

  /// Calls `body` with the bytes at hand and takes as many of them as it returns.
  ///
  /// - Parameters:
  ///   - minimum: how many bytes are to be at hand, at least; there are fewer only at the end, and none only where
  ///     nothing is left.
  ///   - body: is lent the bytes for the time of the call.
  /// - Returns: how many bytes were taken.
  @discardableResult
  package func takeAvailable(
    atLeast minimum: Int = 1, _ body: (UnsafeRawBufferPointer) throws(DensityError) -> Int
  ) throws(DensityError) -> Int {
    try fill(to: minimum)
    let count = try body(buffer.bytes)
    buffer.drop(count)
    offset += count
    return count
  }

  /// Passes over bytes: those that stand in a regular file are not even read.
  ///
  /// That there are fewer is noticed by whoever takes the next.
  package func skip(_ count: Int) throws(DensityError) {
    var rest = count
    let buffered = min(rest, buffer.count)
    buffer.drop(buffered)
    offset += buffered
    rest -= buffered
    if rest > 0, let plainFile, plainFile.size != nil, !hasEnded {
      try plainFile.skip(rest)
      offset += rest
      return
    }
    while rest > 0 {
      let count = try takeAvailable { (bytes) throws(DensityError) in min(bytes.count, rest) }
      guard count > 0 else { return }
      rest -= count
    }
  }

  /// Takes the next byte; nil at the end.
  package func takeByte() throws(DensityError) -> UInt8? {
    if buffer.count == 0 { try fill(to: 1) }
    guard buffer.count > 0 else { return nil }
    let byte = buffer.first
    buffer.drop(1)
    offset += 1
    return byte
  }

  /// Returns the next bytes without taking them: `count`, or fewer at the end.
  package func peek(_ count: Int) throws(DensityError) -> ArraySlice<UInt8> {
    try fill(to: count)
    return Array(buffer.bytes.prefix(count))[...]
  }

  /// Whether every byte was taken.
  ///
  /// For gzip this is also the check of the last member's checksum, and that nothing but gzip follows.
  package func isAtEnd() throws(DensityError) -> Bool {
    try fill(to: 1)
    return buffer.count == 0
  }

  /// Takes the next bytes, as many as are at hand and at most `maximum`; none only at the end.
  package func take(upTo maximum: Int) throws(DensityError) -> ArraySlice<UInt8> {
    var taken: [UInt8] = []
    try takeAvailable { (bytes) throws(DensityError) in
      taken = Array(bytes.prefix(maximum))
      return taken.count
    }
    return taken[...]
  }

  /// Takes exactly `count` bytes, which are a part of `whole`.
  ///
  /// - Throws: `malformed` at the offset where the file ends too early.
  package func take(_ count: Int, of whole: String) throws(DensityError) -> [UInt8] {
    var taken: [UInt8] = []
    while taken.count < count {
      let part = try takeAvailable { (bytes) throws(DensityError) in
        let part = bytes.prefix(count - taken.count)
        taken.append(contentsOf: part)
        return part.count
      }
      guard part > 0 else { throw malformed(expected: whole, found: "the end of the file") }
    }
    return taken
  }

  /// Takes the next line without its line feed, which the last may lack; returns false at the end.
  package func takeLine(into line: inout [UInt8]) throws(DensityError) -> Bool {
    line.removeAll(keepingCapacity: true)
    while true {
      var isWhole = false
      let count = try takeAvailable { (bytes) throws(DensityError) in
        let feed = bytes.firstIndex(of: 0x0A)
        isWhole = feed != nil
        line.append(contentsOf: bytes[..<(feed ?? bytes.count)])
        return feed.map { $0 + 1 } ?? bytes.count
      }
      if isWhole { return true }
      if count == 0 { return !line.isEmpty }
    }
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
      let bytes = try take(min(count - numbers.count, (1 << 16) / size) * size, of: whole)
      bytes.withUnsafeBytes { numbers += [T]($0, order: order) }
    }
    return numbers
  }

  /// Checks that nothing follows.
  ///
  /// - Throws: `malformed` at the offset of the first byte too many.
  package func expectEnd() throws(DensityError) {
    guard try isAtEnd() else { throw malformed(expected: "the end of the file", found: "more bytes") }
  }

  // MARK: Errors

  /// Returns an error about the file at a byte, the next one unless told.
  package func malformed(at byte: Int? = nil, expected: String, found: String) -> DensityError {
    let byte = byte ?? offset
    return .malformed(
      path: path, at: part.map { .field("\($0), byte \(byte)") } ?? .byte(byte), expected: expected,
      found: found)
  }

  /// Returns an error about a file that ends before a whole does.
  func endsEarly(expected whole: String) -> DensityError {
    let rest = plainFile == nil ? nil : bound
    return malformed(at: offset + (rest ?? buffer.count), expected: whole, found: "the end of the file")
  }

  /// Reads until at least `count` bytes are at hand, or the input has ended.
  private func fill(to count: Int) throws(DensityError) {
    while buffer.count < count, !hasEnded {
      hasEnded = try buffer.fill { (room) throws(DensityError) in try input.read(into: room) } == 0
    }
  }
}
