import Arguments
import BinaryDensity
import Foundation

/// The tables that a command is given beside a model, and log p of their rows.
struct ScoredTables {
  let arguments: ParsedArguments
  let checkpoint: Checkpoint
  private let evaluator: Evaluator
  private let progress = ProgressLine()

  init(_ arguments: ParsedArguments, _ checkpoint: Checkpoint) {
    self.arguments = arguments
    self.checkpoint = checkpoint
    evaluator = checkpoint.model.evaluator()
  }

  /// Some rows: those of a file, or a part of a folder's.
  struct Part: Equatable {
    let path: String
    let split: DataSplit
    let isFolder: Bool
    private let resolvedPath: String

    init(_ path: String, _ split: DataSplit) {
      (self.path, self.split) = (path, split)
      isFolder = DataOptions.isDirectory(path)
      resolvedPath = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    /// What to call them.
    var name: String { isFolder ? "\(path) (\(split.rawValue))" : path }

    /// Whether both are the same rows.
    static func == (a: Part, b: Part) -> Bool {
      a.resolvedPath == b.resolvedPath && (!a.isFolder || a.split == b.split)
    }
  }

  /// Hands on log p of the rows, in nats, as they are read, until `body` says to stop.
  ///
  /// - Parameter label: what is being done, for a person.
  /// - Throws: `DensityError`, of a table without rows too, and of one with missing cells; `UsageError`.
  func forEachBlock(
    of part: Part, _ label: String, _ body: ([Double]) throws(DensityError) -> Bool
  ) throws {
    var rowCount = 0
    let source = try forEachRows(of: part) { (rows, fraction) throws(DensityError) in
      let scores =
        try evaluator.logProbabilities(of: rows, firstRow: rowCount) { (_) throws(DensityError) in true }
        ?? []
      rowCount += scores.count
      if let fraction { progress.update(label, fraction: fraction) }
      return try body(scores)
    }
    progress.finish()
    guard rowCount > 0 else {
      throw DensityError.mismatch(path: part.path, expected: "at least one row", found: "none")
    }
    try DataOptions.report(source, arguments, path: part.path, for: checkpoint)
  }

  /// Hands on the rows, and how much of them was read, until `body` says to stop; returns how a file was taken.
  private func forEachRows(
    of part: Part, _ body: (BinaryMatrix, _ fraction: Double?) throws(DensityError) -> Bool
  ) throws -> TableSource? {
    guard !part.isFolder else {
      let rows = try DataOptions.rows(arguments, folder: part.path, split: part.split, for: checkpoint)
      for start in stride(from: 0, to: rows.rowCount, by: Self.blockLength) {
        let end = min(start + Self.blockLength, rows.rowCount)
        guard try body(rows.rows(start..<end), Double(end) / Double(rows.rowCount)) else { break }
      }
      return nil
    }
    let table = try DataOptions.stream(arguments, path: part.path, for: checkpoint, split: part.split)
    do {
      try table.forEachBlock(of: Self.blockLength) { (rows) throws(DensityError) in
        try body(rows, table.fraction)
      }
    } catch {
      throw DataOptions.explained(
        error,
        missingCells:
          "log p of known cells does not compare with that of whole rows: fill them in by 'density impute', or see "
          + "'density marginal'")
    }
    return table.origin
  }

  /// Returns log p of the rows, in nats.
  func logProbabilities(of part: Part, _ label: String) throws -> [Double] {
    var all: [Double] = []
    try forEachBlock(of: part, label) { (scores) throws(DensityError) in
      all += scores
      return true
    }
    return all
  }

  /// So many rows are scored at a time that no thread is idle, and so few that the first scores come at once.
  private static let blockLength = 1024
}
