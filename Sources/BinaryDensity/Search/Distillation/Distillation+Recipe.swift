import Autodiff
import Kernels

extension Distillation {
  /// What a network is to be like: its recipe, but for the number of steps, and its ordering.
  struct Form {
    var recipe: Recipe
    var ordering: OrderingRule
    /// The groups of columns that the density keeps, and the network is to keep.
    let groups: ColumnGroups?

    /// The form of a network with some times the units of the weightiest network that a density has, along its ordering;
    /// of a density without networks, that of a NADE.
    init(of density: any Density, widened factor: Int) {
      let part = density.networksByWeight.first
      let network = (part as? GroupedNetwork)?.network ?? part
      groups = density.keptGroups
      ordering = network?.autoregressive().map { .explicit($0.ordering.variables) } ?? .natural
      func widened(_ units: Int) -> Int { max(units, Recipe.sizes.last { $0 <= factor * units } ?? 0) }
      switch network {
      case let nade as NADE:
        let (units, activation) = (nade.configuration.hiddenCount, nade.configuration.activation)
        recipe = Recipe(
          network: .nade(widened(units), activation), learningRate: activation == .sigmoid ? 0.004 : 0.002,
          stepCount: 0)
      case let made as MADE:
        recipe = Recipe(
          network: .made(made.configuration.hiddenCounts.map(widened)), learningRate: 0.003, stepCount: 0)
      default: recipe = Recipe(network: .nade(200, .relu), learningRate: 0.002, stepCount: 0)
      }
    }

    /// Returns the untrained network of a recipe.
    func model(
      _ recipe: Recipe, variableCount: Int, seed: UInt64
    ) throws(DensityError) -> any TrainableDensity {
      try recipe.model(variableCount: variableCount, ordering: ordering, seed: seed, weightSeed: seed)
        .keeping(groups)
    }
  }
}

extension Distillation.Form {
  /// Returns the ways of training a new network, which differ in regularisation.
  ///
  /// The first has little, for drawn rows are many; then comes that of the model's networks, if it is known and they are of the same
  /// kind.
  ///
  /// - Parameter canShift: whether rows are pictures, of which a share may be moved.
  func recipes(like known: Recipe?, canShift: Bool) -> [Recipe] {
    let hidden = if case .made = recipe.network { 0.25 } else { 0.0 }
    let own = own(known, canShift: canShift)
    let others = [
      changed { $0.dropout = Dropout(inputs: 0.1, hidden: hidden) },
      changed { $0.weightDecay = 0.1 },
      changed { $0.dropout = Dropout(inputs: 0.2, hidden: hidden) },
    ]
    return [changed { $0.dropout = Dropout(hidden: hidden) }] + [own].compactMap(\.self)
      + others.filter { $0 != own }
  }

  /// Returns the recipes of training a network of the model further, with less regularisation than it had.
  ///
  /// There are many more rows now. The first has next to none, the second the model's weight decay and some of its dropout.
  func furtherRecipes(like known: Recipe?, canShift: Bool) -> [Recipe] {
    var own = own(known, canShift: canShift) ?? recipe
    own.learningRate = 0.004
    // Of a network that had learnt with 0.7, 0.2 to 0.4 were alike on drawn rows, and 0.7 was far worse.
    own.dropout = Dropout(hidden: 0.4 * own.dropout.hidden)
    var free = own
    (free.dropout, free.weightDecay) = (.none, min(0.01, own.weightDecay))
    return [free, own]
  }

  /// Returns this recipe trained as the model's networks were; nil if that is not known, or they are of another kind.
  private func own(_ known: Recipe?, canShift: Bool) -> Recipe? {
    guard let known, recipe.network.isAlike(known.network) else { return nil }
    return changed {
      ($0.learningRate, $0.weightDecay) = (known.learningRate, known.weightDecay)
      ($0.dropout, $0.shiftShare) = (known.dropout, canShift ? known.shiftShare : 0)
    }
  }

  private func changed(_ change: (inout Recipe) -> Void) -> Recipe {
    var recipe = recipe
    change(&recipe)
    return recipe
  }
}

extension Recipe.Network {
  /// Whether this and another differ in sizes alone.
  fileprivate func isAlike(_ other: Self) -> Bool {
    switch (self, other) {
    case (.nade(_, let activation), .nade(_, let other)): activation == other
    case (.made(let counts), .made(let others)): counts.count == others.count
    default: false
    }
  }
}

extension Density {
  /// The NADEs and MADEs along one ordering that a density is made of, the weightiest first.
  var networksByWeight: [any TrainableDensity] {
    weightedNetworks.compactMap { $0.density as? any TrainableDensity }
  }

  /// The same with their weights, those without any left out.
  var weightedNetworks: [Component] {
    networkParts.filter { $0.weight > 0 }.sorted { $0.weight > $1.weight }.filter { part in
      let network = (part.density as? GroupedNetwork)?.network ?? part.density
      return (network is NADE || network is MADE) && network.autoregressive() != nil
    }
  }

  /// The networks that a density is made of, with their weights.
  fileprivate var networkParts: [Component] {
    func scaled(_ parts: [Component], by weight: Double) -> [Component] {
      parts.map { Component(weight: $0.weight * weight, density: $0.density) }
    }
    if let ensemble = self as? Ensemble {
      return zip(ensemble.members, ensemble.weights).flatMap { scaled($0.networkParts, by: $1) }
    }
    if self is any NetworkDensity { return [Component(weight: 1, density: self)] }
    return (components ?? []).flatMap { scaled($0.density.networkParts, by: $0.weight) }
  }
}
