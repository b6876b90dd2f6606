import Kernels

/// How a table of few rows is split into rows to learn from and rows to judge by: each row is held out, once or several times.
///
/// A tenth of few rows says next to nothing, and of rows that are nearly all zeros it rewards those that are too sure of
/// themselves. All rows, each judged by what has not seen it, say what there is to know.
/// - Source: Stone, J. Royal Statistical Society B 36, 1974.
package struct Folds: Sendable {
  /// Up to how many validation rows, held out or given, are few.
  static let validationLimit = 200

  /// All that is learnt from in the end.
  let whole: DataSplits
  /// The folds: training rows, and those that are held out as validation rows.
  package let parts: [DataSplits]

  /// How often each row is held out, by different splits.
  let repetitionCount: Int

  /// Whether networks are pooled with averages over parents; not of so many columns that their pairs would take long, nor where a
  /// small file has no room for that.
  var averagesParents: Bool

  /// Whether what the folds have decided is learnt from all rows in the end.
  ///
  /// Not so where validation rows are given: they are not to be learnt from, and make the only fold.
  var isRefitted: Bool { parts.count != 1 }
  /// Whether more rows are held out than are few.
  var isManyRows: Bool { isRefitted && repetitionCount == 1 }
  /// How many rows are judged.
  var heldOutCount: Int { parts.reduce(0) { $0 + ($1.validation?.rowCount ?? 0) } }

  /// Splits a table; nil where validation rows are many, or cells are missing.
  ///
  /// There are ten folds of up to a hundred rows, else five; and none of a single row. Of up to two hundred rows there are three
  /// such splits, for which rows are held out together makes a difference.
  package init?(_ data: DataSplits, seed: UInt64) {
    guard data.partialRows(.train) == nil, data.partialRows(.validation) == nil, data.binarization == nil
    else { return nil }
    guard !data.isSampled else { return nil }
    averagesParents = data.variableCount <= FoldTrial.pairLimit
    let count = data.train.rowCount
    if let validation = data.validation, validation.rowCount > 0 {
      guard validation.rowCount <= Self.validationLimit else { return nil }
      whole = data.withoutTest(validation: .validation)
      parts = [whole]
      repetitionCount = 1
      return
    }
    guard count <= 10 * Self.validationLimit else { return nil }
    let foldCount = count == 1 ? 0 : min(count, count <= 100 ? 10 : 5)
    whole = data.withoutTest(validation: nil)
    repetitionCount = count <= Self.validationLimit ? 3 : 1
    parts = (0..<repetitionCount).flatMap { repetition in
      var generator = Philox(seed: seed, stream: .heldOutRows, index: UInt64(repetition))
      let order = generator.permutation(of: count)
      return (0..<foldCount).map { fold in
        func rows(_ isWanted: (Int) -> Bool) -> BinaryMatrix {
          data.train.selecting(order.indices.filter(isWanted).map { order[$0] })
        }
        return DataSplits(
          name: data.name, train: rows { $0 % foldCount != fold },
          validation: rows { $0 % foldCount == fold }, imageShape: data.imageShape
        ).withGroups(of: data)
      }
    }
  }

  private init(whole: DataSplits, parts: [DataSplits], averagesParents: Bool) {
    self.whole = whole
    self.parts = parts
    self.averagesParents = averagesParents
    repetitionCount = 1
  }

  /// The first fold alone: where rows are many, it says enough of which recipes are worth the others.
  var first: Folds {
    Folds(whole: whole, parts: Array(parts.prefix(1)), averagesParents: averagesParents)
  }

  /// Returns log p of each held-out row, fold after fold, under the density that its fold has made.
  func logProbabilities(of densities: [any Density]) -> [Double] {
    zip(parts, densities).flatMap { part, density in
      part.validation.map { density.logProbabilities(of: $0) } ?? []
    }
  }
}
