import Kernels

/// Which models answer which questions, how, and at what cost.
///
/// Nothing of it is written down by hand but the words for costs: a small model of every family is asked, and says how it
/// answered.
public struct QueryCapabilities: Hashable, Sendable {
  /// What a density may be asked.
  public enum Question: String, CaseIterable, Hashable, Sendable {
    /// log p of a row all of whose cells are known.
    case row = "log p of a whole row"
    /// p of variables that come first in the density's order.
    case prefix = "p of the first in order"
    /// p of any variables, the others summed over.
    case marginal = "p of any variables"
    /// p of some variables, given others, the rest summed over.
    case conditional = "p of some, given others"
    /// p of one variable, given all others.
    case oneGivenOthers = "p of one, given the rest"
    /// p that so many of all variables are on.
    case onBitCount = "p of a count over all"
    /// Draws of the rest, given variables that come first in the density's order.
    case drawsGivenPrefix = "draws, the first given"
    /// Draws of the rest, given any variables.
    case draws = "draws, anything given"
    /// The row of the largest p.
    case mode = "most probable row"
  }

  /// How an answer comes about.
  public enum Manner: Hashable, Sendable {
    /// Exactly, at once.
    case exact
    /// Exactly by enumeration, where that is predicted to be short; else an estimate by particles, with its error.
    case enumeratedOrEstimated
    /// A sum of exact terms, if they are few; else the share of rows drawn, with its error.
    case summedOrDrawn
    /// By a search that says whether its best is proved.
    case searched
    /// By a search of each component, which proves the best only of few variables, or where components agree.
    case searchedByComponents
    /// Not at all.
    case absent
  }

  /// What answers are made of, which decides their cost.
  public struct Structure: Hashable, Sendable {
    /// Whether marginals are computed, and not conditionals along an order.
    public let isTractable: Bool
    /// Whether several components, or orders, add up.
    public let isMixture: Bool
  }

  /// The models that answer alike: families, and what there is to say of their order.
  public let models: [String]
  /// What their answers are made of.
  public let structure: Structure
  private let manners: [Question: Manner]

  /// How a question is answered.
  public func manner(of question: Question) -> Manner { manners[question] ?? .absent }

  /// All models, those together that answer alike.
  ///
  /// - Throws: nothing, as long as every family can be asked.
  public static func all() throws(DensityError) -> [QueryCapabilities] {
    var groups: [QueryCapabilities] = []
    for (name, density, order) in try examples() {
      let own = try QueryCapabilities(name, density, order)
      if let index = groups.firstIndex(where: { $0.manners == own.manners && $0.structure == own.structure })
      {
        groups[index] = QueryCapabilities(
          models: groups[index].models + own.models, structure: own.structure, manners: own.manners)
      } else {
        groups.append(own)
      }
    }
    return groups
  }

  private init(models: [String], structure: Structure, manners: [Question: Manner]) {
    self.models = models
    self.structure = structure
    self.manners = manners
  }
}

// MARK: - Asking

extension QueryCapabilities {
  /// A small model of every family, and of every kind of order that makes a difference.
  private static func examples() throws(DensityError) -> [(String, any Density, Inference.Order)] {
    var result: [(String, any Density, Inference.Order)] = []
    let kinds: [ModelKind] = [
      .bernoulli, .chowLiu, .bernoulliMixture, .fvsbn, .nade, .made, .eonade, .grouped, .ensemble,
      .parentAverage, .mixture,
    ]
    // A labelled density answers what a mixture does; a conditional network is for training; and up to as many columns as
    // a table of probabilities has, everything is exact.
    precondition(
      Set(kinds).union([.labelled, .conditional, .tabulated]) == Set(ModelKind.allCases),
      "a family is not asked")
    for kind in kinds {
      for (suffix, density) in try examples(of: kind) {
        result.append((suffix.isEmpty ? kind.rawValue : "\(kind.rawValue) \(suffix)", density, .own))
        if density is EoNADE, suffix == severalOrders {
          result.append(("eonade with --order evidence-first", density, .evidenceFirst))
        }
      }
    }
    return result
  }

