import Arguments
import BinaryDensity
import Kernels

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

  /// Opens a table.
  ///
  /// - Parameter isWhole: whether all rows are wanted, whatever `--shard` says.
  func table(_ part: ModelTable.Part, isWhole: Bool = false) throws -> ModelTable {
    try ModelTable(arguments, part, for: checkpoint, isWhole: isWhole)
  }

  /// Hands on log p of a table's rows, in nats, as they are read, until `body` says to stop.
  ///
  /// - Parameters:
  ///   - label: what is being done, for a person.
  ///   - isAwaited: whether somebody waits for the first rows, so that they come in small blocks.
  /// - Throws: `DensityError`, of a table without rows too, and of one with missing cells.
  func forEachBlock(
    of table: ModelTable, _ label: String, isAwaited: Bool = false,
    _ body: ([Double]) throws(DensityError) -> Bool
  ) throws(DensityError) {
    let rowCount = try table.forEachCompleteBlock(
      of: isAwaited ? min(1024, table.blockLength) : table.blockLength,
      missingCells:
        "log p of known cells does not compare with that of whole rows: fill them in by 'density impute', or see "
        + "'density marginal'"
    ) { (block) throws(DensityError) in
      let scores = try evaluator.logProbabilities(of: block.rows, firstRow: block.firstRow) {
        (fraction) throws(DensityError) in
        if Interrupt.isRequested { throw .interrupted }
        if let overall = block.overall(fraction) { progress.update(label, fraction: overall) }
        return true
      }
      return try body(scores ?? [])
    }
    progress.finish()
    guard rowCount > 0 else {
      throw .mismatch(path: table.path, expected: "at least one row", found: "none")
    }
  }

  /// Returns log p of all rows, in nats.
  func logProbabilities(of part: ModelTable.Part, _ label: String) throws -> [Double] {
    var all: [Double] = []
    let table = try table(part, isWhole: true)
    try forEachBlock(of: table, label) { (scores) throws(DensityError) in
      all += scores
      return true
    }
    try table.report()
    return all
  }

  /// Returns log p of rows drawn from the model, in nats.
  func logProbabilities(ofDraws count: Int, seed: UInt64) throws(DensityError) -> [Double] {
    var generator = Philox(seed: seed, stream: .referenceRows)
    var all: [Double] = []
    while all.count < count {
      if Interrupt.isRequested { throw .interrupted }
      let rows = try evaluator.sample(count: min(1024, count - all.count), using: &generator)
      all +=
        try evaluator.logProbabilities(of: rows) { (_) throws(DensityError) in !Interrupt.isRequested } ?? []
      progress.update("drawing the reference", fraction: Double(all.count) / Double(count))
    }
    progress.finish()
    return all
  }
}
