/// What can be wrong with what comes from outside: files, tables, checkpoints, configurations, numbers.
///
/// A contract broken by the caller's own code (a shape, an index) is a precondition instead.
public enum DensityError: Error, Equatable, Sendable {
  /// No file stands at the path.
  case missingFile(path: String)
  /// The system refuses to read the file or the folder.
  case unreadable(path: String, reason: String)
  /// The system refuses to write the file.
  case unwritable(path: String, reason: String)
  /// The contents of a file break its format.
  case malformed(path: String, at: Location, expected: String, found: String)
  /// A file is sound but does not fit what it is used with: other columns, another model.
  case mismatch(path: String, expected: String, found: String)
  /// A configuration that describes no model or no training.
  case invalidConfiguration(String)
  /// What is asked is not among what a density can do.
  case unsupported(String)
  /// A row of evidence that has probability zero, or none with the wanted number of on-bits; rows count from 0.
  case impossibleEvidence(row: Int, onBitCount: Int?)
  /// Rejection found too few completions of a row of evidence within its tries; rows count from 0.
  case triesExhausted(row: Int, tries: Int, found: Int, wanted: Int)
  /// Training met a number that is not finite.
  case diverged(step: Int, tensor: String)
  /// A row whose log p is not a number; rows count from 0.
  case undefined(row: Int)
  /// The caller wished it to end before there was anything to keep.
  case interrupted

  /// Where in a file something stands.
  public enum Location: Equatable, Sendable {
    /// A byte offset into the (decompressed) contents.
    case byte(Int)
    /// A byte offset into a compressed file as it stands on the disk.
    case compressedByte(Int)
    /// A line, counted from 1.
    case line(Int)
    /// A cell of a table; row and column count from 0 here and from 1 in words.
    case cell(row: Int, column: Int, name: String?)
    /// A cell of a text: the line counts from 1, the column from 0 here and from 1 in words.
    case lineCell(line: Int, column: Int, name: String?)
    /// A named part of the file.
    case field(String)
  }
}

extension DensityError: CustomStringConvertible {
  /// One line that names the file, the place, what was expected and what was found.
  public var description: String {
    switch self {
    case .missingFile(let path): "\(path): no such file"
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    case .malformed(let path, let location, let expected, let found):
      "\(path): \(location): expected \(expected), found \(found)"
    case .mismatch(let path, let expected, let found): "\(path): expected \(expected), found \(found)"
    case .invalidConfiguration(let reason), .unsupported(let reason): reason
    case .impossibleEvidence(let row, nil): "row \(row + 1) of the evidence has probability zero"
    case .impossibleEvidence(let row, let count?):
      "row \(row + 1) of the evidence has no possible completion with \(count) on-bits"
    case .triesExhausted(let row, let tries, let found, let wanted):
      "row \(row + 1) of the evidence: \(found) of \(wanted) completions after \(tries) tries; the evidence is improbable "
        + "where it is met by chance: allow more tries, or draw by particles, which are approximate"
    case .undefined(let row):
      "log p of row \(row + 1) is not a number: the model's parameters are too large for single precision"
    case .interrupted: "interrupted before there was anything to keep"
    case .diverged(let step, let tensor):
      "training stopped at step \(step): \(tensor) holds a number that is not finite; try a lower rate"
    }
  }
}

extension DensityError.Location: CustomStringConvertible {
  /// The place in words.
  public var description: String {
    switch self {
    case .byte(let offset): "byte \(offset)"
    case .compressedByte(let offset): "compressed byte \(offset)"
    case .line(let number): "line \(number)"
    case .cell(let row, let column, let name): "row \(row + 1), \(Self.words(column, name))"
    case .lineCell(let line, let column, let name): "line \(line), \(Self.words(column, name))"
    case .field(let name): name
    }
  }

  private static func words(_ column: Int, _ name: String?) -> String {
    "column \(column + 1)" + (name.map { " (\(quoted($0.utf8)))" } ?? "")
  }
}
