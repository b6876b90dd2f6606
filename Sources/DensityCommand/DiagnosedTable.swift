import Arguments
import BinaryDensity

/// The whole rows of a table, and what a model says of each of their cells: what `density explain` and `density calibration`
/// are about.
struct DiagnosedTable {
  static let options: [Option] =
    [
      .value("rows", placeholder: "numbers", help: "Only these rows, such as 3,7-9. Default: all."),
      .flag(
        "others", help: "Each cell given all others of its row, rather than those before it in the order."),
      DataOptions.data, DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads]

  let checkpoint: Checkpoint
  let evaluator: ContributionEvaluator
  /// What to call the rows.
  let name: String
  /// The names of the columns; `#1` and so on where they have none.
  let columnNames: [String]
  /// The height and width of the picture that a row is, if it is one.
  var imageShape: ImageShape? { table.imageShape }
  private let arguments: ParsedArguments
  private let table: EvidenceTable
  private let rows: RowNumbers?

  /// Opens the table that a command line names.
  ///
  /// - Parameters:
  ///   - checkpoint: the model.
  ///   - evaluator: what is to be said of each cell.
  ///   - usual: the rows that are taken if the command line says none; nil for all.
  init(
    _ arguments: ParsedArguments, _ checkpoint: Checkpoint, _ evaluator: ContributionEvaluator,
    usual: RowNumbers? = nil
  ) throws {
    (self.arguments, self.checkpoint, self.evaluator) = (arguments, checkpoint, evaluator)
    let path = try DataOptions.tablePath(arguments)
    rows = try arguments.optionalValue("rows", as: .rowNumbers) ?? usual
    table = try EvidenceTable(arguments, path: path, for: checkpoint, limit: rows?.last)
    name =
      DataOptions.isDirectory(path) ? "\(path) (\(try arguments.value("split", as: .string)))" : path
    columnNames = table.columnNames ?? (1...checkpoint.model.variableCount).map { "#\($0)" }
  }

  /// Hands on rows and what each of their cells adds, in parts of about a second, while `body` says to go on.
  ///
  /// - Parameter label: what is being done, for a person.
  /// - Returns: how many rows there were before Ctrl-C, or all.
  /// - Throws: `DensityError`, of a missing cell, of a row that is asked for and is not there, and `.interrupted` before there
  ///   was any; what `body` throws.
  func forEachPart(
    _ label: String, _ body: (BinaryMatrix, Contributions) throws(DensityError) -> Bool
  ) throws(DensityError) -> Int {
    Interrupt.install()
    let progress = ProgressLine()
    var count = 0
    var goesOn = true
    let readCount = try table.forEachPart(upTo: 1024) { (before, part, overall) throws(DensityError) in
      let range = before..<before + part.rowCount
      let indices = rows?.indices(in: range) ?? Array(0..<part.rowCount)
      guard !indices.isEmpty else { return !Interrupt.isRequested }
      let chosen = try wholeRows(indices, of: part, firstRow: before)
      do throws(DensityError) {
        let found = try evaluator.contributions(of: chosen) { (fraction) throws(DensityError) in
          progress.update(label, fraction: overall(fraction))
          return !Interrupt.isRequested
        }
        guard let found else { return false }
        count += chosen.rowCount
        goesOn = try body(chosen, found)
      } catch .undefined(let row) {
        throw .undefined(row: before + indices[row])
      }
      return goesOn && !Interrupt.isRequested
    }
    progress.finish()
    if Interrupt.isRequested && count == 0 { throw .interrupted }
    if let rows, goesOn, !Interrupt.isRequested, readCount < rows.last {
      throw .mismatch(
        path: table.path, expected: "row \(rows.last), as --rows says",
        found: "\(counted(readCount, "row"))")
    }
    return count
  }

  /// Returns some of the rows.
  ///
  /// - Throws: `DensityError.malformed` where a cell of these is missing.
  private func wholeRows(
    _ indices: [Int], of part: PartialRows, firstRow: Int
  ) throws(DensityError) -> BinaryMatrix {
    let columnCount = part.columnCount
    for index in indices where part.known.onBitCount(ofRow: index) < columnCount {
      let column = (0..<columnCount).first { !part.known[index, $0] } ?? 0
      throw .malformed(
        path: table.path,
        at: .cell(row: firstRow + index, column: column, name: table.columnNames?[column]),
        expected: "0 or 1",
        found:
          "nothing; only whole rows are taken: fill them in by 'density impute', or see 'density marginal --others'"
      )
    }
    return part.values.selecting(indices)
  }

  /// Says how the table was taken, and that Ctrl-C broke off, if it did; returns the status.
  ///
  /// - Parameter output: the file that has what there was by then, if any.
  func finish(rowCount: Int, keptIn output: String? = nil) throws -> ExitStatus {
    try table.report()
    guard Interrupt.isRequested else { return .success }
    ProgressLine().print(
      "interrupted after \(counted(rowCount, "row"))"
        + (output.map { ", kept in \($0)" } ?? ""))
    return .interrupted
  }
}
