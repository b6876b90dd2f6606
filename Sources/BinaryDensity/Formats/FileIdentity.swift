import Essentials

/// Which file a path means, whatever its spelling and through whatever links.
struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let number: UInt64
  /// The name that a file not there yet will have in the folder that the numbers are of.
  private let name: String?

  /// The file that the system says this of.
  init(_ status: stat) { self.init(status, name: nil) }

  private init(_ status: stat, name: String?) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
    self.name = name
  }

  /// The file, folder or device that stands at a path; nil if nothing does.
  init?(existing path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The regular file that is at the path, or will be once it is written.
  ///
  /// It is nil for a folder, a device or a pipe, and where there is no folder for it. `-` is the standard input.
  init?(ofFile path: String) {
    var status = stat()
    if (path == "-" ? fstat(STDIN_FILENO, &status) : stat(path, &status)) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { return nil }
      self.init(status)
      return
    }
    guard stat(AtomicFile.parentDirectory(of: path), &status) == 0 else { return nil }
    self.init(status, name: path.split(separator: "/").last.map(String.init))
  }
}
