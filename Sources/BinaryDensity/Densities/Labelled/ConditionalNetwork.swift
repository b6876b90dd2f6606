import Autodiff
import Essentials
import Kernels

/// A network in training that sees the class of a row and predicts the row: p(x | c).
///
/// A row has C + D bits, of which the first C say the class: one of them is on. They come first in every order, and their
/// own conditionals are left out of what is minimised, so labels are seen and never predicted. What is trained is kept in
/// a `LabelledDensity`, which has a density of the D bits for each class.
///
/// As a density its classes are equally probable: log p(c, x) = log p(x | c) − log C, and a row that names no class, or
/// two, has probability 0.
/// - Source: Larochelle & Bengio, Classification using Discriminative Restricted Boltzmann Machines, ICML 2008, for labels
///   beside rows; here, unlike there, p(c) is not the network's. A class as one more bias of the hidden units: Oord et al.,
///   Conditional Image Generation with PixelCNN Decoders, NIPS 2016, section 2.3.
public struct ConditionalNetwork: TrainableDensity {
  package static let kind = ModelKind.conditional
  /// The network of C + D variables.
  package private(set) var network: any ContextNetwork
  /// The number C of classes.
  public let classCount: Int
  /// What telling the classes apart counts beside log p(x | c) in training: λ of `objective(_:)`, 0 for nothing.
  public let discrimination: Double

  /// Creates an untrained network.
  ///
  /// - Parameters:
  ///   - network: an FVSBN, NADE or MADE of D variables, whose shape and orders are taken.
  ///   - classCount: the number of classes, at least 1.
  ///   - discrimination: what telling the classes apart counts in training, not negative.
  ///   - seed: of the initial weights.
  /// - Throws: `DensityError.invalidConfiguration` for a network that cannot see classes.
  public init(
    _ network: any TrainableDensity, classCount: Int, discrimination: Double = 0, seed: UInt64
  ) throws(DensityError) {
    precondition(classCount >= 1, "\(classCount) classes are none to see")
    precondition(discrimination >= 0, "a weight of \(discrimination)")
    guard let network = network as? any ContextNetwork else {
      throw .invalidConfiguration(
        "a \(network.kind?.rawValue ?? "\(type(of: network))") cannot see classes; it can be trained once for each"
      )
    }
    self.init(
      seeing: try network.seeing(classCount: classCount, seed: seed), classCount: classCount,
      discrimination: discrimination)
  }

  private init(seeing network: any ContextNetwork, classCount: Int, discrimination: Double) {
    self.network = network
    self.classCount = classCount
    self.discrimination = discrimination
  }

  /// C + D.
  public var variableCount: Int { network.variableCount }
  /// Those of the network of C + D variables.
  public var parameters: Parameters<Float> {
    get { network.parameters }
    set { network.parameters = newValue }
  }
  /// The shapes of its parameters.
  public var parameterShapes: [ParameterShape] { network.parameterShapes }

  /// The network of C + D variables, the class first.
  package var seeingNetwork: any Density { network }

  /// The network of D variables given each class.
  package var densities: [any NetworkDensity] { network.givenEachClass(of: classCount) }

