import Kernels

/// Chooses what a search keeps of what it has trained, by the validation rows and by its size.
///
/// Of hundreds of networks one has the best figure by luck alone, so where there are several only their mixtures are
/// candidates. Networks are left out as long as all of those left out gain less than a tenth of the standard error of the
/// validation figure (`MixturePath`); what is kept takes as little room as it may (`Compaction`). Where a size is given, the
/// best that has room is kept, however little it gains, and where a table of all probabilities takes less room than all
/// networks together, the best of all.
package struct MixtureSelection {
  /// A density that is no network, its mean −log p of the validation rows, and log p of each of them.
  typealias Baseline = (density: any Density, nll: Double, terms: [Double])

  /// A density that may be kept.
  package struct Candidate {
    /// What it is.
    package var name: String
    package var density: any Density
    /// log p of each validation row; empty if there was no time for it.
    package var terms: [Double]
    /// The mean of −log p over the validation rows, in nats.
    package var nll: Double
    /// How long the validation rows took, in seconds, if they were timed.
    package var seconds: Double?
    /// Whether the figure that is told is an estimate.
    var isEstimated = false

    package init(
      name: String, _ density: any Density, terms: [Double], nll: Double? = nil, seconds: Double? = nil
    ) {
      self.name = name
      self.density = density
      self.terms = terms
      self.nll = nll ?? DensitySearch.nll(of: terms)
      self.seconds = seconds
    }

    /// How many rows' log p it computes in a second, if that was timed.
    var rowsPerSecond: Double? { seconds.map { Double(terms.count) / max($0, 1e-9) } }

    /// The standard error of the figure, in nats.
    var standardError: Double? {
      terms.isEmpty ? nil : LikelihoodSummary(logProbabilities: terms, variableCount: 1).standardError
    }

    /// Returns this mixed with another, by the weights that make the validation rows most probable; nil if one of them is all of it,
    /// or what they make of the rows is not known.
    fileprivate func mixed(with other: Candidate) -> Candidate? {
      guard !terms.isEmpty, terms.count == other.terms.count else { return nil }
      let weights = Mixture.fittedWeights([terms, other.terms], from: [0.5, 0.5])
      guard weights.allSatisfy({ $0 > 1e-3 }) else { return nil }
      return Candidate(
        name: "\(name), mixed with what was distilled of it",
        Mixture([density, other.density], weights: weights),
        terms: logMixture([terms, other.terms], weights: weights),
        seconds: seconds.flatMap { seconds in other.seconds.map { seconds + $0 } })
    }
  }

  /// Whoever knows the rows, the time and the file.
  struct Judge {
    /// Returns log p of each validation row; nil if there is no time left.
    let logProbabilities: (any Density) -> [Double]?
    /// Does the same whether or not there is time left, for what a candidate is kept as; nil if nobody waits for more.
    let lastLogProbabilities: (any Density) -> [Double]?
    /// Returns log p of each validation row under the averages of the first member, the first two and so on; nil if there
    /// is no time left, or the rows allow no such thing.
    let logProbabilitiesOfFirstMembers: (Ensemble) -> [[Double]]?
    /// Returns the size of the file of a density, in bytes.
    let byteCount: (any Density, _ inHalfPrecision: Bool) -> Int
    /// Whether there is no time left.
    let isOver: () -> Bool
    /// Whether somebody has said to stop, and waits no longer.
    let isStopped: () -> Bool
    /// Is told of each mixture that is tried.
    let found: (Candidate) -> Void
  }

  /// What is kept, and what else there is.
  package struct Outcome {
    /// What is kept.
    package private(set) var kept: Candidate
    /// What would be kept without what was distilled.
    let selected: Candidate
    /// The mixture of all networks, if there are several.
    let whole: Candidate?
    /// The best single network.
    let network: Candidate?
    /// The figure of what was found before, if it may be kept: nothing that is worse takes its place.
    let ceiling: Double
    /// Whether something a little worse may be kept because it is smaller.
    private let prefersSmall: Bool
    /// A network that learnt from a mixture, if there is one.
    private(set) var distilled: Candidate?

    package init(
      kept: Candidate, whole: Candidate?, network: Candidate?, ceiling: Double, prefersSmall: Bool = true
    ) {
      (self.kept, selected) = (kept, kept)
      (self.whole, self.network, self.ceiling, self.prefersSmall) = (whole, network, ceiling, prefersSmall)
    }

    /// Adds a distilled network, or mixture of such, and keeps one of three: that, what is kept now, or the two mixed.
    ///
    /// It is that of the fewest parameters that is worse than the best of them, and than the mixture of all networks, by less than a
    /// tenth of the standard error, or where a size was given the best.
    ///
    /// - Parameter hasRoom: whether the file of a candidate is small enough.
    package mutating func add(distilled network: Candidate, hasRoom: (Candidate) -> Bool) {
      distilled = network
      let candidates = [network, kept] + [kept.mixed(with: network)].compactMap(\.self).filter(hasRoom)
      let loss = prefersSmall ? MixtureSelection.smallLoss(kept.terms) : 0
      // What is kept may have given up as much already.
      let best = candidates.map(\.nll).min() ?? kept.nll
      let least = prefersSmall ? min(best, whole?.nll ?? best) : best
      kept =
        candidates.filter { $0.nll <= min(least + loss, ceiling) }
        .min { $0.density.parameterCount < $1.density.parameterCount } ?? kept
    }
  }

  /// What a smaller file is worth: a tenth of the standard error of the validation figure.
  private static func smallLoss(_ terms: [Double]) -> Double {
    guard !terms.isEmpty else { return 0 }
    return (LikelihoodSummary(logProbabilities: terms, variableCount: 1).standardError ?? 0) / 10
  }

  /// The networks that count.
  private let networks: [DensitySearch.Network]
  /// The baselines, of which there is at least one.
  private let baselines: [Baseline]
  /// What was found before, which is not mixed with others: it may hold the same networks.
  private let earlier: Candidate?
  private let judge: Judge
  private let compaction: Compaction

  /// - Precondition: there is a baseline.
  init(
    best: DensitySearch.Network?, members: [DensitySearch.Network], baselines: [Baseline],
    earlier: Candidate?, byteLimit: Int?, judge: Judge
  ) {
    precondition(!baselines.isEmpty, "nothing was fitted")
    let best = [best].compactMap(\.self)
    // What was cut short counts if it is as good as some that were not.
    let worst = (members + best).filter(\.isComplete).map(\.nll).max() ?? .infinity
    networks = best + members.filter { $0.isComplete || $0.nll <= worst }
    self.baselines = baselines
    self.earlier = earlier
    self.judge = judge
    compaction = Compaction(judge: judge, byteLimit: byteLimit)
  }

  /// Chooses.
  func outcome() -> Outcome {
    var candidates =
      baselines.map {
        Candidate(
          name: $0.density.kind?.rawValue ?? "baseline", $0.density, terms: $0.terms, nll: $0.nll)
      } + [earlier].compactMap(\.self)
    let clock = ContinuousClock()
    let start = clock.now
    let groups = groups()
    let seconds = start.duration(to: clock.now).seconds
    var whole: Candidate?
    if groups.isEmpty {
      candidates += networks.map {
        Candidate(name: $0.recipe.description, $0.density, terms: [], nll: $0.nll)
      }
    } else {
      let path = MixturePath(groups, while: { !judge.isOver() })
      let all = candidate(path, path.whole, seconds: seconds)
      judge.found(all)
      whole = all
      if let step = step(of: path, whole: all) {
        let pruned = candidate(path, step)
        if step.levels != path.whole.levels { judge.found(pruned) }
        candidates.append(pruned)
        if let fitted = fitted(path.parts(of: step), over: pruned) {
          judge.found(fitted)
          candidates.append(fitted)
        }
      }
    }
    // What fits whatever is wanted, as was seen before the search.
    let first = candidates[0]
    let best = networks.min { $0.nll < $1.nll }
    let network = best.flatMap(timed)
    if compaction.byteLimit != nil, !groups.isEmpty {
      // The mixtures take networks in the order in which they came: where there is room for few, another one may be better.
      let small = networks.filter { compaction.couldHaveRoom($0.density) }.min { $0.nll < $1.nll }
      candidates += [small?.nll == best?.nll ? network : small.flatMap(timed)].compactMap(\.self)
    }
    var kept = bestForm(of: candidates) ?? compaction.compacted(first)
    let earlier = earlier.flatMap { compaction.hasRoom($0) ? $0 : nil }
    if let earlier, earlier.nll < kept.nll { kept = earlier }
    return Outcome(
      kept: kept, whole: whole, network: network, ceiling: earlier?.nll ?? .infinity,
      prefersSmall: compaction.byteLimit == nil)
  }
}

