/// The means over rows of some figures that each row has, with their standard errors, as rows come.
struct RunningMeans: Sendable {
  /// The number of rows so far.
  private(set) var rowCount = 0
  private var means: [RunningMean]

  /// - Parameter count: how many figures a row has.
  init(count: Int) { means = Array(repeating: RunningMean(), count: count) }

  /// Adds a row's figures.
  ///
  /// - Precondition: as many as were declared.
  mutating func add(_ figures: [Double]) {
    precondition(figures.count == means.count, "\(figures.count) figures, not \(means.count)")
    for (index, figure) in figures.enumerated() { means[index].add(figure) }
    rowCount += 1
  }

  /// The mean of a figure; not a number without rows.
  func mean(_ index: Int) -> Double { means[index].mean }

  /// The standard error of that mean, the rows' standard deviation over √rows; nil of a single row, and where a figure is
  /// not finite.
  func standardError(_ index: Int) -> Double? {
    means[index].mean.isFinite && rowCount > 1 ? means[index].standardError : nil
  }
}
