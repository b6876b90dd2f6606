import Autodiff
import Kernels

/// What fixes the shape of a network, kept as JSON in its checkpoint.
public protocol ModelConfiguration: Hashable, Sendable, Codable {
  /// The number D of variables.
  var variableCount: Int { get }
  /// The ordering, or how orderings are chosen.
  var ordering: OrderingRule { get set }
  /// The seed of what is drawn: orderings and masks; nil for a network that came with its own.
  var seed: UInt64? { get }
  /// Returns what is wrong with the configuration, or nil.
  var problem: String? { get }
}

/// The package's own families of networks: a configuration, parameters, and the orderings and masks that it has.
package protocol NetworkFamily: TrainableDensity, ArchivableDensity {
  /// What fixes the shape of a model.
  associatedtype Configuration: ModelConfiguration
  /// The configuration.
  var configuration: Configuration { get }
  /// Creates a model with the orderings and masks that the configuration's rule and seed give.
  init(_ configuration: Configuration, parameters: Parameters<Float>)
  /// The names and shapes of the parameters of a configuration, in order.
  static func parameterShapes(_ configuration: Configuration) -> [ParameterShape]
  /// Creates a model of given orderings and degrees, of which `problem(of:in:)` finds nothing wrong.
  init(_ configuration: Configuration, parameters: Parameters<Float>, masks: StoredMasks)
  /// The orderings and degrees of the model.
  var storedMasks: StoredMasks { get }
  /// How many orderings a model of a configuration has, and the widths of the hidden layers whose degrees it keeps.
  static func storedMaskShape(_ configuration: Configuration) -> (orderingCount: Int, hiddenCounts: [Int])
  /// Returns what is wrong with orderings and degrees that have the right shapes, or nil.
  static func problem(of masks: StoredMasks, in configuration: Configuration) -> String?
  /// The members that may be absent from a configuration in a file, with the values that stand for them.
  static var optionalMembers: [String: JSONValue] { get }
  /// Sets to zero what no conditional sees: the weights that the only mask there is forbids.
  mutating func clearForbiddenWeights()
}

extension NetworkFamily {
  /// Nothing, unless a family has masks.
  package mutating func clearForbiddenWeights() {}

  /// Creates an untrained model: biases zero, weights drawn from the seed, those that a single mask forbids zero.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  package init(initialising configuration: Configuration, seed: UInt64) throws(DensityError) {
    if let problem = configuration.problem { throw .invalidConfiguration(problem) }
    if configuration.ordering.isRandom && configuration.seed == nil {
      throw .invalidConfiguration("a random ordering is drawn from a seed, and there is none")
    }
    let parameters = try Parameters(initialising: Self.parameterShapes(configuration), seed: seed)
    self.init(configuration, parameters: consume parameters)
    clearForbiddenWeights()
  }

  /// Nothing, unless a family has degrees.
  package static func problem(of masks: StoredMasks, in configuration: Configuration) -> String? { nil }

  /// The configuration, the orderings and degrees, and the parameters.
  package func archived() -> DensityArchive {
    DensityArchive(
      kind: Self.kind, configuration: archivedConfiguration, integers: storedMasks.integers,
      parameters: parameters)
  }

  /// The configuration as JSON, less an order that follows from no rule: the array says it, and once is enough.
  private var archivedConfiguration: String {
    guard case .explicit(let variables) = configuration.ordering else {
      return Checkpoint.encode(configuration)
    }
    var configuration = configuration
    configuration.ordering = .natural
    guard !variables.elementsEqual(variables.indices),
      let members = (try? JSONValue(encoding: configuration))?.members
    else { return Checkpoint.encode(configuration) }
    return JSONValue.object(members.filter { $0.key != "ordering" }).description
  }

  /// Restores a model.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let configuration = try archive.configuration(Configuration.self, defaults: Self.optionalMembers)
    if let problem = configuration.problem { throw archive.malformed("a possible model", found: problem) }
    // The configuration's sizes are believed only as far as the arrays bear them out, before any is allocated.
    var parameters = Parameters<Float>()
    for shape in Self.parameterShapes(configuration) {
      parameters.append(
        shape.name, try archive.matrix(shape.name, rowCount: shape.rows, columnCount: shape.columns))
    }
    if archive.hasStoredMasks {
      let (count, widths) = Self.storedMaskShape(configuration)
      let masks = try StoredMasks(
        archive, orderingCount: count, variableCount: configuration.variableCount, hiddenCounts: widths)
      if let problem = Self.problem(of: masks, in: configuration) {
        throw archive.malformed("degrees…", "degrees of a possible model", found: problem)
      }
      // Moved, not shared: to clear weights in place there must be no other owner.
      self.init(configuration, parameters: consume parameters, masks: masks)
    } else {
      guard configuration.seed != nil else {
        throw archive.malformed("a seed, from which format 1 draws orderings and masks", found: "none")
      }
      self.init(configuration, parameters: consume parameters)
    }
    if archive.readsParameters { clearForbiddenWeights() }
  }
}

extension NetworkFamily where Self: NetworkDensity {
  /// Sets the named weights to zero where their masks forbid them.
  mutating func clear(_ names: [String], outside masks: [Staircase]) {
    for (name, mask) in zip(names, masks) where parameters.names.contains(name) {
      let limits = mask.outputDegrees
      parameters.modify(name) { weights in
        for (input, degree) in mask.inputDegrees.enumerated() {
          weights.withUnsafeMutableRow(input) { row in
            for output in row.indices where limits[output] < degree { row[output] = 0 }
          }
        }
      }
    }
  }
}

extension NetworkDensity {
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    let executor = LikelihoodExecutor(
      self, parameters: parameters.converted(to: Double.self), batchCapacity: 64)
    let result = try? executor.logProbabilities(of: rows) { (_) throws(DensityError) in true }
    // Nothing stops it, and nothing throws.
    return result.flatMap(\.self) ?? []
  }
}

extension NetworkDensity where Self: AutoregressiveDensity {
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    NetworkComponent(self, 0).conditionalExecutor(in: type, batchCapacity: batchCapacity)
  }
}

extension ModelConfiguration {
  /// Returns the ordering of a network that has one: the one given, which the rule then says, or the rule's.
  ///
  /// - Precondition: an ordering given is of D variables.
  mutating func takeOrdering(_ given: Ordering?) -> Ordering {
    guard let given else { return ordering.ordering(count: variableCount, seed: seed, index: 0) }
    precondition(
      given.variables.count == variableCount,
      "an ordering of \(given.variables.count) variables for \(variableCount)")
    ordering = ordering.describing([given], seed: seed)
    return given
  }
}
