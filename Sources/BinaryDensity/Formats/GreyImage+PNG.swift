import CZlib

extension GreyImage {
  /// Replaces a file by the picture as a PNG, or creates it; at every moment the path holds a whole file.
  ///
  /// - Throws: `DensityError.unwritable`.
  public func writePNG(to path: String) throws(DensityError) {
    try AtomicFile.write(encodedPNG(), to: path)
  }

  /// Returns the picture as a PNG: 8-bit grey levels, not interlaced, rows unfiltered.
  ///
  /// The pixels are exact. The bytes may differ between versions of zlib. Filters, which predict a pixel from
  /// its neighbours, are of no use to pictures that are black and white.
  ///
  /// - Complexity: O(width · height).
  /// - Source: ISO/IEC 15948 (PNG, second edition), 5.2, 5.3 and 11.2.
  public func encodedPNG() -> [UInt8] {
    let header =
      [UInt8]([UInt32(width), UInt32(height)], order: .big) + [
        8,  // bits a sample
        0,  // colour type: grey
        0,  // compression: deflate
        0,  // filter method: a filter type before each row
        0,  // no interlacing
      ]
    var rows: [UInt8] = []
    rows.reserveCapacity(height * (width + 1))
    for row in 0..<height {
      rows.append(0)  // filter type: none
      rows += pixels[row * width..<(row + 1) * width]
    }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    return signature + chunk("IHDR", header) + chunk("IDAT", deflated(rows)) + chunk("IEND", [])
  }

  /// A chunk: the length of its data, its type, the data, and the check of type and data.
  private func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let checked = Array(type.utf8) + data
    var check = CRC32()
    check.update(checked)
    return [UInt8]([UInt32(data.count)], order: .big) + checked + [UInt8]([check.value], order: .big)
  }

  private func deflated(_ bytes: [UInt8]) -> [UInt8] {
    let bound = compressBound(uLong(bytes.count))
    return Array(unsafeUninitializedCapacity: Int(bound)) { buffer, count in
      var length = bound
      // In a large picture of squares that repeat, zlib spends nearly all its time looking for the longest match.
      let effort = bytes.count > 1 << 20 ? 3 : Z_BEST_COMPRESSION
      let status = compress2(buffer.baseAddress, &length, bytes, uLong(bytes.count), effort)
      // Given a buffer of its own bound, zlib can fail only for want of memory.
      precondition(status == Z_OK, "zlib has no memory to compress \(bytes.count) bytes")
      count = Int(length)
    }
  }
}