  /// Returns log p(x | c) − log C of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "rows of \(rows.columnCount) columns for \(variableCount) variables")
    guard rows.rowCount > 0 else { return [] }
    let judge = judge(batchCapacity: min(512, rows.rowCount), columnOrder: nil)
    // Nothing stops it, and nothing throws.
    let terms = try? judge.logProbabilities(of: rows) { (_) throws(DensityError) in true }
    return zip(0..<rows.rowCount, terms.flatMap(\.self) ?? []).map { row, term in
      rows.onBits(ofRow: row).prefix { $0 < classCount }.count == 1
        ? term - log(Double(classCount)) : -.infinity
    }
  }

  // MARK: Training

  /// What a step's graph takes besides its rows.
  public struct Inputs: Sendable {
    /// The masks of the step.
    let masks: [Graph.Mask]
    /// B × (C + D): 0 for the bits of the class, 1 for the variables.
    let asked: Graph.Value
    /// B × 1: C · log 2.
    let surplus: Graph.Value
    /// B × (C + D): each row with another class; nil where telling classes apart counts for nothing.
    package let others: Graph.Value?
    /// B × 1: 1, for each row's own class is right.
    let right: Graph.Value?
  }

  /// The mean of −log p(x | c) over the rows of a step and, with a weight λ, of how badly classes are told apart.
  ///
  ///     −log p(x | c) + λ · (C − 1) · log (1 + p(x | k) / p(x | c))
  ///
  /// k is one of the other classes, drawn for each row. Over all draws the second term's mean is at least that of
  /// −log p(c | x), were the classes equally probable, for log (1 + Σ a_k) ≤ Σ log (1 + a_k).
  ///
  /// Logits of the class's bits are set to 0, which gives each a log-likelihood of −log 2, and C · log 2 is added back.
  /// Dropout of inputs spares them: a class that is only seen at times is learnt from less.
  /// - Source: the sum of a generative and a discriminative term: Larochelle & Bengio, ICML 2008, section 3.3; one class for
  ///   all others: this package.
  public func objective(_ dropout: Dropout) -> TrainingObjective<Inputs> {
    var graph = Graph()
    let rows = graph.input("x", columns: variableCount, isSparse: true)
    let asked = graph.input("asked", columns: variableCount)
    let surplus = graph.input("C log 2", columns: 1)
    let masks = network.masks(forTrainingStep: 0).map { graph.mask($0, isFixed: network.trainsOnOneMaskSet) }
    func logProbability(of rows: Graph.Value, _ name: String, in graph: inout Graph) -> Graph.Value {
      let logits = network.logits(
        NetworkInputs(
          rows: rows, component: 0, masks: masks, dropout: dropout, sparedCount: classCount), in: &graph)
      let logLikelihood = graph.bernoulliLogLikelihood(
        logits: graph.multiply(logits, asked), targets: rows)
      let logProbability = graph.add(logLikelihood, surplus)
      graph.name(logits, "logits\(name)")
      graph.name(logProbability, "log p\(name)")
      return logProbability
    }
    let own = logProbability(of: rows, "", in: &graph)
    let meanLoss = graph.scale(graph.mean(own, over: .rows), by: -1)
    guard discrimination > 0, classCount > 1 else {
      graph.name(meanLoss, "loss")
      return TrainingObjective(
        graph: graph, rows: rows, loss: meanLoss,
        inputs: Inputs(masks: masks, asked: asked, surplus: surplus, others: nil, right: nil))
    }
    let others = graph.input("x of another class", columns: variableCount, isSparse: true)
    let right = graph.input("right", columns: 1)
    let other = logProbability(of: others, " of another class", in: &graph)
    let margin = graph.add(own, graph.scale(other, by: -1))
    let logChance = graph.mean(graph.bernoulliLogLikelihood(logits: margin, targets: right), over: .rows)
    let loss = graph.add(meanLoss, graph.scale(logChance, by: -discrimination * Double(classCount - 1)))
    graph.name(loss, "loss")
    return TrainingObjective(
      graph: graph, rows: rows, loss: loss, negativeLogProbability: meanLoss,
      inputs: Inputs(masks: masks, asked: asked, surplus: surplus, others: others, right: right))
  }

  /// Sets the masks of a step, which bits are asked for, and the other classes.
  public func prepare(
    _ objective: TrainingObjective<Inputs>, in executor: Executor<Float>, seed: UInt64, step: Int
  ) {
    setConstants(of: objective, in: executor)
    setOthers(of: objective, in: executor, seed: seed, step: step)
    guard !network.trainsOnOneMaskSet else { return }
    for (mask, staircase) in zip(objective.inputs.masks, network.masks(forTrainingStep: step)) {
      executor.set(mask, to: staircase)
    }
  }

  /// Sets which bits are asked for; the rows are set.
  package func setConstants<Scalar: KernelScalar>(
    of objective: TrainingObjective<Inputs>, in executor: Executor<Scalar>
  ) {
    let count = executor.batchSize
    executor.set(objective.inputs.asked, rowCount: count) { view in
      view.fill(1)
      for row in 0..<count {
        for column in 0..<classCount { view[row, column] = 0 }
      }
    }
    executor.set(objective.inputs.surplus, rowCount: count) { $0.fill(Scalar(Double(classCount) * log(2))) }
  }

  /// Gives each row one of the other classes, if the objective asks for one; the rows are set.
  package func setOthers<Scalar: KernelScalar>(
    of objective: TrainingObjective<Inputs>, in executor: Executor<Scalar>, seed: UInt64, step: Int
  ) {
    guard let others = objective.inputs.others, let right = objective.inputs.right else { return }
    let count = executor.batchSize
    var generator = Philox(seed: seed, stream: .otherClasses, index: UInt64(step))
    executor.set(right, rowCount: count) { $0.fill(1) }
    executor.set(others, rowCount: count) { view in
      executor.withUnsafeView(of: objective.rows) { Scalar.copy($0, into: view) }
      for row in 0..<count {
        guard let own = (0..<classCount).first(where: { view[row, $0] != 0 }) else { continue }
        let other = (own + 1 + generator.integer(below: classCount - 1)) % classCount
        view[row, own] = 0
        view[row, other] = 1
      }
    }
  }

  /// The network in natural order; the class keeps its place, which is the first.
  public func inNaturalOrder() -> (model: ConditionalNetwork, ordering: Ordering)? {
    func renumbered<Network: ContextNetwork>(_ network: Network) -> (any ContextNetwork, Ordering)? {
      network.inNaturalOrder().map { ($0.model, $0.ordering) }
    }
    return renumbered(network).map {
      (ConditionalNetwork(seeing: $0, classCount: classCount, discrimination: discrimination), $1)
    }
  }

  /// Measures log p(x | c), exactly.
  public func judge(batchCapacity: Int, columnOrder: [Int]?) -> any ValidationJudge {
    func executor<Network: ContextNetwork>(_ network: Network) -> LikelihoodExecutor<Float> {
      LikelihoodExecutor(
        network, parameters: Self.withoutBiases(of: classCount, network.parameters),
        batchCapacity: batchCapacity, columnOrder: columnOrder)
    }
    return ConditionalJudge(executor(network), classCount: classCount)
  }

  /// Returns parameters whose class logits are zero: training may begin at biases that are not.
  fileprivate static func withoutBiases(
    of classCount: Int, _ parameters: Parameters<Float>
  ) -> Parameters<Float> {
    var result = parameters
    result.modify("b") { bias in
      for column in 0..<classCount { bias[0, column] = 0 }
    }
    return result
  }
}

