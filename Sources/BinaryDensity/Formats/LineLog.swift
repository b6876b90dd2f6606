import Essentials

/// A text file that grows by whole lines: the history of a training run.
///
/// Each line is appended by one write and is on its way to the disk when `append` returns, so a run that is
/// killed leaves at most its last line incomplete, and reopening drops that one.
package struct LineLog: Sendable {
  /// Where the file stands.
  package let path: String

  /// Opens a log, and creates it when it is missing.
  ///
  /// - Parameter count: how many complete lines to keep; what follows them is cut off. A shorter file stays.
  /// - Throws: `DensityError.unwritable`.
  /// - Complexity: O(size of the file).
  package init(path: String, keepingFirst count: Int = 0) throws(DensityError) {
    precondition(count >= 0, "a log cannot keep \(count) lines")
    self.path = path
    do throws(SystemError) {
      let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT)
      let bytes = count == 0 ? [] : try file.readToEnd()
      var end = 0
      var lineCount = 0
      for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") && lineCount < count {
        lineCount += 1
        end = index + 1
      }
      // Not asked of a file that is short already, since a device refuses to be cut.
      if try file.status().st_size > end { try file.truncate(to: end) }
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }

  /// Appends one line.
  ///
  /// - Precondition: `line` holds no line break.
  /// - Throws: `DensityError.unwritable`.
  package func append(_ line: String) throws(DensityError) {
    precondition(!line.utf8.contains(UInt8(ascii: "\n")), "a line of a log cannot hold a line break")
    do throws(SystemError) {
      let file = try FileDescriptor(opening: path, O_WRONLY | O_APPEND | O_CREAT)
      try file.writeAll(Array(line.utf8) + [UInt8(ascii: "\n")])
    } catch {
      throw .unwritable(path: path, reason: error.reason)
    }
  }
}