extension MixtureSelection {
  /// Returns the form in which the best candidate is kept that has room; nil if none has.
  ///
  /// A form may be worse than the candidate: where room asks for half precision, or a table makes an estimate exact. Then the next
  /// candidates are looked at, until one seems no better than what there is.
  private func bestForm(of candidates: [Candidate]) -> Candidate? {
    var best: (form: Candidate, before: Double)?
    for candidate in candidates.filter(\.nll.isFinite).sorted(by: { $0.nll < $1.nll }) {
      if let best, best.form.nll <= max(candidate.nll, best.before + Compaction.roundingCost) { break }
      let form = compaction.compacted(candidate)
      if compaction.hasRoom(form), form.nll < best?.form.nll ?? .infinity { best = (form, candidate.nll) }
    }
    return best?.form
  }

  /// Returns a single network with log p of the validation rows; nil if there is no time for it.
  private func timed(_ network: DensitySearch.Network) -> Candidate? {
    let clock = ContinuousClock()
    let start = clock.now
    return judge.logProbabilities(network.density).map {
      Candidate(
        name: "best network, \(network.recipe)", network.density, terms: $0,
        seconds: start.duration(to: clock.now).seconds)
    }
  }

  /// Puts networks of one order together, with the validation rows' log p; what there is no time for is left out.
  private func groups() -> [MixturePath.Group] {
    guard networks.count > 1 else { return [] }
    var groups: [MixturePath.Group] = []
    for density in Ensemble.groups(networks.map(\.density)) {
      if let ensemble = density as? Ensemble, let terms = judge.logProbabilitiesOfFirstMembers(ensemble) {
        groups.append(
          MixturePath.Group(members: ensemble.members, counts: Array(1...terms.count), terms: terms))
      } else if let terms = judge.logProbabilities(density) {
        let members = (density as? Ensemble)?.members ?? [density]
        groups.append(MixturePath.Group(members: members, counts: [members.count], terms: [terms]))
      } else {
        break
      }
    }
    return groups
  }

