import CZlib

/// The cyclic redundancy check of PNG, gzip and zlib, with polynomial 0x04C11DB7.
///
/// It finds every error confined to 32 consecutive bits, hence every changed byte.
struct CRC32 {
  /// The check of the bytes seen so far.
  private(set) var value: UInt32 = 0

  /// Takes in more bytes.
  mutating func update(_ bytes: some Collection<UInt8>) {
    let updated = bytes.withContiguousStorageIfAvailable { buffer in
      crc32_z(uLong(value), buffer.baseAddress, z_size_t(buffer.count))
    }
    guard let updated else { return update(Array(bytes)) }
    // Of nothing, zlib returns the initial value instead of the one given.
    if !bytes.isEmpty { value = UInt32(updated) }
  }
}