  private static let oneOrder = "of one order"
  private static let severalOrders = "of several orders"

  private static func examples(
    of kind: ModelKind
  ) throws(DensityError) -> [(suffix: String, density: any Density)] {
    let count = 6
    let rows = BinaryMatrix(rowCount: 8, columnCount: count) { ($0 + $1 * $1) % 3 == 0 }
    func nade(_ ordering: OrderingRule) throws(DensityError) -> NADE {
      try NADE(NADE.Configuration(variableCount: count, hiddenCount: 3, ordering: ordering), seed: 1)
    }
    func made(_ maskCount: Int) throws(DensityError) -> MADE {
      try MADE(
        MADE.Configuration(
          variableCount: count, hiddenCounts: [4], maskCount: maskCount,
          ordering: maskCount == 1 ? .natural : .resampled), seed: 1)
    }
    func eonade(_ orderCount: Int) throws(DensityError) -> EoNADE {
      try EoNADE(
        EoNADE.Configuration(variableCount: count, hiddenCounts: [4], orderCount: orderCount), seed: 1)
    }
    return switch kind {
    case .labelled, .conditional, .tabulated: []
    case .bernoulli: [("", try IndependentBernoulli.fit(to: rows))]
    case .chowLiu: [("", try ChowLiuTree.fit(to: rows))]
    case .parentAverage: [("", try ParentAverage.fit(to: rows, along: .natural(count: count)))]
    case .bernoulliMixture: [("", try BernoulliMixture.fit(to: rows, componentCount: 2))]
    case .fvsbn: [("", try FVSBN(FVSBN.Configuration(variableCount: count), seed: 1))]
    case .nade: [("", try nade(.natural))]
    case .made: [(oneOrder, try made(1)), (severalOrders, try made(2))]
    case .eonade: [(oneOrder, try eonade(1)), (severalOrders, try eonade(2))]
    case .grouped:
      [("", try GroupedNetwork(try nade(.natural), groups: ColumnGroups([[0, 3]], columnCount: count)))]
    case .ensemble: [("", Ensemble([try nade(.natural), try made(1)]))]
    case .mixture:
      [
        ("of baselines", Mixture([try ChowLiuTree.fit(to: rows), try IndependentBernoulli.fit(to: rows)])),
        (oneOrder, Mixture([try nade(.natural), try made(1)])),
        (severalOrders, Mixture([try nade(.natural), try nade(.random)])),
      ]
    }
  }

  /// Asks a density everything, without a table of all its rows.
  private init(_ name: String, _ density: any Density, _ order: Inference.Order) throws(DensityError) {
    var asker = try Asker(density, order)
    var manners: [Question: Manner] = [:]
    for question in Question.allCases { manners[question] = try asker.manner(of: question) }
    let node = asker.patient.node
    let structure = Structure(
      isTractable: node.isTractable, isMixture: node.isMixture || density is BernoulliMixture)
    self.init(models: [name], structure: structure, manners: manners)
  }
}

extension QueryNode {
  fileprivate var isMixture: Bool { if case .mixture = self { true } else { false } }

  fileprivate var isTractable: Bool {
    switch self {
    case .tractable: true
    case .mixture(_, let parts): parts.allSatisfy(\.isTractable)
    case .chain, .opaque: false
    }
  }
}

/// Asks a density what it can do.
private struct Asker {
  let density: any Density
  /// Enumerates whatever it has to.
  let patient: Inference
  /// Enumerates nothing.
  let hasty: Inference
  /// The variables, those of the density's order first to last, or of its first component's.
  let variables: [Int]
  var generator = Philox(seed: 1)

