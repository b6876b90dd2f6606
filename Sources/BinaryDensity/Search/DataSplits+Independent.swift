extension DataSplits {
  /// What independent columns are called, or independent groups of columns where these are to be kept.
  var nameOfIndependent: String { groups == nil ? "independent Bernoullis" : "independent groups" }

  /// Returns the density of independent columns of complete rows, or of independent groups where these are to be kept.
  ///
  /// - Parameter rows: rows of the data set, or none, for what is as large.
  func independent(fittedTo rows: BinaryMatrix) -> any Density {
    groups.map { GroupedNetwork.independent($0, fittedTo: rows) } ?? IndependentBernoulli(marginalsOf: rows)
  }
}
