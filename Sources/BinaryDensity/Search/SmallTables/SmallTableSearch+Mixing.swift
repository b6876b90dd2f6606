import Foundation
import Kernels

extension SmallTableSearch {
  /// Fits what is fitted by counting to every fold.
  func count(_ observe: (Event) -> Bool) -> [Counted] {
    var result: [Counted] = []
    func hasTime() -> Bool {
      tell(.progress(phase: "counting", fraction: min(1, elapsed / budget), best: nil), observe)
      return !isStopRequested && elapsed < 0.3 * budget + 1
    }
    func add(
      _ name: String,
      _ fit: @escaping (BinaryMatrix, _ goesOn: () -> Bool) throws(DensityError) -> (any Density)?
    ) {
      let start = elapsed
      var densities: [any Density] = []
      for part in folds.parts {
        guard hasTime(), let density = try? fit(part.train, hasTime) else { return }
        densities.append(density)
      }
      let terms = folds.logProbabilities(of: densities)
      shared.add(
        Entry(
          name: name, kind: .baseline, validationNLL: DensitySearch.nll(of: terms), seconds: elapsed - start))
      result.append(Counted(logProbabilities: terms, first: densities[0], fit: fit))
    }
    let seed = seed
    add("independent Bernoullis") { (rows, _) throws(DensityError) in try IndependentBernoulli.fit(to: rows) }
    if folds.whole.variableCount <= FoldTrial.pairLimit {
      add("Chow-Liu tree") { (rows, goesOn) throws(DensityError) in
        try ChowLiuTree.fit(to: rows, while: goesOn)
      }
      add("forest") { (rows, goesOn) throws(DensityError) in
        try ChowLiuTree.forest(fittedTo: rows, while: goesOn)
      }
    }
    for componentCount in [2, 5, 15, 30] where componentCount <= folds.parts[0].train.rowCount {
      add("mixture of \(componentCount) Bernoullis") { (rows, goesOn) throws(DensityError) in
        try BernoulliMixture.fit(
          to: ObservedRows(rows), componentCount: componentCount, seed: seed, while: goesOn)
      }
    }
    return result
  }

  /// Mixes what there is, by how well it does on the held-out rows that all of it has been asked about.
  func mixed(
    _ counted: [Counted], _ trial: FoldTrial?, otherwise marginals: any Density, _ observe: (Event) -> Bool
  ) -> DensitySearch.Result {
    let start = elapsed
    let all = counted.map(\.logProbabilities) + (trial.map { [$0.logProbabilities] } ?? [])
    guard let termCount = all.map(\.count).min() else {
      return result(marginals, nll: .infinity, rowCount: 0)
    }
    let terms = all.map { Array($0.prefix(termCount)) }
    let halves = terms.map { $0.reduce(0, +) / Double(2 * folds.repetitionCount) }
    let scale = logSumExp(halves)
    let weights = halves.map { exp($0 - scale) }
    // What has next to no weight is not fitted again.
    var parts: [Component] = []
    for (index, weight) in weights.enumerated() where weight > 1e-6 {
      let densities = index < counted.count ? [refitted(counted[index])] : trial.map(pools) ?? []
      parts += densities.map { Component(weight: weight / Double(densities.count), density: $0) }
    }
    let density: any Density =
      parts.count == 1
      ? parts[0].density : Mixture(parts.map(\.density), weights: parts.map(\.weight))
    let nll = DensitySearch.nll(of: logMixture(terms, weights: weights))
    if terms.count > 1 {
      let entry = Entry(
        name: "mixture of \(parts.count) part\(parts.count == 1 ? "" : "s"), weights by the held-out rows",
        validationNLL: nll, seconds: elapsed - start)
      shared.add(entry)
      tell(.tried(entry), observe)
    }
    return result(density, nll: nll, rowCount: termCount / folds.repetitionCount)
  }

  /// Returns what was fitted by counting, of all rows if there is time.
  private func refitted(_ counted: Counted) -> any Density {
    guard folds.isRefitted, !isStopRequested else { return counted.first }
    return (try? counted.fit(folds.whole.train) { true }) ?? counted.first
  }

  /// Returns the pools of a trial's recipe, one an order; if there are none of all rows, or no time, that of the first fold.
  private func pools(_ trial: FoldTrial) -> [any Density] {
    let networks = shared.state.withLock { $0.networks }.sorted { $0.key < $1.key }.map(\.value)
    guard !networks.isEmpty, !isStopRequested else { return [trial.firstPool] }
    let pools = networks.compactMap { members -> (any Density)? in
      let members = members.sorted { $0.number < $1.number }.map(\.density)
      let network: any Density = members.count == 1 ? members[0] : Ensemble(members)
      return (try? FoldTrial.members(fittedTo: folds.whole.train, network)).map {
        FoldTrial.pool($0, weights: trial.weights)
      }
    }
    return pools.isEmpty ? [trial.firstPool] : pools
  }

  func result(_ density: any Density, nll: Double, rowCount: Int) -> DensitySearch.Result {
    let (leaderboard, trialCount) = shared.state.withLock { ($0.leaderboard, $0.started.count) }
    return DensitySearch.Result(
      density: density, validationNLL: nll, validationRowCount: rowCount, leaderboard: leaderboard,
      trialCount: trialCount, isInterrupted: isStopRequested)
  }
}
