import Essentials

extension AtomicFile {
  /// Makes sure, before any work, that a file can be written when it is done.
  ///
  /// A file is made beside the path and removed again, as the writing will do it; what is no regular file is asked for
  /// permission.
  ///
  /// - Throws: `DensityError.unwritable`.
  package static func checkWritable(_ path: String) throws(DensityError) {
    do throws(SystemError) {
      if isWrittenInPlace(path) {
        if let number = openDescriptor(path) {
          let flags = fcntl(number, F_GETFL)
          if flags == -1 { throw SystemError.last }
          if flags & O_ACCMODE == O_RDONLY { throw SystemError(code: EBADF) }
        } else if access(path, W_OK) != 0 {
          throw SystemError.last
        }
        return
      }
      let target = resolvingLinks(path)
      var old = stat()
      if lstat(target, &old) == 0 {
        if old.st_mode & S_IFMT == S_IFDIR { throw SystemError(code: EISDIR) }
      } else if errno != ENOENT {
        throw SystemError.last
      } else if path.hasSuffix("/") {
        throw SystemError(code: EISDIR)
      }
      let trial = temporaryPath(for: target)
      _ = try FileDescriptor(opening: trial, O_WRONLY | O_CREAT | O_EXCL)
      unlink(trial)
    } catch {
      throw unwritable(path, error)
    }
  }

  /// Makes sure that a file can be written, and that it is none of those that are read.
  ///
  /// Files are compared by what they are, not by their names. Of a folder the data set's files in it are compared.
  ///
  /// - Throws: `DensityError.unwritable`.
  package static func checkWritable(_ path: String, besides inputs: [String]) throws(DensityError) {
    if let output = FileIdentity(ofFile: path) {
      for input in inputs {
        for file in [input] + dataFiles(inFolder: input) where FileIdentity(ofFile: file) == output {
          let name = file == "-" ? "on standard input" : file
          throw .unwritable(path: path, reason: "it is the same file as the input \(name); name another")
        }
      }
    }
    try checkWritable(path)
  }

  /// Whether two paths mean the same file, which need not be there yet.
  package static func isSameFile(_ first: String, _ second: String) -> Bool {
    FileIdentity(ofFile: first).map { $0 == FileIdentity(ofFile: second) } ?? false
  }

  /// The IDX files of a folder; none of what is no folder.
  private static func dataFiles(inFolder path: String) -> [String] {
    names(inFolder: path).filter { $0.contains("-ubyte") }.map { path + "/" + $0 }
  }

  /// The names of what is in a folder; none if it cannot be read.
  static func names(inFolder path: String) -> [String] {
    (try? Folder.names(in: path)) ?? []
  }

  /// Keeps a file that is about to be replaced, under the path and `~1`, or the next number that is free.
  ///
  /// The path itself goes on holding the file until it is replaced.
  ///
  /// - Returns: where the file is kept; nil if there was none, or what is there is no regular file.
  /// - Throws: `DensityError.unwritable`.
  package static func keepAside(_ path: String) throws(DensityError) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    // Of a link what it points to, so that the link stays.
    let isLink = lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    let target = isLink ? resolvingLinks(path) : path
    var number = 1
    while true {
      let aside = "\(target)~\(number)"
      if link(target, aside) == 0 { return aside }
      let error = SystemError.last
      if error.code == EEXIST {
        number += 1
      } else {
        // Not every file system has a second name for a file.
        guard access(aside, F_OK) != 0, rename(target, aside) == 0 else { throw unwritable(aside, error) }
        return aside
      }
    }
  }
}
