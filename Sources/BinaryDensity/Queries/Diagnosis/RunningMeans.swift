/// The means over rows of some figures that each row has, with their standard errors, as rows come.
struct RunningMeans: Sendable {
  /// The number of rows so far.
  private(set) var rowCount = 0
  /// What the figures are taken less of, so that squares do not cancel: those of the first row.
  private var origins: [Double]
  private var sums: [Double]
  private var squares: [Double]

  /// - Parameter count: how many figures a row has.
  init(count: Int) {
    (origins, sums, squares) = ([], Array(repeating: 0, count: count), Array(repeating: 0, count: count))
  }

  /// Adds a row's figures.
  ///
  /// - Precondition: as many as were declared.
  mutating func add(_ figures: [Double]) {
    precondition(figures.count == sums.count, "\(figures.count) figures, not \(sums.count)")
    if rowCount == 0 { origins = figures.map { $0.isFinite ? $0 : 0 } }
    for (index, figure) in figures.enumerated() {
      let distance = figure - origins[index]
      sums[index] += distance
      squares[index] += distance * distance
    }
    rowCount += 1
  }

  /// The mean of a figure; not a number without rows.
  func mean(_ index: Int) -> Double {
    rowCount == 0 ? .nan : origins[index] + sums[index] / Double(rowCount)
  }

  /// The standard error of that mean, the rows' standard deviation over √rows; nil of a single row, and where a figure is
  /// not finite.
  func standardError(_ index: Int) -> Double? {
    guard rowCount > 1, squares[index].isFinite else { return nil }
    let count = Double(rowCount)
    let variance = max(0, squares[index] - sums[index] * sums[index] / count) / (count - 1)
    return (variance / count).squareRoot()
  }
}
