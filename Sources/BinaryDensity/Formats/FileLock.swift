import Essentials

/// The sole right to write into a folder, held by one process at a time.
///
/// It is the system's lock on a file `.lock` in the folder: it ends with the process, however that ends, and what is
/// left of the file after a crash is no hindrance to the next. The file is removed when the lock is given up.
final class FileLock {
  private let path: String
  private let file: FileDescriptor

  /// Locks a folder.
  ///
  /// - Throws: `DensityError.unwritable` if another holds it, or if the folder cannot be written.
  init(folder: String) throws(DensityError) {
    path = folder + "/.lock"
    do throws(SystemError) {
      while true {
        let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT)
        // Some network file systems have no locks; there the folder is as open as it was.
        if flock(file.number, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR) {
          throw SystemError(code: EWOULDBLOCK)
        }
        // The one before may have removed the name between the opening and the lock.
        let (opened, named) = (try file.status(), FileIdentity(existing: path))
        if named == FileIdentity(opened) {
          self.file = file
          return
        }
      }
    } catch {
      throw .unwritable(
        path: folder,
        reason: error.code == EWOULDBLOCK
          ? "another process is at work in this folder; wait for its end, or name another folder"
          : error.reason)
    }
  }

  deinit { unlink(path) }
}
