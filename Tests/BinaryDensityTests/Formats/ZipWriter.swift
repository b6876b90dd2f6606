import BinaryDensity

/// Writes zip archives for tests, as Python's `zipfile` does.
struct ZipWriter {
  var isDeflated = false
  /// Whether sizes and places stand in the fields of zip64, as NumPy writes them before it knows them.
  var isWide = false

  /// The archive of some files.
  func bytes(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in files {
      // The deflated bytes of gzip stand between its header of 10 and its trailer of 8.
      let stored = isDeflated ? Array(Gzip.compress(bytes).dropFirst(10).dropLast(8)) : bytes
      var checksum = CRC32()
      checksum.update(bytes)
      let place = archive.count
      let sizes = isWide ? [0xFFFF_FFFF, 0xFFFF_FFFF] : [stored.count, bytes.count]
      var common: [UInt8] = []
      common.append([45, 0, isDeflated ? 8 : 0, 0, 0] as [UInt16], order: .little)
      common.append([checksum.value] + sizes.map { UInt32($0) }, order: .little)
      var wide: [UInt8] = []
      if isWide {
        wide.append([1, 24] as [UInt16], order: .little)
        wide.append([bytes.count, stored.count, place].map { UInt64($0) }, order: .little)
      }
      common.append([name.utf8.count, wide.count].map { UInt16($0) }, order: .little)
      archive += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + wide + stored
      directory += [0x50, 0x4B, 1, 2, 45, 3] + common
      directory.append([0, 0, 0, 0, 0] as [UInt16], order: .little)
      directory.append([isWide ? UInt32.max : UInt32(place)], order: .little)
      directory += Array(name.utf8) + wide
    }
    return archive + directory + end(count: files.count, size: directory.count, place: archive.count)
  }

  private func end(count: Int, size: Int, place: Int) -> [UInt8] {
    var end: [UInt8] = []
    if isWide {
      end += [0x50, 0x4B, 6, 6]
      end.append([44 as UInt64], order: .little)
      end += [45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      end.append([count, count, size, place].map { UInt64($0) }, order: .little)
      end += [0x50, 0x4B, 6, 7, 0, 0, 0, 0]
      end.append([UInt64(place + size)], order: .little)
      end += [1, 0, 0, 0]
    }
    end += [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
    end.append((isWide ? [0xFFFF, 0xFFFF] : [count, count]).map { UInt16($0) }, order: .little)
    end.append((isWide ? [0xFFFF_FFFF, 0xFFFF_FFFF] : [size, place]).map { UInt32($0) }, order: .little)
    return end + [0, 0]
  }
}
