/// Bytes that come one after another: of a file as it stands, or of what is compressed in it.
protocol ByteInput: AnyObject {
  /// The path as errors name it.
  var path: String { get }
  /// How much of the input was read, of the bytes as they stand on the disk; nil for what has no size.
  var fraction: Double? { get }
  /// No fewer bytes than can still come, whatever headers promise; nil where nothing is known.
  var bound: Int? { get }
  /// Reads the next bytes, at most as many as the buffer holds, and returns how many came: none only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) -> Int
}

extension InputFile: ByteInput {
  var fraction: Double? { size.map { $0 == 0 ? 1 : min(1, Double(position) / Double($0)) } }
  var bound: Int? { size.map { max(0, $0 - position) } }
}

/// A buffer of bytes of which a part waits to be taken.
struct ByteBuffer: ~Copyable {
  private var storage: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0

  init(capacity: Int) { storage = .allocate(byteCount: capacity, alignment: 64) }

  deinit { storage.deallocate() }

  /// The bytes that wait; they stay where they are until more are added.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[start..<end]) }
  /// How many there are.
  var count: Int { end - start }
  /// The first of them.
  ///
  /// - Precondition: there is one.
  var first: UInt8 { storage[start] }

  /// Drops the first bytes.
  mutating func drop(_ count: Int) {
    precondition(count >= 0 && count <= end - start, "\(count) of \(end - start) bytes cannot be dropped")
    start += count
  }

  /// Adds what `read` writes into the room behind the bytes, and returns how many bytes that were.
  mutating func fill<Failure: Error>(
    _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    if start > 0 {
      if end > start, let base = storage.baseAddress { base.copyMemory(from: base + start, byteCount: count) }
      (start, end) = (0, end - start)
    }
    if end == storage.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * storage.count, alignment: 64)
      larger.copyMemory(from: UnsafeRawBufferPointer(storage))
      storage.deallocate()
      storage = larger
    }
    let count = try read(UnsafeMutableRawBufferPointer(rebasing: storage[end...]))
    end += count
    return count
  }
}
