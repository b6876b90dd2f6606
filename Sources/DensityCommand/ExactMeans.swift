import BinaryDensity
import Essentials

/// The probabilities that the unknown cells of a row are on, where they are known exactly.
struct ExactMeans {
  private let inference: Inference
  /// Where each column stands in the order, if the model has one.
  private let positions: [Int]?

  init(_ density: any Density, _ inference: Inference) {
    // Estimates are not wanted: they cost as little as they can.
    self.inference = inference.with { ($0.particleCount, $0.particleLimit) = (32, 32) }
    positions = density.autoregressive()?.ordering.positions
  }

  /// Returns p(x_i = 1 | known) of each cell of a row, which of a known cell is 0 or 1; nil if one is not exact.
  ///
  /// The enumerations of a row's cells share the time that the options give to one.
  /// - Throws: `DensityError.impossibleEvidence` for this row.
  func means(of rows: PartialRows, row: Int) throws(DensityError) -> [Float]? {
    let count = rows.columnCount
    var means: [Float] = (0..<count).map { rows[row, $0] == true ? 1 : 0 }
    var unknown = (0..<count).filter { rows[row, $0] == nil }
    guard !unknown.isEmpty else { return means }
    // What is last in the order is hardest: if that is not exact, no other has to be asked.
    if let positions { unknown.sort { positions[$0] > positions[$1] } }
    let inference = inference.with { $0.enumerationSeconds /= Double(2 * unknown.count) }
    for columns in [unknown[..<1], unknown[1...]] where !columns.isEmpty {
      var targets = PartialRows(rowCount: columns.count, columnCount: count)
      for (index, column) in columns.enumerated() { targets[index, column] = true }
      let evidence = rows.selecting(Array(repeating: row, count: columns.count))
      do throws(DensityError) {
        guard let answers = try inference.logConditionals(of: targets, given: evidence),
          answers.allSatisfy(\.isExact)
        else { return nil }
        for (column, answer) in zip(columns, answers) { means[column] = Float(exp(answer.value)) }
      } catch .impossibleEvidence {
        throw .impossibleEvidence(row: row, onBitCount: nil)
      }
    }
    return means
  }
}
