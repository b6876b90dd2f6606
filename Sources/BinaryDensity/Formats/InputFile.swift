import Essentials

/// A file opened for reading: from its start to its end, or, if it is a regular file, at any place.
final class InputFile {
  /// The path as errors name it.
  let path: String
  /// The number of bytes of a regular file; nil for what can only be read from start to end, such as a pipe.
  let size: Int?
  /// How many bytes were read from the start on.
  private(set) var position = 0
  private let descriptor: FileDescriptor

  /// Opens a file; `-` is the standard input.
  ///
  /// - Throws: `missingFile` where nothing stands; `unreadable` for a folder or what the system refuses.
  init(path: String) throws(DensityError) {
    self.path = path == "-" ? "standard input" : path
    do throws(SystemError) {
      guard path != "-" else {
        descriptor = try FileDescriptor(duplicating: STDIN_FILENO)
        size = nil
        return
      }
      descriptor = try FileDescriptor(opening: path, O_RDONLY)
      let status = try descriptor.status()
      guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemError(code: EISDIR) }
      size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    } catch {
      throw error.code == ENOENT
        ? .missingFile(path: path) : .unreadable(path: self.path, reason: error.reason)
    }
  }

  /// Reads the next bytes, at most as many as the buffer holds, and returns how many came: none only at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) -> Int {
    do throws(SystemError) {
      let count = try descriptor.read(into: buffer)
      position += count
      return count
    } catch {
      throw unreadable(error)
    }
  }

  /// Passes over bytes without reading them.
  ///
  /// - Precondition: it is a regular file.
  func skip(_ count: Int) throws(DensityError) {
    guard lseek(descriptor.number, off_t(count), SEEK_CUR) >= 0 else { throw unreadable(.last) }
    position += count
  }

  /// Returns all bytes that were not yet read.
  func readToEnd() throws(DensityError) -> [UInt8] {
    do throws(SystemError) { return try descriptor.readToEnd() } catch { throw unreadable(error) }
  }

  /// Fills a buffer with the bytes at an offset.
  ///
  /// - Throws: `malformed` where the file ends too early, `unreadable`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) {
    var done = 0
    while done < buffer.count {
      let count: Int
      do throws(SystemError) {
        count = try descriptor.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]), at: offset + done)
      } catch {
        throw unreadable(error)
      }
      guard count > 0 else {
        throw .malformed(
          path: path, at: .byte(offset + done), expected: "\(buffer.count - done) bytes more",
          found: "the end of the file")
      }
      done += count
    }
  }

  private func unreadable(_ error: SystemError) -> DensityError {
    .unreadable(path: path, reason: error.reason)
  }
}
