import CZlib

/// The gzip format (RFC 1952) by way of the system's zlib.
package enum Gzip {
  /// The two bytes every gzip member begins with.
  package static let magic: [UInt8] = [0x1F, 0x8B]

  /// 15 for the largest window, and 16 for a gzip header and trailer instead of zlib's own.
  fileprivate static let windowBits: Int32 = 15 + 16

  /// Returns the bytes as one gzip member without a name or a time: the same bytes for the same contents.
  ///
  /// - Parameter level: zlib's effort, 1 (fast) … 9 (small).
  package static func compress(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
    precondition((1...9).contains(level), "zlib's effort \(level) is not in 1…9")
    let stream = ZlibStream()
    let status = deflateInit2_(
      stream.base, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, ZlibStream.size)
    precondition(status == Z_OK, "zlib cannot start: status \(status)")
    defer { deflateEnd(stream.base) }
    var result: [UInt8] = []
    var consumed = 0
    var isFinished = false
    while !isFinished {
      // zlib counts in 32 bits, so a long input goes in pieces.
      let end = consumed + min(bytes.count - consumed, 1 << 30)
      let (produced, status) = stream.step(bytes, from: &consumed, to: end) {
        deflate($0, end == bytes.count ? Z_FINISH : Z_NO_FLUSH)
      }
      result += produced
      isFinished = status == Z_STREAM_END
    }
    return result
  }
}

/// The inflation of one deflated stream after another, fed with compressed bytes as they arrive.
final class Inflater {
  /// What stands around the deflated data.
  enum Wrapping {
    /// A header and a trailer with checksum and length.
    case gzip
    /// Nothing.
    case none
  }

  /// What one step came to.
  enum Outcome: Equatable {
    /// More input or another step is needed.
    case ongoing
    /// The stream ended, and the checksum and length of gzip are right.
    case ended
    /// The data is corrupt, in zlib's words.
    case corrupt(String)
  }

  /// No stream inflates to more than this times its size.
  ///
  /// - Source: M. Adler, zlib Technical Details.
  static let largestRatio = 1032

  private let stream = ZlibStream()
  /// Whether the last step filled its buffer, so that more may come without more input.
  private(set) var hasPendingOutput = false

  init(_ wrapping: Wrapping) {
    // Less than zero for data without a header.
    let bits = wrapping == .gzip ? Gzip.windowBits : -15
    let status = inflateInit2_(stream.base, bits, ZLIB_VERSION, ZlibStream.size)
    precondition(status == Z_OK, "zlib cannot start: status \(status)")
  }

  deinit { inflateEnd(stream.base) }

  /// Prepares for the next stream.
  func reset() {
    inflateReset(stream.base)
    hasPendingOutput = false
  }

  /// Inflates some of the input, as much as there is room.
  ///
  /// - Returns: how many bytes of the input were used, how many were written, and what the step came to.
  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> (used: Int, written: Int, outcome: Outcome) {
    // zlib counts in 32 bits.
    let available = min(input.count, 1 << 30)
    let room = min(output.count, 1 << 30)
    let base = stream.base
    // zlib does not write to its input; its header merely lacks a const.
    base.pointee.next_in = UnsafeMutablePointer(
      mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
    base.pointee.avail_in = UInt32(available)
    base.pointee.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
    base.pointee.avail_out = UInt32(room)
    let status = inflate(base, Z_NO_FLUSH)
    hasPendingOutput = base.pointee.avail_out == 0
    let used = available - Int(base.pointee.avail_in)
    let written = room - Int(base.pointee.avail_out)
    switch status {
    case Z_STREAM_END: return (used, written, .ended)
    // A buffer error only says that this step could not go on without more input.
    case Z_OK, Z_BUF_ERROR: return (used, written, .ongoing)
    default:
      let words = base.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
      return (used, written, .corrupt(words))
    }
  }
}

/// A `z_stream` at an address that stays: zlib's state points back to it.
private final class ZlibStream {
  static let size = Int32(MemoryLayout<z_stream>.size)
  let base: UnsafeMutablePointer<z_stream>

  init() {
    base = .allocate(capacity: 1)
    base.initialize(to: z_stream())
  }

  deinit {
    base.deinitialize(count: 1)
    base.deallocate()
  }

  /// Runs one step of zlib on `input[cursor..<end]` into a fresh buffer of 64 KiB.
  ///
  /// Returns what zlib wrote, and moves the cursor past what it used.
  func step(
    _ input: [UInt8], from cursor: inout Int, to end: Int,
    _ run: (UnsafeMutablePointer<z_stream>) -> Int32
  ) -> (bytes: [UInt8], status: Int32) {
    let capacity = 1 << 16
    var status: Int32 = Z_OK
    let bytes = input.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
        // zlib does not write to its input; its header merely lacks a const.
        base.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + cursor) }
        base.pointee.avail_in = UInt32(end - cursor)
        base.pointee.next_out = output.baseAddress
        base.pointee.avail_out = UInt32(capacity)
        status = run(base)
        count = capacity - Int(base.pointee.avail_out)
      }
    }
    cursor = end - Int(base.pointee.avail_in)
    return (bytes, status)
  }
}
