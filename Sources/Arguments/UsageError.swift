/// A command line that cannot be carried out as it was typed, in one line for the person who typed it.
package struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line, without the program's name and without a full stop.
  package let description: String

  /// Creates an error from its line.
  package init(_ description: String) { self.description = description }
}

/// How a process ends, in the numbers of BSD's `sysexits.h` and of shells.
package enum ExitStatus: Int32, Sendable, CaseIterable {
  /// Everything asked for was done.
  case success = 0
  /// A check that was asked for has not passed.
  case checkFailed = 1
  /// `EX_USAGE`: the command line is wrong.
  case usage = 64
  /// `EX_DATAERR`: a file's contents are wrong.
  case dataError = 65
  /// `EX_NOINPUT`: a file to read does not exist or cannot be read.
  case missingInput = 66
  /// `EX_SOFTWARE`: the program went wrong.
  case internalError = 70
  /// `EX_CANTCREAT`: a file cannot be written.
  case cannotCreate = 73
  /// `EX_IOERR`: reading or writing broke off.
  case inputOutput = 74
  /// What a shell reports of a process ended by an interrupt: 128 + `SIGINT`.
  case interrupted = 130
}
