import Kernels

extension SmallTableSearch {
  /// The file that what is found is to have room in.
  struct Room: Sendable {
    /// The largest file, in bytes; nil for any.
    let byteLimit: Int?
    /// Whether there is room for an average over parents beside a network: it takes at most half of the file.
    let averagesParents: Bool
    private let data: DataSplits
    /// What the pool of a network takes beside the network, in bytes.
    private let poolBytes: Int
    /// Whether a table of all probabilities has room, which anything can be kept as.
    private let holdsTable: Bool

    init(_ data: DataSplits, byteLimit: Int?, averagesParents: Bool) {
      self.byteLimit = byteLimit
      self.data = data
      guard let byteLimit else {
        (self.averagesParents, poolBytes, holdsTable) = (averagesParents, 0, true)
        return
      }
      func size(_ density: any Density) -> Int {
        DensitySearch.byteCount(of: density, data, inHalfPrecision: true)
      }
      let count = data.variableCount
      holdsTable =
        data.groups == nil
        && TabulatedDensity.zeros(variableCount: count).map { size($0) <= byteLimit } ?? false
      // Marginals take about what two files have twice, of which there is only one.
      let parents =
        averagesParents && data.groups == nil
        ? try? ParentAverage.fit(to: data.train, along: .natural(count: count)) : nil
      let parentBytes = parents.map(size) ?? 0
      self.averagesParents = averagesParents && 2 * parentBytes <= byteLimit
      poolBytes = self.averagesParents ? parentBytes : 0
    }

    /// Whether there is room for the pool of one of a recipe's networks.
    func holds(_ recipe: Recipe) -> Bool {
      guard let byteLimit, !holdsTable else { return true }
      // What cannot be made fails where it is tried.
      guard let model = try? recipe.model(for: data, order: 0, seed: 0, weightSeed: 0) else { return true }
      return DensitySearch.byteCount(of: model, data, inHalfPrecision: true) + poolBytes <= byteLimit
    }

    /// Whether there is room for a density, in half precision or as a table.
    func holds(_ density: () -> any Density) -> Bool {
      guard let byteLimit, !holdsTable else { return true }
      return DensitySearch.byteCount(of: density(), data, inHalfPrecision: true) <= byteLimit
    }
  }
}