  init(_ density: any Density, _ order: Inference.Order) throws(DensityError) {
    self.density = density
    func inference(seconds: Double) throws(DensityError) -> Inference {
      var options = Inference.Options(
        particleCount: 64, particleLimit: 64, enumerationSeconds: seconds, order: order)
      options.tabulationLimit = 0
      return try Inference(density, options)
    }
    (patient, hasty) = (try inference(seconds: 3600), try inference(seconds: 0))
    let chain = density.autoregressive() ?? density.components?.first?.density.autoregressive()
    variables = chain?.ordering.variables ?? Array(0..<density.variableCount)
  }

  mutating func manner(of question: QueryCapabilities.Question) throws(DensityError)
    -> QueryCapabilities.Manner
  {
    let count = density.variableCount
    switch question {
    case .row: return try marginal(variables[...])
    case .prefix: return try marginal(variables[..<2])
    case .marginal: return try marginal(variables[(count - 2)...])
    case .conditional:
      return try conditional(variables[(count - 2)..<(count - 1)], given: variables[(count - 1)...])
    case .oneGivenOthers:
      // Two assignments of one variable are always enumerated, whatever they cost.
      let (target, others) = (variables[..<1], variables[1...])
      let isExact = try isExact(patient) { (inference) throws(DensityError) in
        try inference.logConditionals(of: known(target), given: known(others))
      }
      return isExact ? .exact : .absent
    case .onBitCount where isManyDensities, .mode where isManyDensities: return .absent
    case .onBitCount:
      let counted = patient.node.logMarginalsByOnBitCount(of: PartialRows(rowCount: 1, columnCount: count))
      return counted != nil ? .exact : .summedOrDrawn
    case .drawsGivenPrefix: return try draws(variables[..<2])
    case .draws: return try draws(variables[(count - 2)...])
    case .mode:
      // What needs no search visits no node.
      let nothing = PartialRows(rowCount: 1, columnCount: count)
      if try density.tractable?.modes(given: nothing, nodeLimit: 0).areProved == true { return .exact }
      switch ModeSearch(density).method {
      case .tractable, .chain: return .searched
      case .mixture, .likelihood: return .searchedByComponents
      }
    }
  }

  /// Whether each set of known columns has a density of its own.
  private var isManyDensities: Bool { patient.options.order == .evidenceFirst }

  private func known(_ variables: ArraySlice<Int>) -> PartialRows {
    PartialRows(BinaryMatrix(rowCount: 1, columnCount: density.variableCount), knownColumns: variables)
  }

  private func isExact(
    _ inference: Inference, _ ask: (Inference) throws(DensityError) -> [LogProbability]?
  ) throws(DensityError) -> Bool {
    try ask(inference)?.allSatisfy(\.isExact) ?? false
  }

  private func manner(
    _ ask: (Inference) throws(DensityError) -> [LogProbability]?
  ) throws(DensityError) -> QueryCapabilities.Manner {
    if try isExact(hasty, ask) { return .exact }
    return try isExact(patient, ask) ? .enumeratedOrEstimated : .absent
  }

  private func marginal(_ variables: ArraySlice<Int>) throws(DensityError) -> QueryCapabilities.Manner {
    let rows = known(variables)
    return try manner { (inference) throws(DensityError) in try inference.logMarginals(of: rows) }
  }

  private func conditional(
    _ target: ArraySlice<Int>, given: ArraySlice<Int>
  ) throws(DensityError) -> QueryCapabilities.Manner {
    let (top, bottom) = (known(target), known(given))
    return try manner { (inference) throws(DensityError) in
      try inference.logConditionals(of: top, given: bottom)
    }
  }

  private mutating func draws(_ variables: ArraySlice<Int>) throws(DensityError) -> QueryCapabilities.Manner {
    let rows = known(variables)
    if try hasty.sample(given: rows, count: 2, using: &generator)?.areExact == true { return .exact }
    let isExact = try patient.sample(given: rows, count: 2, using: &generator)?.areExact == true
    return isExact ? .enumeratedOrEstimated : .absent
  }
}
