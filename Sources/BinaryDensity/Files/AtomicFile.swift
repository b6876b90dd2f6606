#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes whole files so that a reader sees the old contents or the new, never a part.
package enum AtomicFile {
  /// Writes the bytes beside the path and renames the result onto it.
  ///
  /// - Throws: `DensityError.unwritable`; what stood at the path is then untouched.
  package static func write(_ bytes: [UInt8], to path: String) throws(DensityError) {
    let temporary = path + ".partial"
    guard let file = fopen(temporary, "wb") else { throw unwritable(path) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count, rename(temporary, path) == 0 else {
      let error = unwritable(path)
      unlink(temporary)
      throw error
    }
  }

  private static func unwritable(_ path: String) -> DensityError {
    .unwritable(path: path, reason: String(cString: strerror(errno)))
  }
}
