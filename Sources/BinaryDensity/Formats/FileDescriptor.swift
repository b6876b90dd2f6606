import Essentials

/// An open file, closed when it goes out of scope.
struct FileDescriptor: ~Copyable {
  /// The system's number of the open file.
  let number: Int32

  /// Opens a file; `flags` are those of `open(2)`, and a new file gets `mode` less the process's mask.
  init(opening path: String, _ flags: Int32, mode: mode_t = 0o666) throws(SystemError) {
    let number = repeatingInterrupted { Int(open(path, flags | O_CLOEXEC, mode)) }
    guard number >= 0 else { throw SystemError.last }
    self.number = Int32(number)
  }

  /// Makes another descriptor of an open file.
  init(duplicating other: Int32) throws(SystemError) {
    number = fcntl(other, F_DUPFD_CLOEXEC, 0)
    guard number >= 0 else { throw SystemError.last }
  }

  deinit { close(number) }

  /// Reads bytes at the current position, which works on pipes too, or at an offset, which leaves the position.
  ///
  /// - Returns: how many bytes came: at most as many as the buffer holds, and zero only at the end.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int? = nil
  ) throws(SystemError) -> Int {
    let count = repeatingInterrupted {
      guard let offset else { return systemRead(number, buffer.baseAddress, buffer.count) }
      return pread(number, buffer.baseAddress, buffer.count, off_t(offset))
    }
    guard count >= 0 else { throw SystemError.last }
    return count
  }

  /// Returns everything from the current position to the end; works on pipes too.
  func readToEnd() throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    // A hint only: the file may grow, and a pipe has no size.
    bytes.reserveCapacity(max(0, Int(try status().st_size)))
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { chunk.deallocate() }
    while true {
      let count = try read(into: chunk)
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Writes all the bytes at the current position.
  func writeAll(_ bytes: [UInt8]) throws(SystemError) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
        return repeatingInterrupted { write(number, rest.baseAddress, rest.count) }
      }
      guard count >= 0 else { throw SystemError.last }
      offset += count
    }
  }

  /// Waits until what was written has reached the disk.
  func synchronize() throws(SystemError) {
    guard repeatingInterrupted({ Int(fsync(number)) }) == 0 else { throw SystemError.last }
  }

  /// Cuts the file to its first `count` bytes.
  func truncate(to count: Int) throws(SystemError) {
    guard repeatingInterrupted({ Int(ftruncate(number, off_t(count))) }) == 0 else { throw SystemError.last }
  }

  /// Sets the file's permission bits.
  func setPermissions(_ mode: mode_t) throws(SystemError) {
    guard fchmod(number, mode) == 0 else { throw SystemError.last }
  }

  /// What the system knows of the file.
  func status() throws(SystemError) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw SystemError.last }
    return status
  }
}

/// Why a system call failed.
struct SystemError: Error, Equatable {
  /// The value of `errno`.
  let code: Int32

  /// The error of the system call that just failed.
  static var last: SystemError { SystemError(code: errno) }

  /// The system's words for the error.
  var reason: String { String(cString: strerror(code)) }
}

/// `read(2)`, whose name the method above hides.
private func systemRead(_ number: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(number, buffer, count)
}

/// Repeats a system call for as long as a signal interrupts it.
private func repeatingInterrupted(_ call: () -> Int) -> Int {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}
