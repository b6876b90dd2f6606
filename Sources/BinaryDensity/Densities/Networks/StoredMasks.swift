/// The orderings and the degrees of the hidden units of a network, as a file keeps them.
package struct StoredMasks: Hashable {
  /// The ordering of each of K mask sets.
  var orderings: [Ordering]
  /// The degrees of each mask set's units, layer by layer; of no layers where a family has none.
  var hiddenDegrees: [[[Int]]]

  init(orderings: [Ordering], hiddenDegrees: [[[Int]]]? = nil) {
    self.orderings = orderings
    self.hiddenDegrees = hiddenDegrees ?? orderings.map { _ in [] }
  }

  /// Reads the arrays `ordering` (K × D) and `degrees0`, `degrees1`, … (K × H each).
  init(
    _ archive: DensityArchive, orderingCount: Int, variableCount: Int, hiddenCounts: [Int]
  ) throws(DensityError) {
    orderings = try archive.orderings(count: orderingCount, variableCount: variableCount)
    hiddenDegrees = Array(repeating: [], count: orderingCount)
    for (layer, width) in hiddenCounts.enumerated() {
      let degrees = try archive.integers("degrees\(layer)", rowCount: orderingCount, columnCount: width)
      for set in 0..<orderingCount { hiddenDegrees[set].append(degrees[set]) }
    }
  }

  /// The arrays.
  var integers: [DensityArchive.Integers] {
    let layers = hiddenDegrees.first?.indices ?? 0..<0
    return [.init(name: "ordering", rows: orderings.map(\.variables))]
      + layers.map { layer in .init(name: "degrees\(layer)", rows: hiddenDegrees.map { $0[layer] }) }
  }
}

extension NetworkFamily where Self: AutoregressiveDensity {
  package var storedMasks: StoredMasks { StoredMasks(orderings: [ordering]) }
  package static func storedMaskShape(
    _ configuration: Configuration
  ) -> (orderingCount: Int, hiddenCounts: [Int]) { (1, []) }
}
