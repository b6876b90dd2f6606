/// Densities over the same variables, with weights: what mixtures and ensembles are made of.
struct WeightedDensities: Sendable {
  let densities: [any Density]
  /// Positive or zero, with a sum of 1.
  let weights: [Double]

  /// Scales weights to a sum of 1; equal ones if none are given.
  ///
  /// - Precondition: there is at least one density, all have the same number of variables, and there is a weight for
  ///   each, none negative and not all zero.
  init(_ densities: [any Density], weights: [Double]?) {
    precondition(!densities.isEmpty, "no densities make no density")
    precondition(
      densities.allSatisfy { $0.variableCount == densities[0].variableCount },
      "densities of \(densities.map(\.variableCount)) variables do not combine")
    let weights = weights ?? densities.map { _ in 1 }
    let total = weights.reduce(0, +)
    precondition(
      weights.count == densities.count && weights.allSatisfy { $0 >= 0 } && total > 0 && total.isFinite,
      "weights \(weights) for \(densities.count) densities")
    self.densities = densities
    self.weights = weights.map { $0 / total }
  }

  /// Takes weights that have been checked, with a sum of 1 but for rounding, to the bit.
  init(_ densities: [any Density], restoredWeights weights: [Double]) {
    self.densities = densities
    self.weights = weights
  }

  /// The numbers of all densities' parameters, and the weights.
  var parameterCount: Int { densities.reduce(weights.count) { $0 + $1.parameterCount } }

  // MARK: Checkpoints

  private struct Configuration: Codable {
    let weights: [Double]
    let components: [DensityArchive.Component]
    /// What an ensemble averages, if not logits.
    let averaged: Ensemble.Averaged?
  }

  func archived(
    as kind: ModelKind, averaged: Ensemble.Averaged? = nil
  ) throws(DensityError) -> DensityArchive {
    var archives: [DensityArchive] = []
    for density in densities { archives.append(try DensityArchive(of: density)) }
    return DensityArchive(
      kind: kind,
      configuration: Checkpoint.encode(
        Configuration(
          weights: weights, components: archives.map(DensityArchive.Component.init), averaged: averaged)),
      components: archives)
  }

  init(_ archive: DensityArchive) throws(DensityError) {
    densities = try archive.componentDensities()
    weights = try archive.weights(
      archive.configuration(Configuration.self).weights, count: densities.count)
  }

  /// What an ensemble averages, if not logits.
  static func averaged(_ archive: DensityArchive) throws(DensityError) -> Ensemble.Averaged? {
    try archive.configuration(Configuration.self).averaged
  }
}

extension DensityArchive {
  /// Returns weights with a sum of 1 of those that a configuration has.
  ///
  /// - Throws: `DensityError.malformed` for others.
  func weights(_ weights: [Double], count: Int) throws(DensityError) -> [Double] {
    let total = weights.reduce(0, +)
    guard weights.count == count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }), abs(total - 1) < 1e-6 else {
      throw malformed("\(count) weights with a sum of 1", found: "\(weights)")
    }
    // Those of other writers may be rounded to Float; the package's own are taken as they are.
    return abs(total - 1) < 1e-9 ? weights : weights.map { $0 / total }
  }
}
