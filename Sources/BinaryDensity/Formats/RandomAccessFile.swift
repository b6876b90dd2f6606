import Kernels

/// The bytes of a file, read at any place through windows: memory does not grow with the file.
///
/// What has no places, such as a pipe, is read into memory whole. Threads may read at the same time, unchecked: each
/// read says where, and moves nothing that another goes by.
final class RandomAccessFile: @unchecked Sendable {
  /// The path as errors name it.
  let path: String
  /// The number of bytes.
  let count: Int
  private let contents: Contents

  private enum Contents {
    case file(InputFile)
    case memory([UInt8])
  }

  /// How many bytes are read at a time: a part of a processor's second-level cache.
  static let windowSize = 1 << 18

  /// Opens a file; `-` is the standard input.
  ///
  /// - Parameter isPossibleStart: whether a stream that begins with some bytes can be what is wanted; of one that cannot
  ///   no more is read, for it may never end.
  /// - Throws: `missingFile`, `unreadable`.
  convenience init(
    path: String, isPossibleStart: ([UInt8]) -> Bool = { _ in true }
  ) throws(DensityError) {
    let file = try InputFile(path: path)
    if let size = file.size {
      self.init(file, size: size)
    } else {
      self.init(bytes: try Self.readStream(file, isPossibleStart), path: file.path)
    }
  }

  /// Reads a stream to its end, if it begins as it should and memory holds it.
  private static func readStream(
    _ file: InputFile, _ isPossibleStart: ([UInt8]) -> Bool
  ) throws(DensityError) -> [UInt8] {
    let window = UnsafeMutableRawBufferPointer.allocate(byteCount: windowSize, alignment: 64)
    defer { window.deallocate() }
    var bytes = Array(window[..<(try file.read(into: window))])
    guard isPossibleStart(bytes) else { return bytes }
    // As an array grows there are two of it, and what is made of the bytes needs as much again.
    let limit = Int(min(MachineMemory.limit / 4, 1e15))
    while true {
      let more = window[..<(try file.read(into: window))]
      if more.isEmpty { return bytes }
      guard bytes.count + more.count <= limit else {
        throw .unreadable(path: file.path, reason: "it is no file, and of more than \(limit) bytes")
      }
      bytes += more
    }
  }

  /// Takes bytes in memory for those of a file.
  convenience init(bytes: [UInt8], path: String) {
    self.init(path: path, count: bytes.count, .memory(bytes))
  }

  /// Takes a file that is open.
  convenience init(_ file: InputFile, size: Int) {
    self.init(path: file.path, count: size, .file(file))
  }

  private init(path: String, count: Int, _ contents: Contents) {
    self.path = path
    self.count = count
    self.contents = contents
  }

  /// Returns some of the bytes.
  ///
  /// - Throws: `unreadable`, or `malformed` if the file has been cut since it was opened.
  func bytes(_ range: Range<Int>) throws(DensityError) -> [UInt8] {
    switch contents {
    case .memory(let bytes): return Array(bytes[range])
    case .file:
      var result: [UInt8] = []
      result.reserveCapacity(range.count)
      try forEachWindow(of: range) { (bytes) throws(DensityError) in result += bytes }
      return result
    }
  }

  /// Fills a buffer with the bytes at an offset.
  ///
  /// - Throws: as `bytes(_:)` does.
  /// - Precondition: they lie within the file.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) {
    precondition(
      0 <= offset && offset <= count - buffer.count, "\(buffer.count) bytes at \(offset) of \(count)")
    switch contents {
    case .memory(let bytes): buffer.copyBytes(from: bytes[offset..<offset + buffer.count])
    case .file(let file): try file.read(at: offset, into: buffer)
    }
  }

  /// Calls `body` with some of the bytes, window by window.
  ///
  /// - Throws: as `bytes(_:)` does, and what `body` throws.
  /// - Precondition: the range lies within the file. Windows begin at multiples of `windowSize` from its start.
  func forEachWindow(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(DensityError) -> Void
  ) throws(DensityError) {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "bytes \(range) of \(count)")
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(Self.windowSize, range.count), alignment: 64)
    defer { buffer.deallocate() }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.windowSize) {
      let part = start..<min(start + Self.windowSize, range.upperBound)
      let window = UnsafeMutableRawBufferPointer(rebasing: buffer[..<part.count])
      try read(at: part.lowerBound, into: window)
      try body(UnsafeRawBufferPointer(window))
    }
  }
}
