/// Chooses what a search keeps of what it has trained: mixtures of many networks, or what does better on the validation
/// rows.
struct MixtureSelection {
  /// A density that is no network, its mean −log p of the validation rows, and log p of each of them.
  typealias Baseline = (density: any Density, nll: Double, terms: [Double])

  /// A density that may be kept.
  struct Candidate {
    /// What the leaderboard calls it.
    let name: String
    let density: any Density
    /// The mean of −log p over the validation rows, in nats.
    let nll: Double
  }

  /// The networks that count.
  private let networks: [DensitySearch.Network]
  /// The baselines, of which there is at least one.
  private let baselines: [Baseline]

  /// - Precondition: there is a baseline.
  init(best: DensitySearch.Network?, members: [DensitySearch.Network], baselines: [Baseline]) {
    precondition(!baselines.isEmpty, "nothing was fitted")
    let best = [best].compactMap(\.self)
    // What was cut short counts if it is as good as some that were not.
    let worst = (members + best).filter(\.isComplete).map(\.nll).max() ?? .infinity
    networks = best + members.filter { $0.isComplete || $0.nll <= worst }
    self.baselines = baselines
  }

  /// Returns the best candidate by the validation rows.
  ///
  /// - Parameters:
  ///   - evaluate: gives log p of each validation row, or nil if there is no time left.
  ///   - isOver: whether there is no time left.
  ///   - found: is told of each mixture that is tried.
  func chosen(
    evaluating evaluate: (any Density) -> [Double]?, isOver: () -> Bool, found: (Candidate) -> Void
  ) -> any Density {
    var candidates = baselines.map { (density: $0.density, nll: $0.nll) }
    func add(_ density: any Density, terms: [Double], name: String) {
      let nll = Self.nll(terms)
      guard nll.isFinite else { return }
      found(Candidate(name: name, density: density, nll: nll))
      candidates.append((density, nll))
    }
    // Of hundreds of networks one has the best figure by luck alone, so where there are several only their mixtures are
    // candidates, not the single networks.
    var parts = networks.count < 2 ? [] : Ensemble.groups(networks.map(\.density))
    // log p of each part in each validation row, computed once; what there is no time for is left out.
    var terms: [[Double]] = []
    while terms.count < parts.count, let term = evaluate(parts[terms.count]) { terms.append(term) }
    parts = Array(parts.prefix(terms.count))
    if parts.isEmpty {
      candidates += networks.map { ($0.density, $0.nll) }
    } else {
      let networkCount = parts.reduce(0) { $0 + (($1 as? Ensemble)?.members.count ?? 1) }
      func even() -> [Double] { parts.map { _ in 1 / Double(parts.count) } }
      let evenTerms = logMixture(terms, weights: even())
      if parts.count == 1 {
        add(parts[0], terms: evenTerms, name: "ensemble of \(networkCount) networks")
      } else {
        add(
          Mixture(parts), terms: evenTerms, name: "mixture of \(parts.count) orders, \(networkCount) networks"
        )
      }
      for baseline in baselines where !baseline.terms.isEmpty {
        parts.append(baseline.density)
        terms.append(baseline.terms)
      }
      // A fitted weight is a parameter, and n parameters gain n / 2 nats by chance on the rows they are fitted to.
      let weights = isOver() ? even() : Mixture.fittedWeights(terms, from: even())
      let kept = weights.indices.filter { weights[$0] > 1e-4 }
      let gain =
        (Self.nll(evenTerms) - Self.nll(logMixture(terms, weights: weights))) * Double(evenTerms.count)
      if kept.count > 1, gain > Double(kept.count) {
        let mixture = Mixture(kept.map { parts[$0] }, weights: kept.map { weights[$0] })
        add(
          mixture, terms: logMixture(kept.map { terms[$0] }, weights: mixture.weights),
          name: "mixture of \(kept.count) parts, fitted weights")
      }
    }
    return candidates.min { $0.nll < $1.nll }?.density ?? baselines[0].density
  }

  /// Returns the mean of −log p.
  private static func nll(_ terms: [Double]) -> Double { -terms.reduce(0, +) / Double(max(1, terms.count)) }
}
