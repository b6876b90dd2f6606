import CZlib

/// The cyclic redundancy check of PNG, gzip and zlib, with polynomial 0x04C11DB7.
///
/// It finds every error confined to 32 consecutive bits, hence every changed byte.
package struct CRC32: Sendable {
  /// The check of the bytes seen so far.
  package private(set) var value: UInt32 = 0

  /// Creates the check of no bytes.
  package init() {}

  /// Takes in more bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    // Of nothing, zlib returns the initial value instead of the one given.
    guard !bytes.isEmpty else { return }
    let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    value = UInt32(crc32_z(uLong(value), base, z_size_t(bytes.count)))
  }

  /// Takes in more bytes.
  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Returns a check as eight hexadecimal digits.
  package static func text(of value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Returns the check of some bytes and then `byteCount` others, from the check of each.
  ///
  /// - Complexity: O(log `byteCount`).
  static func joining(_ first: UInt32, _ second: UInt32, byteCount: Int) -> UInt32 {
    UInt32(crc32_combine(uLong(first), uLong(second), numericCast(byteCount)))
  }
}
