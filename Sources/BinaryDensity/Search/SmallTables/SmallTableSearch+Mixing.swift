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

  // MARK: Mixing

  private typealias Candidate = MixtureSelection.Candidate

  /// Mixes what there is, and keeps it in the form that takes least room.
  func mixed(
    _ counted: [Counted], _ trial: FoldTrial?, otherwise marginals: any Density, _ observe: (Event) -> Bool
  ) -> DensitySearch.Result {
    let start = elapsed
    // The marginals are counted first. Without counts, of a single row or after an interruption, they stand for themselves.
    let nll =
      counted.first.map { MixtureSelection.nll($0.logProbabilities) }
      ?? (folds.parts.isEmpty ? DensitySearch.nll(marginals, folds.whole.train) : .infinity)
    let smallest = Candidate(name: "independent Bernoullis", marginals, terms: [], nll: nll)
    let (whole, kept) = withoutActuallyEscaping(observe) { observe in
      let compaction = Compaction(judge: judge(observe), byteLimit: byteLimit)
      let candidates = candidates(counted, trial)
      let mixture = mixture(of: candidates, hasRoom: compaction.couldHaveRoom) ?? smallest
      if candidates.count > 1 {
        let entry = Entry(name: mixture.name, validationNLL: mixture.nll, seconds: elapsed - start)
        shared.add(entry)
        tell(.tried(entry), observe)
      }
      let (whole, kept) = compacted(mixture, compaction)
      // Where there was no time for a table, it may be that nothing else has room.
      return (whole, compaction.hasRoom(kept) ? kept : compacted(smallest, compaction).after)
    }
    let (leaderboard, trialCount) = shared.state.withLock { ($0.leaderboard, $0.started.count) }
    return DensitySearch.Result(
      density: kept.density, validationNLL: kept.nll, leaderboard: leaderboard, trialCount: trialCount,
      choices: DensitySearch.choices(among: [whole, kept], kept: kept, folds.whole),
      isInterrupted: isStopRequested)
  }

  /// What may be mixed: log p of the held-out rows under what the folds have made, and the same made of all rows.
  private func candidates(
    _ counted: [Counted], _ trial: FoldTrial?
  ) -> [(terms: [Double], parts: [any Density])] {
    let rows = folds.whole.train
    var result: [(terms: [Double], parts: [any Density])] = []
    for counted in counted where MixtureSelection.nll(counted.logProbabilities).isFinite {
      if let density = try? counted.fit(rows) { result.append((counted.logProbabilities, [density])) }
    }
    guard let trial, trial.nll.isFinite else { return result }
    let networks = shared.state.withLock { $0.networks }.sorted { $0.key < $1.key }.map(\.value)
    let pools = networks.compactMap { network in
      (try? FoldTrial.members(fittedTo: rows, network)).map { FoldTrial.pool($0, weights: trial.weights) }
    }
    return pools.isEmpty ? result : result + [(trial.logProbabilities, pools)]
  }

  /// Returns candidates mixed by their held-out rows, which its terms are of; if there is no room for all, the most probable
  /// parts that there is room for; nil without candidates.
  private func mixture(
    of candidates: [(terms: [Double], parts: [any Density])], hasRoom: (any Density) -> Bool
  ) -> Candidate? {
    typealias Part = (index: Int, logWeight: Double, density: any Density)
    let halves = candidates.map { $0.terms.reduce(0, +) / Double(2 * folds.repetitionCount) }
    let scale = logSumExp(halves)
    let parts = candidates.enumerated().flatMap { index, candidate in
      candidate.parts.map { density -> Part in
        (index, halves[index] - scale - log(Double(candidate.parts.count)), density)
      }
    }
    func weights(_ parts: [Part]) -> [Double] {
      let scale = logSumExp(parts.map(\.logWeight))
      return parts.map { exp($0.logWeight - scale) }
    }
    func mixed(_ parts: [Part]) -> any Density {
      parts.count == 1 ? parts[0].density : Mixture(parts.map(\.density), weights: weights(parts))
    }
    var kept = parts.filter { $0.logWeight > log(1e-6) }
    if kept.isEmpty || !hasRoom(mixed(kept)) {
      kept = []
      for part in parts.sorted(by: { $0.logWeight > $1.logWeight }) where hasRoom(mixed(kept + [part])) {
        kept.append(part)
      }
    }
    guard !kept.isEmpty else { return nil }
    var totals = candidates.map { _ in 0.0 }
    for (part, weight) in zip(kept, weights(kept)) { totals[part.index] += weight }
    return Candidate(
      name: "mixture of \(kept.count) parts, weights by the held-out rows", mixed(kept),
      terms: logMixture(candidates.map(\.terms), weights: totals))
  }

  /// Returns a candidate, and the form of it that takes least room.
  ///
  /// What the form costs is seen in the rows that there are, and added to the figure of the held-out rows.
  private func compacted(
    _ candidate: Candidate, _ compaction: Compaction
  ) -> (before: Candidate, after: Candidate) {
    let start = elapsed
    let terms = candidate.density.logProbabilities(of: folds.whole.validation ?? folds.whole.train)
    var before = Candidate(name: candidate.name, candidate.density, terms: terms, seconds: elapsed - start)
    var after = compaction.compacted(before)
    after.nll += candidate.nll - before.nll
    before.nll = candidate.nll
    return (before, after)
  }

  /// What a form is judged by, until somebody says to stop.
  private func judge(_ observe: @escaping (Event) -> Bool) -> MixtureSelection.Judge {
    let (rows, data) = (folds.whole.validation ?? folds.whole.train, folds.whole)
    return MixtureSelection.Judge(
      logProbabilities: { $0.logProbabilities(of: rows) },
      logProbabilitiesOfFirstMembers: { _ in nil },
      byteCount: { DensitySearch.byteCount(of: $0, data, inHalfPrecision: $1) },
      isOver: { [self] in
        tell(.progress(phase: "mixing", fraction: min(1, elapsed / budget), best: nil), observe)
        return isStopRequested
      }, found: { _ in })
  }
}
