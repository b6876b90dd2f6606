/// The minibatches of one pass over a table after another, from any step of a training on.
struct RepeatedBatches {
  let rowCount: Int
  let columnCount: Int
  let batchSize: Int
  let seed: UInt64
  // What gives the batches of the pass that `nextStep` is in, once one has been asked for.
  private var batches: ShuffledBatches.Iterator?
  private var nextStep = 0

  /// Describes the batches of a table of at least one row.
  init(rowCount: Int, columnCount: Int, batchSize: Int, seed: UInt64) {
    (self.rowCount, self.columnCount) = (rowCount, columnCount)
    (self.batchSize, self.seed) = (batchSize, seed)
  }

  /// The number of batches of a pass.
  private var batchesPerPass: Int { rowCount / batchSize + (rowCount % batchSize > 0 ? 1 : 0) }

  /// Returns the pass that a step is in.
  func pass(ofStep step: Int) -> Int { step / batchesPerPass }

  /// Returns the rows of a step; steps that follow each other cost least.
  mutating func rows(ofStep step: Int) -> [Int] {
    let (pass, batch) = step.quotientAndRemainder(dividingBy: batchesPerPass)
    if batches == nil || step != nextStep || batch == 0 {
      batches = ShuffledBatches(
        rowCount: rowCount, columnCount: columnCount, batchSize: batchSize, seed: seed, pass: pass
      ).makeIterator(atBatch: batch)
    }
    nextStep = step + 1
    guard let rows = batches?.next() else { preconditionFailure("pass \(pass) has no batch \(batch)") }
    return rows
  }
}
