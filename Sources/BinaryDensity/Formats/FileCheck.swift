/// Tells files from each other without keeping them: by their size and a checksum.
package enum FileCheck {
  private static let pieceLength = 1 << 20

  /// Returns the size and the CRC-32 of a file's bytes.
  ///
  /// - Throws: what reading throws.
  package static func text(ofWhole path: String) throws(DensityError) -> String {
    let file = try InputFile(path: path)
    var check = CRC32()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try file.read(into: buffer)
      guard count > 0 else { break }
      check.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    return "\(file.position) bytes, CRC-32 \(CRC32.text(of: check.value))"
  }

  /// Returns the size of a file, and the CRC-32 of its first and last million bytes, which takes a moment for a large one.
  ///
  /// Of a folder it is that of the figures of all its files.
  ///
  /// - Throws: what reading throws.
  package static func text(of path: String) throws(DensityError) -> String {
    if Folder.exists(path) {
      var (figures, names) = ("", AtomicFile.names(inFolder: path).sorted())
      names.removeAll { $0.hasPrefix(".") || Folder.exists(path + "/" + $0) }
      for name in names { figures += "\(name) \(try text(of: path + "/" + name))\n" }
      var check = CRC32()
      check.update(Array(figures.utf8))
      return "\(names.count) files, CRC-32 of their figures \(CRC32.text(of: check.value))"
    }
    let file = try InputFile(path: path)
    guard let size = file.size, size > 2 * pieceLength else { return try text(ofWhole: path) }
    var check = CRC32()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 64)
    defer { buffer.deallocate() }
    for offset in [0, size - pieceLength] {
      try file.read(at: offset, into: buffer)
      check.update(UnsafeRawBufferPointer(buffer))
    }
    return "\(size) bytes, CRC-32 of both ends \(CRC32.text(of: check.value))"
  }
}
