import Essentials

/// Whole files, read at once and replaced at once.
package enum AtomicFile {
  /// Returns the contents of a file.
  ///
  /// - Throws: `DensityError.missingFile`, or `.unreadable` with the system's reason (a folder, no
  ///   permission).
  package static func read(_ path: String) throws(DensityError) -> [UInt8] {
    try InputFile(path: path).readToEnd()
  }

  /// Replaces a file by new contents, so that at every moment the path holds all of the old or all of the
  /// new.
  ///
  /// The bytes go to a temporary file in the same folder, reach the disk, and take the name in one step; the
  /// permissions of a file replaced stay, and a symbolic link keeps pointing to it; a link that points nowhere
  /// is replaced. A path that is no regular file, such as `/dev/null` or a named pipe, is written in place, for
  /// a device must not be replaced by a file.
  ///
  /// - Throws: `DensityError.unwritable`; the old file stays as it was and no temporary file is left.
  package static func write(_ bytes: [UInt8], to path: String) throws(DensityError) {
    try write(to: path) { (write) throws(SystemError) in try write(bytes) }
  }

  /// Does the same with contents that come in pieces: `produce` calls its argument with one after another.
  static func write(
    to path: String, _ produce: (_ write: ([UInt8]) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(DensityError) {
    do throws(SystemError) {
      if isWrittenInPlace(path) {
        // What is open already goes on where it is.
        let file =
          if let number = openDescriptor(path) {
            try FileDescriptor(duplicating: number)
          } else {
            try FileDescriptor(opening: path, O_WRONLY)
          }
        try produce { (bytes) throws(SystemError) in try file.writeAll(bytes) }
      } else {
        let target = resolvingLinks(path)
        var old = stat()
        let exists = stat(target, &old) == 0
        try replace(
          target, in: parentDirectory(of: target), permissions: exists ? old.st_mode & 0o7777 : nil, produce)
      }
    } catch {
      throw unwritable(path, error)
    }
  }

  /// Does the same with contents that come in pieces, where making them may fail on its own: `produce` calls its argument,
  /// which always wants more, with one piece after another.
  ///
  /// - Throws: `DensityError.unwritable`, and what `produce` throws; the old file stays as it was.
  package static func writing(
    to path: String,
    _ produce: (_ sink: @escaping ([UInt8]) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws(DensityError) {
    var failure: DensityError?
    do throws(DensityError) {
      try write(to: path) { (write) throws(SystemError) in
        try withoutActuallyEscaping(write) { (write) throws(SystemError) in
          var systemFailure: SystemError?
          do throws(DensityError) {
            try produce { (bytes) throws(DensityError) in
              do throws(SystemError) {
                try write(bytes)
              } catch {
                systemFailure = error
                throw .unwritable(path: path, reason: error.reason)
              }
              return true
            }
          } catch {
            if systemFailure == nil { failure = error }
            throw systemFailure ?? SystemError(code: 0)
          }
        }
      }
    } catch {
      throw failure ?? error
    }
  }

  /// Whether a path is that of a device, a pipe or an open file, which must not be replaced by a file.
  package static func isWrittenInPlace(_ path: String) -> Bool {
    if openDescriptor(path) != nil { return true }
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    // A folder is left to the renaming, which refuses it.
    return status.st_mode & S_IFMT != S_IFREG && status.st_mode & S_IFMT != S_IFDIR
  }

  /// The number of the process's open file that a path such as `/dev/stdout` means.
  static func openDescriptor(_ path: String) -> Int32? {
    switch path {
    case "/dev/stdout": STDOUT_FILENO
    case "/dev/stderr": STDERR_FILENO
    default: path.hasPrefix("/dev/fd/") ? Int32(path.dropFirst("/dev/fd/".count)) : nil
    }
  }

  /// The error that a file cannot be written, with a plain word for the most frequent reason.
  static func unwritable(_ path: String, _ error: SystemError) -> DensityError {
    let directory = parentDirectory(of: resolvingLinks(path))
    let isFolderMissing = error.code == ENOENT && access(directory, F_OK) != 0
    return .unwritable(
      path: path, reason: isFolderMissing ? "there is no folder \(directory)" : error.reason)
  }

  /// Makes a folder, and those above it, where they are missing.
  ///
  /// - Throws: `DensityError.unwritable`.
  package static func createDirectory(_ path: String) throws(DensityError) {
    do throws(SystemError) {
      try makeDirectory(path)
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }

  private static func replace(
    _ target: String, in directory: String, permissions: mode_t?,
    _ produce: (_ write: ([UInt8]) throws(SystemError) -> Void) throws(SystemError) -> Void
  ) throws(SystemError) {
    TemporaryFiles.removeStale(in: directory)
    let temporary = temporaryPath(for: target)
    do throws(SystemError) {
      let file = try FileDescriptor(opening: temporary, O_WRONLY | O_CREAT | O_EXCL)
      try produce { (bytes) throws(SystemError) in try file.writeAll(bytes) }
      if let permissions { try file.setPermissions(permissions) }
      try file.synchronize()
      guard rename(temporary, target) == 0 else { throw SystemError.last }
    } catch {
      unlink(temporary)
      throw error
    }
    // The name, too, should outlive a power cut. Not every file system can promise that of a folder, and the
    // file is whole either way, so a refusal is no failure.
    try? FileDescriptor(opening: directory, O_RDONLY).synchronize()
  }

  /// A path beside a file, for what is to become the file.
  static func temporaryPath(for target: String) -> String {
    let name = target.split(separator: "/").last.map { String($0.prefix(40)) } ?? ""
    return "\(parentDirectory(of: target))/.\(name).\(TemporaryFiles.newTag())"
  }

  private static func makeDirectory(_ path: String) throws(SystemError) {
    guard access(path, F_OK) != 0 else { return }
    let parent = parentDirectory(of: path)
    if parent != path { try makeDirectory(parent) }
    // Another process may make it in the meantime.
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw SystemError.last }
  }

  package static func parentDirectory(of path: String) -> String {
    let trimmed = path.last == "/" && path.count > 1 ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  static func resolvingLinks(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
