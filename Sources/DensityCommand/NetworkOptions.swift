import Arguments
import BinaryDensity
import Kernels

/// What networks to train, as the command line says: of which family and shape, how many, over how many orders.
struct NetworkOptions {
  let memberCount: Int
  private let kind: ModelKind
  private let hiddenCounts: [Int]
  private let activation: Activation
  private let ordering: OrderingRule
  private let orderCount: Int
  private let maskCount: Int
  private let hasFreshMasks: Bool
  private let hasDirectWeights: Bool
  private let isResidual: Bool
  /// Whether orders are those in which pictures are scanned.
  private let scans: Bool

  /// Whether the networks could keep groups of columns.
  var canKeepGroups: Bool { kind != .eonade && maskCount == 1 && !hasFreshMasks }

  /// Reads the options of networks of a family.
  init(_ arguments: ParsedArguments, kind: ModelKind, memberCount: Int) throws {
    self.kind = kind
    self.memberCount = memberCount
    let usual = kind.recommendedSettings ?? .made
    ordering = try Self.ordering(arguments) ?? usual.ordering
    scans = try arguments.optionalValue("ordering", as: .string) == "scans"
    activation = try arguments.value("activation", as: ValueFormat<Activation>.choice)
    hiddenCounts = try arguments.value(
      "hidden", as: .integers(in: 1...1_000_000, allowingNone: kind == .made))
    maskCount = try arguments.value("masks", as: .integer(in: 1...4096))
    hasFreshMasks = arguments.flag("fresh-masks")
    hasDirectWeights = arguments.flag("direct")
    isResidual = arguments.flag("residual")
    orderCount =
      try arguments.optionalValue("orders", as: .integer(in: 1...4096))
      ?? (ordering == usual.ordering ? usual.orderCount : 1)
    try checkShape(arguments)
    try checkOrders()
  }

  private static func ordering(_ arguments: ParsedArguments) throws -> OrderingRule? {
    switch try arguments.optionalValue("ordering", as: .string) {
    case nil: nil
    case "random": .random
    case "resampled": .resampled
    default: .natural
    }
  }

  /// Refuses what a family has not.
  private func checkShape(_ arguments: ParsedArguments) throws(UsageError) {
    if kind == .nade && hiddenCounts.count != 1 {
      throw UsageError("--hidden: a NADE has one layer of hidden units")
    }
    for option in ["masks", "fresh-masks", "direct", "residual"]
    where kind != .made && arguments.isGiven(option) {
      throw UsageError("--\(option) is for a MADE")
    }
    if arguments.isGiven("groups") && !canKeepGroups {
      throw UsageError(
        "--groups: an EoNADE, and a MADE of several masks, has several orders; groups of columns are kept along one"
      )
    }
    for option in ["hidden", "activation"] where kind == .fvsbn && arguments.isGiven(option) {
      throw UsageError("--\(option): an FVSBN has no hidden units")
    }
  }

  private func checkOrders() throws(UsageError) {
    if masksHaveOrders && hasFreshMasks {
      throw UsageError("--orders: fresh masks have one order, or each its own (--ordering resampled)")
    }
    if scans {
      guard kind != .eonade else { throw UsageError("--ordering scans: an EoNADE's orders are random") }
      guard orderCount <= min(Ordering.scanCount, networkOrMaskCount) else {
        throw UsageError(
          "--orders: there are \(Ordering.scanCount) scans of a picture, for as many --members or --masks at least"
        )
      }
      return
    }
    if kind == .eonade {
      if orderCount > 1 && ordering != .resampled {
        throw UsageError("--orders: \(orderCount) orders go with --ordering resampled")
      }
    } else if orderCount > networkOrMaskCount {
      throw UsageError("--orders is for an EoNADE, or for --members or --masks: at most as many")
    } else if orderCount > 1 && ordering != .random {
      throw UsageError("--orders: members or masks of several orders go with --ordering random, or scans")
    }
  }

  /// The number of what may be spread over several orders: the members, or the masks of the only one.
  private var networkOrMaskCount: Int { memberCount > 1 ? memberCount : maskCount }
  /// Whether the masks of one MADE have the orders, in turn.
  private var masksHaveOrders: Bool { memberCount == 1 && maskCount > 1 && orderCount > 1 }
  /// The number of orders that members are spread over; an EoNADE, or a MADE of several masks, may have several by itself.
  var memberOrderCount: Int { kind == .eonade || masksHaveOrders ? 1 : orderCount }

  /// Whether there is a weight for each pair of columns.
  var hasPairs: Bool { kind == .fvsbn || kind == .made && (hasDirectWeights || hiddenCounts.isEmpty) }

  /// Returns an untrained network for a data set, whose groups of columns it keeps, if there are some.
  ///
  /// - Parameter orderIndex: which of the orders it has.
  func model(
    for data: DataSplits, orderIndex: Int, orderSeed: UInt64, weightSeed: UInt64
  ) throws(DensityError) -> any TrainableDensity {
    try network(
      variableCount: data.variableCount, orderIndex: orderIndex, imageShape: data.imageShape,
      orderSeed: orderSeed, weightSeed: weightSeed
    ).keeping(data.groups)
  }

  /// The orders that masks are spread over.
  private func orders(
    count: Int, imageShape: ImageShape?, seed: UInt64
  ) throws(DensityError) -> [Ordering] {
    var orders: [Ordering] = []
    for index in 0..<orderCount {
      orders.append(
        try scans ? scan(index, of: imageShape) : .random(count: count, seed: seed, index: index))
    }
    return orders
  }

  private func scan(_ index: Int, of imageShape: ImageShape?) throws(DensityError) -> Ordering {
    guard let imageShape else {
      throw .invalidConfiguration("--ordering scans is for pictures; --image HxW says that rows are some")
    }
    return .scan(index, of: imageShape)
  }

  private func network(
    variableCount: Int, orderIndex: Int, imageShape: ImageShape?, orderSeed: UInt64, weightSeed: UInt64
  ) throws(DensityError) -> any TrainableDensity {
    let ordering = scans ? .explicit(try scan(orderIndex, of: imageShape).variables) : ordering
    switch kind {
    case .fvsbn:
      return try FVSBN(
        FVSBN.Configuration(variableCount: variableCount, ordering: ordering, seed: orderSeed),
        seed: weightSeed)
    case .nade:
      return try NADE(
        NADE.Configuration(
          variableCount: variableCount, hiddenCount: hiddenCounts[0], activation: activation,
          ordering: ordering, seed: orderSeed), seed: weightSeed)
    case .made:
      let made = try MADE(
        MADE.Configuration(
          variableCount: variableCount, hiddenCounts: hiddenCounts, activation: activation,
          hasDirectWeights: hasDirectWeights, isResidual: isResidual, maskCount: maskCount,
          trainsOnFreshMasks: hasFreshMasks, ordering: ordering, seed: orderSeed), seed: weightSeed)
      return masksHaveOrders
        ? made.spread(over: try orders(count: variableCount, imageShape: imageShape, seed: orderSeed)) : made
    case .eonade:
      return try EoNADE(
        EoNADE.Configuration(
          variableCount: variableCount, hiddenCounts: hiddenCounts, activation: activation,
          orderCount: orderCount, ordering: ordering, seed: orderSeed), seed: weightSeed)
    case .grouped, .ensemble, .mixture, .labelled, .conditional, .bernoulli, .bernoulliMixture, .chowLiu,
      .parentAverage, .tabulated:
      preconditionFailure("a \(kind.rawValue) is not trained by gradients")
    }
  }
}
