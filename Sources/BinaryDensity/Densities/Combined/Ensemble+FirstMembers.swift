import Kernels

extension Ensemble {
  /// Returns log p of each row under the averages of the first member, the first two and so on to all of them, with equal
  /// weights; nil if `observe`, which is told the fraction done, says to stop.
  ///
  /// - Complexity: one evaluation of each member; memory as that of a likelihood, and a number for each row and member.
  package func logProbabilitiesOfFirstMembers(
    of rows: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [[Double]]? {
    let views = members.views(along: ordering) ?? []
    let capacity = max(1, min(512, rows.rowCount))
    var result = [[Double]](repeating: [], count: views.count)
    let block = max(capacity, (1 << 24) / variableCount)
    let isWhole = try rows.forEachBlock(of: block) { (part) throws(DensityError) in
      var average = ConditionalAverage<Float>(
        averaged, rowCount: part.rowCount, columnCount: variableCount)
      for (index, view) in views.enumerated() {
        let executor = view.anyConditionalExecutor(in: Float.self, batchCapacity: capacity)
        for first in stride(from: 0, to: part.rowCount, by: capacity) {
          let batch = first..<min(first + capacity, part.rowCount)
          average.add(executor.logits(of: part.rows(batch)), weight: 1, atRow: first)
        }
        let mean = average.logits(ofWeight: Double(index + 1))
        let done = Double(part.rowCount) * Double(index + 1) / Double(views.count)
        if try !observe((Double(result[index].count) + done) / Double(rows.rowCount)) { return false }
        result[index] += logLikelihoods(logits: mean, of: part)
      }
      return true
    }
    return isWhole ? result : nil
  }
}
