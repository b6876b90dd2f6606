import Autodiff
import Kernels

extension Distillation {
  /// What a network is to be like: its recipe, but for the number of steps, and its ordering.
  struct Form {
    var recipe: Recipe
    let ordering: OrderingRule
    /// The groups of columns that the density keeps, and the network is to keep.
    let groups: ColumnGroups?

    /// The form of a network with some times the units of the weightiest network that a density has, along its ordering;
    /// of a density without networks, that of a NADE.
    init(of density: any Density, widened factor: Int) {
      let part = density.networkParts.max { $0.weight < $1.weight }?.density
      let network = (part as? GroupedNetwork)?.network ?? part
      groups = density.keptGroups
      ordering = network?.autoregressive().map { .explicit($0.ordering.variables) } ?? .natural
      func widened(_ units: Int) -> Int { max(units, Recipe.sizes.last { $0 <= factor * units } ?? 0) }
      switch network {
      case let nade as NADE:
        let (units, activation) = (nade.configuration.hiddenCount, nade.configuration.activation)
        recipe = Recipe(
          network: .nade(widened(units), activation), learningRate: activation == .sigmoid ? 0.003 : 0.001,
          stepCount: 0)
      case let made as MADE:
        recipe = Recipe(
          network: .made(made.configuration.hiddenCounts.map(widened)), learningRate: 0.002, stepCount: 0)
      default: recipe = Recipe(network: .nade(200, .relu), learningRate: 0.001, stepCount: 0)
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

  /// Returns the ways of training that differ in regularisation: that of the model's networks, if it is known and they are of the
  /// same kind, then those first that have won most often.
  ///
  /// - Parameter canShift: whether rows are pictures, of which a share may be moved.
  static func recipes(_ first: Recipe, like known: Recipe?, canShift: Bool) -> [Recipe] {
    func changed(_ change: (inout Recipe) -> Void) -> Recipe {
      var recipe = first
      change(&recipe)
      return recipe
    }
    let hidden = if case .made = first.network { 0.25 } else { 0.0 }
    let own = known.flatMap { known -> Recipe? in
      guard first.network.isAlike(known.network) else { return nil }
      return changed {
        ($0.learningRate, $0.weightDecay) = (known.learningRate, known.weightDecay)
        ($0.dropout, $0.shiftShare) = (known.dropout, canShift ? known.shiftShare : 0)
      }
    }
    let usual = [
      first,
      changed { $0.dropout = Dropout(inputs: 0.1, hidden: hidden) },
      changed { $0.weightDecay = 0.1 },
      changed { $0.weightDecay = 0.001 },
      changed { $0.dropout = Dropout(inputs: 0.2, hidden: hidden) },
    ]
    return [own].compactMap(\.self) + usual.filter { $0 != own }
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
