#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open file, read from its start to its end.
final class InputFile {
  /// The path as errors name it.
  let path: String
  private let descriptor: Int32

  /// Opens a file; `-` is the standard input.
  ///
  /// - Throws: `missingFile` where nothing stands; `unreadable` for a folder or what the system refuses.
  init(path: String) throws(DensityError) {
    guard path != "-" else {
      self.path = "standard input"
      self.descriptor = STDIN_FILENO
      return
    }
    self.path = path
    self.descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? .missingFile(path: path) : InputFile.unreadable(path, errno)
    }
    var information = stat()
    if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
      // The initializer that throws here has set every property, so `deinit` closes the descriptor.
      throw InputFile.unreadable(path, EISDIR)
    }
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
  }

  /// Returns the next bytes, at most `maximum` and at least one, or none at the end of the file.
  func read(upTo maximum: Int) throws(DensityError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
      while true {
        #if canImport(Glibc)
          let received = Glibc.read(descriptor, buffer.baseAddress, maximum)
        #elseif canImport(Musl)
          let received = Musl.read(descriptor, buffer.baseAddress, maximum)
        #elseif canImport(Darwin)
          let received = Darwin.read(descriptor, buffer.baseAddress, maximum)
        #endif
        if received >= 0 {
          count = received
          return
        }
        guard errno == EINTR else {
          failure = errno
          return
        }
      }
    }
    guard failure == 0 else { throw InputFile.unreadable(path, failure) }
    return bytes
  }

  private static func unreadable(_ path: String, _ code: Int32) -> DensityError {
    .unreadable(path: path, reason: String(cString: strerror(code)))
  }
}