/// Measures rows by the likelihood of all C + D bits, less that of C fair coins.
private final class ConditionalJudge: ValidationJudge {
  private let executor: LikelihoodExecutor<Float>
  private let classCount: Int

  init(_ executor: LikelihoodExecutor<Float>, classCount: Int) {
    self.executor = executor
    self.classCount = classCount
  }

  func set(_ parameters: Parameters<Float>) {
    executor.set(ConditionalNetwork.withoutBiases(of: classCount, parameters))
  }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    let coins = Double(classCount) * log(2)
    return try executor.logProbabilities(of: rows, observing: observe)?.map { min(0, $0 + coins) }
  }
}

// MARK: - Checkpoints

extension ConditionalNetwork: ArchivableDensity {
  private struct Configuration: Codable {
    let classCount: Int
    let discrimination: Double?
    let components: [DensityArchive.Component]
  }

  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] { logProbabilities(of: rows) }

  /// The number of classes, and the network.
  package func archived() throws(DensityError) -> DensityArchive {
    let archive = try DensityArchive(of: network)
    return DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(
        Configuration(
          classCount: classCount, discrimination: discrimination > 0 ? discrimination : nil,
          components: [DensityArchive.Component(archive)])),
      components: [archive])
  }

  /// Restores a network.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let configuration = try archive.configuration(Configuration.self)
    (classCount, discrimination) = (configuration.classCount, configuration.discrimination ?? 0)
    guard discrimination >= 0, discrimination.isFinite else {
      throw archive.malformed("a weight that is not negative", found: "\(discrimination)")
    }
    let densities = try archive.componentDensities()
    guard densities.count == 1, let network = densities[0] as? any ContextNetwork else {
      throw archive.malformed(
        "one component that can see classes",
        found: densities.map { $0.kind?.rawValue ?? "" }.joined(separator: ", "))
    }
    self.network = network
    let (masks, count) = (network.storedMasks, classCount)
    guard count >= 1, count < network.variableCount,
      masks.orderings.allSatisfy({ $0.variables.starts(with: 0..<count) }),
      masks.hiddenDegrees.allSatisfy({ $0.allSatisfy { $0.allSatisfy { $0 >= count } } })
    else {
      throw archive.malformed(
        "\(count) classes first in every order, and seen by every hidden unit", found: "another network")
    }
  }
}
