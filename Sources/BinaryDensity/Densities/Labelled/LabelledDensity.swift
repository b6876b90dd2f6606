import Essentials
import Kernels

/// A density of rows for each class, with how probable the classes are: p(x) = Σ_c p(c) · p(x | c).
///
/// By Bayes' rule it classifies:
///
///     p(c | x) ∝ (p(c) · p(x | c))^(1/T)
///
/// with a temperature T that makes probabilities of classes as certain as they are right. T = 1 is Bayes' rule as it
/// stands; log p of many variables, whose errors add up, is then far too certain. As a density it is the mixture of its
/// classes, and answers what a `Mixture` does.
///
///     let labelled = LabelledDensity(classes: ["cat", "dog"], densities: [cats, dogs], classWeights: [1, 2])
///     let scores = labelled.classScores(of: rows)
///     print(scores.posteriors(temperature: labelled.temperature)[0])
///
/// The densities may be any, one a class, or those of `ConditionalNetwork`s given each class, which share their weights.
/// - Source: the temperature: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
public struct LabelledDensity: Density {
  package static let kind = ModelKind.labelled
  /// The most classes there may be.
  public static let classLimit = 1024
  /// What the C classes are called.
  public let classes: [String]
  /// The temperature T of the posteriors: positive.
  public var temperature = 1.0
  /// The networks that see classes, if the densities come of any.
  let networks: [ConditionalNetwork]
  private let mixture: Mixture

  /// Creates a density from one a class.
  ///
  /// - Parameters:
  ///   - classes: the names of the classes, all different.
  ///   - densities: a density for each, all over the same variables.
  ///   - classWeights: how probable the classes are, up to a factor; nil for equally.
  /// - Precondition: as many densities as classes, at least one, and weights as `Mixture` takes them.
  public init(classes: [String], densities: [any Density], classWeights: [Double]? = nil) {
    self.init(classes: classes, networks: [], Mixture(densities, weights: classWeights))
  }

  /// Creates a density from networks that see the classes; of several the densities of a class are put together, those of
  /// one order into an ensemble, those of several into a mixture.
  ///
  /// - Precondition: at least one network, each of as many classes as there are names; weights as `Mixture` takes them.
  public init(classes: [String], networks: [ConditionalNetwork], classWeights: [Double]? = nil) {
    precondition(
      networks.allSatisfy { $0.classCount == classes.count },
      "networks of \(networks.map(\.classCount)) classes for \(classes.count)")
    self.init(
      classes: classes, networks: networks,
      Mixture(Self.densities(of: networks, classCount: classes.count), weights: classWeights))
  }

  /// Returns the density of each class.
  private static func densities(of networks: [ConditionalNetwork], classCount: Int) -> [any Density] {
    let densities = networks.map(\.densities)
    return (0..<classCount).map { index in combined(densities.map { $0[index] }) }
  }

  private init(classes: [String], networks: [ConditionalNetwork], _ mixture: Mixture) {
    precondition(
      classes.count == mixture.densities.count && Set(classes).count == classes.count,
      "\(mixture.densities.count) densities for the classes \(classes)")
    (self.classes, self.networks, self.mixture) = (classes, networks, mixture)
  }

  /// Returns the densities of one class as one.
  static func combined(_ densities: [any Density]) -> any Density {
    if densities.count == 1 { return densities[0] }
    let parts = Ensemble.groups(densities)
    return parts.count == 1 ? parts[0] : Mixture(parts)
  }

  /// The density of the rows of each class.
  public var densities: [any Density] { mixture.densities }
  /// How probable each class is: with a sum of 1.
  public var classWeights: [Double] { mixture.weights }
  /// The number D of variables.
  public var variableCount: Int { mixture.variableCount }
  /// The scalars of all networks, or of all densities, the classes' weights and the temperature.
  public var parameterCount: Int {
    (networks.isEmpty
      ? densities.reduce(0) { $0 + $1.parameterCount } : networks.reduce(0) { $0 + $1.parameterCount })
      + classes.count + 1
  }

  /// The classes' densities with the classes' weights.
  public var components: [Component]? { mixture.components }

  /// The mixture as a product of conditionals, where all classes are products along one ordering.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    mixture.autoregressive(along: ordering)
  }

  /// Returns log Σ_c p(c) · p(x | c) of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] { mixture.logProbabilities(of: rows) }
}

extension LabelledDensity: PreparableDensity {
  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    mixture.preparedLikelihood(batchCapacity: batchCapacity)
  }
}

// MARK: - Checkpoints

extension LabelledDensity: ArchivableDensity {
  private struct Configuration: Codable {
    let classes: [String]
    let weights: [Double]
    let temperature: Double
    let components: [DensityArchive.Component]
  }

  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    mixture.referenceLogProbabilities(of: rows)
  }

  /// The classes, their weights, the temperature, and the networks that see classes or else a density a class.
  package func archived() throws(DensityError) -> DensityArchive {
    var archives: [DensityArchive] = []
    for density in networks.isEmpty ? densities : networks {
      archives.append(try DensityArchive(of: density))
    }
    return DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(
        Configuration(
          classes: classes, weights: classWeights, temperature: temperature,
          components: archives.map(DensityArchive.Component.init))),
      components: archives)
  }

  /// Restores a density.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let configuration = try archive.configuration(Configuration.self)
    let densities = try archive.componentDensities()
    let (classes, temperature) = (configuration.classes, configuration.temperature)
    guard Set(classes).count == classes.count, (1...Self.classLimit).contains(classes.count) else {
      throw archive.malformed(
        "1 to \(Self.classLimit) different names of classes", found: "\(classes.count) names")
    }
    guard temperature > 0, temperature.isFinite else {
      throw archive.malformed("a positive temperature", found: "\(temperature)")
    }
    let weights = try archive.weights(configuration.weights, count: classes.count)
    let networks = densities.compactMap { $0 as? ConditionalNetwork }
    if networks.count == densities.count {
      guard networks.allSatisfy({ $0.classCount == classes.count }) else {
        throw archive.malformed(
          "networks of \(classes.count) classes", found: "\(networks.map(\.classCount))")
      }
      let parts = Self.densities(of: networks, classCount: classes.count)
      self.init(
        classes: classes, networks: networks, Mixture(WeightedDensities(parts, restoredWeights: weights)))
    } else {
      guard densities.count == classes.count, networks.isEmpty else {
        throw archive.malformed("\(classes.count) densities, one a class", found: "\(densities.count)")
      }
      self.init(
        classes: classes, networks: [], Mixture(WeightedDensities(densities, restoredWeights: weights)))
    }
    self.temperature = temperature
  }
}
