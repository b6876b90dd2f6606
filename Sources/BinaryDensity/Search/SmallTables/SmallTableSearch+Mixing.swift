import Foundation
import Kernels

extension SmallTableSearch {
  /// Fits what is fitted by counting to every fold.
  func count(_ observe: (Event) -> Bool) -> [Counted] {
    var result: [Counted] = []
    func add(_ name: String, _ fit: @escaping (BinaryMatrix) throws(DensityError) -> any Density) {
      tell(.progress(phase: "counting", fraction: min(1, elapsed / budget), best: nil), observe)
      guard !isStopRequested else { return }
      let start = elapsed
      let densities = folds.parts.compactMap { try? fit($0.train) }
      guard densities.count == folds.parts.count else { return }
      let terms = folds.logProbabilities(of: densities)
      let nll = -terms.reduce(0, +) / Double(max(1, terms.count))
      let entry = Entry(name: name, kind: .baseline, validationNLL: nll, seconds: elapsed - start)
      shared.add(entry)
      result.append(Counted(logProbabilities: terms, fit: fit))
    }
    let seed = seed
    add("independent Bernoullis") { (rows) throws(DensityError) in try IndependentBernoulli.fit(to: rows) }
    if folds.whole.variableCount <= FoldTrial.pairLimit {
      add("Chow-Liu tree") { (rows) throws(DensityError) in try ChowLiuTree.fit(to: rows) }
      add("forest") { (rows) throws(DensityError) in try ChowLiuTree.forest(fittedTo: rows) }
    }
    for componentCount in [2, 5, 15, 30] where componentCount <= folds.parts[0].train.rowCount {
      add("mixture of \(componentCount) Bernoullis") { (rows) throws(DensityError) in
        try BernoulliMixture.fit(to: rows, componentCount: componentCount, seed: seed)
      }
    }
    return result
  }

  /// Mixes what there is.
  func mixed(
    _ counted: [Counted], _ trial: FoldTrial?, otherwise marginals: any Density, _ observe: (Event) -> Bool
  ) -> DensitySearch.Result {
    let start = elapsed
    let rows = folds.whole.train
    // Each candidate's log p of the held-out rows, and what it is made of, of all rows.
    var candidates: [(terms: [Double], parts: [any Density])] = []
    for counted in counted {
      if let density = try? counted.fit(rows) { candidates.append((counted.logProbabilities, [density])) }
    }
    if let trial {
      let networks = shared.state.withLock { $0.networks }.sorted { $0.key < $1.key }.map(\.value)
      let pools = networks.compactMap { members -> (any Density)? in
        let members = members.sorted { $0.number < $1.number }.map(\.density)
        let network: any Density = members.count == 1 ? members[0] : Ensemble(members)
        return (try? FoldTrial.members(fittedTo: rows, network)).map {
          FoldTrial.pool($0, weights: trial.weights)
        }
      }
      if !pools.isEmpty { candidates.append((trial.logProbabilities, pools)) }
    }
    let halves = candidates.map { $0.terms.reduce(0, +) / Double(2 * folds.repetitionCount) }
    let scale = logSumExp(halves)
    let weighted = zip(candidates, halves).flatMap { candidate, half in
      candidate.parts.map {
        Component(weight: exp(half - scale) / Double(candidate.parts.count), density: $0)
      }
    }.filter { $0.weight > 1e-6 }
    let density: any Density =
      switch weighted.count {
      case 0: marginals
      case 1: weighted[0].density
      default: Mixture(weighted.map(\.density), weights: weighted.map(\.weight))
      }
    // Without candidates, of a single row or after an interruption, the marginals stand for themselves.
    var nll = folds.parts.isEmpty ? DensitySearch.nll(marginals, rows) : .infinity
    if !candidates.isEmpty {
      let terms = logMixture(candidates.map(\.terms), weights: halves.map { exp($0 - scale) })
      nll = -terms.reduce(0, +) / Double(max(1, terms.count))
    }
    if candidates.count > 1 {
      let entry = Entry(
        name: "mixture of \(weighted.count) parts, weights by the held-out rows", validationNLL: nll,
        seconds: elapsed - start)
      shared.add(entry)
      tell(.tried(entry), observe)
    }
    let (leaderboard, trialCount) = shared.state.withLock { ($0.leaderboard, $0.started.count) }
    return DensitySearch.Result(
      density: density, validationNLL: nll, leaderboard: leaderboard, trialCount: trialCount,
      isInterrupted: isStopRequested)
  }
}
