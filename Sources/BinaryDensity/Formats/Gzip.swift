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

/// The inflation of one gzip member after another, fed with compressed bytes as they arrive.
final class GzipDecoder {
  /// What one step came to.
  enum Outcome: Equatable {
    /// More input or another step is needed.
    case ongoing
    /// The member ended, and its checksum and length are right.
    case memberEnded
    /// The data is corrupt, in zlib's words.
    case corrupt(String)
  }

  private let stream = ZlibStream()
  /// Whether the last step filled its buffer, so that more may come without more input.
  private(set) var hasPendingOutput = false

  init() {
    let status = inflateInit2_(stream.base, Gzip.windowBits, ZLIB_VERSION, ZlibStream.size)
    precondition(status == Z_OK, "zlib cannot start: status \(status)")
  }

  deinit { inflateEnd(stream.base) }

  /// Prepares for the next member.
  func reset() {
    inflateReset(stream.base)
    hasPendingOutput = false
  }

  /// Inflates at most 64 KiB from `input[cursor...]`, and moves the cursor past what was used.
  func step(_ input: [UInt8], from cursor: inout Int) -> (bytes: [UInt8], outcome: Outcome) {
    let (bytes, status) = stream.step(input, from: &cursor, to: input.count) { inflate($0, Z_NO_FLUSH) }
    hasPendingOutput = stream.base.pointee.avail_out == 0
    switch status {
    case Z_STREAM_END: return (bytes, .memberEnded)
    // A buffer error only says that this step could not go on without more input.
    case Z_OK, Z_BUF_ERROR: return (bytes, .ongoing)
    default:
      return (bytes, .corrupt(stream.base.pointee.msg.map { String(cString: $0) } ?? "status \(status)"))
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
