extension Recipe {
  /// Returns the recipe with fewer hidden units, as many as it may have; nil if it may have none.
  ///
  /// - Parameter isSmallEnough: whether a recipe is one that may be.
  func shrunk(until isSmallEnough: (Recipe) -> Bool) -> Recipe? {
    var recipe = self
    /// The largest size below the present one.
    func smaller(_ units: Int) -> Int { Self.sizes.last { $0 < units } ?? 0 }
    while !isSmallEnough(recipe) {
      switch recipe.network {
      case .nade(let units, let activation): recipe.network = .nade(smaller(units), activation)
      case .made(let counts): recipe.network = .made(counts.map(smaller))
      case .eonade(let counts): recipe.network = .eonade(counts.map(smaller))
      }
      if !recipe.hasUnits { return nil }
    }
    return recipe
  }

  /// The recipe with as few hidden units as there are in one.
  var smallest: Recipe {
    var recipe = self
    switch network {
    case .nade(_, let activation): recipe.network = .nade(Self.sizes[0], activation)
    case .made(let counts): recipe.network = .made(counts.map { _ in Self.sizes[0] })
    case .eonade(let counts): recipe.network = .eonade(counts.map { _ in Self.sizes[0] })
    }
    return recipe
  }

  private var hasUnits: Bool {
    switch network {
    case .nade(let units, _): units > 0
    case .made(let counts), .eonade(let counts): !counts.isEmpty && counts.allSatisfy { $0 > 0 }
    }
  }
}