  private func candidate(
    _ path: MixturePath, _ step: MixturePath.Step, seconds: Double? = nil
  ) -> Candidate {
    let (count, all) = (path.networkCount(of: step), path.networkCount(of: path.whole))
    let networks = (count == all ? "" : "\(count) of ") + "\(all) networks"
    let orderCount = step.levels.count { $0 > 0 }
    let name =
      count == 1
      ? networks
      : orderCount == 1 ? "ensemble of \(networks)" : "mixture of \(orderCount) orders, \(networks)"
    return Candidate(name: name, path.density(of: step), terms: path.terms(of: step), seconds: seconds)
  }

  /// Returns the first mixture that those left out of it would improve by less than a tenth of the standard error; where a
  /// size is given, or a table of all probabilities is smaller than the whole, the best that is small enough, or nil if none is.
  private func step(of path: MixturePath, whole: Candidate) -> MixturePath.Step? {
    // A table is small and fast, however many networks it is made of.
    guard compaction.byteLimit == nil, !compaction.isSmallestAsTable(path.density(of: path.whole)) else {
      return path.steps.sorted { $0.nll < $1.nll }.first { compaction.couldHaveRoom(path.density(of: $0)) }
    }
    return path.steps.first { $0.nll <= whole.nll + Self.smallLoss(whole.terms) } ?? path.whole
  }

  /// Returns the parts and the baselines mixed with fitted weights, if that gains more than chance does.
  private func fitted(
    _ parts: [(density: any Density, terms: [Double])], over even: Candidate
  ) -> Candidate? {
    // A table among them is no smaller than what all of them are as a table.
    let hasTables = compaction.isSmallestAsTable(even.density)
    let parts =
      parts
      + baselines.filter { !$0.terms.isEmpty && (hasTables || !($0.density is TabulatedDensity)) }
      .map { ($0.density, $0.terms) }
    let terms = parts.map(\.terms)
    guard !judge.isOver() else { return nil }
    // A fitted weight is a parameter, and n parameters gain n / 2 nats by chance on the rows they are fitted to.
    let weights = Mixture.fittedWeights(terms, from: parts.map { _ in 1 / Double(parts.count) })
    let kept = weights.indices.filter { weights[$0] > 1e-4 }
    let gain =
      (even.nll - DensitySearch.nll(of: logMixture(terms, weights: weights))) * Double(even.terms.count)
    guard kept.count > 1, gain > Double(kept.count) else { return nil }
    let mixture = Mixture(kept.map { parts[$0].density }, weights: kept.map { weights[$0] })
    let mixed = logMixture(kept.map { terms[$0] }, weights: mixture.weights)
    let result = Candidate(name: "mixture of \(kept.count) parts, fitted weights", mixture, terms: mixed)
    return result.nll.isFinite && compaction.couldHaveRoom(mixture) ? result : nil
  }
}
