import Essentials
import Kernels

extension SmallTableSearch {
  /// Fits what is fitted by counting to every fold.
  func count(_ observe: (Event) -> Bool) -> [Counted] {
    var result: [Counted] = []
    func hasTime() -> Bool {
      goesOn("counting", observe) && elapsed < 0.3 * budget + 1
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
      result.append(Counted(name: name, logProbabilities: terms, first: densities[0], fit: fit))
    }
    let (seed, whole) = (seed, folds.whole)
    add(whole.nameOfIndependent) { (rows, _) throws(DensityError) in whole.independent(fittedTo: rows) }
    // The others know of no groups.
    if whole.groups != nil { return result }
    if folds.whole.variableCount <= FoldTrial.pairLimit {
      add("Chow-Liu tree") { (rows, goesOn) throws(DensityError) in
        try ChowLiuTree.fit(to: rows, while: goesOn)
      }
      add("forest") { (rows, goesOn) throws(DensityError) in
        try ChowLiuTree.forest(fittedTo: rows, while: goesOn)
      }
    }
    if folds.whole.variableCount <= TabulatedDensity.variableLimit {
      add("counts of whole rows") { (rows, _) throws(DensityError) in try TabulatedDensity.fit(to: rows) }
    }
    for componentCount in [2, 5, 15, 30] where componentCount <= folds.parts[0].train.rowCount {
      add("mixture of \(componentCount) Bernoullis") { (rows, goesOn) throws(DensityError) in
        try BernoulliMixture.fit(
          to: ObservedRows(rows), componentCount: componentCount, seed: seed, while: goesOn)
      }
    }
    if folds.whole.variableCount <= FoldTrial.pairLimit {
      // Of few rows a tree has edges that are luck. This has them too, each with what else the rows allow. Of many columns it takes
      // longest, and comes last.
      add("average over parents") { (rows, goesOn) throws(DensityError) in
        guard let tree = try ChowLiuTree.fit(to: rows, while: goesOn) else { return nil }
        return try ParentAverage.fit(to: rows, along: tree.ordering)
      }
    }
    return result
  }

  // MARK: Mixing

  private typealias Candidate = MixtureSelection.Candidate
  /// A density of all rows, which candidate it is of, and the logarithm of its weight.
  private typealias Part = (candidate: Int, logWeight: Double, density: any Density)

  /// Mixes what there is, by how well it does on the held-out rows that all of it has been asked about, and keeps it in the
  /// form that takes least room.
  ///
  /// - Parameters:
  ///   - marginals: what is kept where there is nothing to mix, or no room for it; there is room for marginals.
  ///   - nll: their mean of −log p where nothing was counted.
  func mixed(
    _ counted: [Counted], _ trial: FoldTrial?, otherwise marginals: any Density, nll: Double,
    _ observe: (Event) -> Bool
  ) -> DensitySearch.Result {
    let start = elapsed
    let all = counted.map(\.logProbabilities) + (trial.map { [$0.logProbabilities] } ?? [])
    let termCount = all.map(\.count).min() ?? 0
    let terms = all.map { Array($0.prefix(termCount)) }
    // Where there was no time to ask a network about all held-out rows, all figures are of those that it was asked about.
    if all.contains(where: { $0.count > termCount }) { shared.restate(counted, ofFirst: termCount) }
    let rowCount = terms.isEmpty ? folds.whole.train.rowCount : termCount / folds.repetitionCount
    let parts = parts(counted, trial, terms, observe)
    // What is counted first are the marginals.
    let smallest = Candidate(
      name: folds.whole.nameOfIndependent, marginals, terms: counted.isEmpty ? [] : terms[0],
      nll: counted.isEmpty ? nll : nil)
    return withoutActuallyEscaping(observe) { observe in
      let compaction = Compaction(judge: judge(observe), byteLimit: room.byteLimit)
      // Where there is room for one order alone, its figure counts.
      let isOneOrder = parts.count { $0.candidate == counted.count } == 1
      let heldOut =
        isOneOrder && trial != nil
        ? counted.map(\.logProbabilities) + [trial?.firstLogProbabilities ?? []] : terms
      var mixture =
        parts.isEmpty ? smallest : mixture(of: parts, heldOut.map { Array($0.prefix(termCount)) })
      // Given validation rows are not learnt from: they tell what it is worth, with all the orders that no fold has judged.
      if !folds.isRefitted, let terms = compaction.judge.logProbabilities(mixture.density) {
        mixture = Candidate(name: mixture.name, mixture.density, terms: terms)
      }
      if terms.count > 1 {
        let entry = Entry(name: mixture.name, validationNLL: mixture.nll, seconds: elapsed - start)
        shared.add(entry)
        tell(.tried(entry), observe)
      }
      var choices = compacted(mixture, compaction)
      // Where there was no time for a table, it may be that nothing else has room.
      let hasRoom = compaction.hasRoom(choices[1])
      if !hasRoom { choices[1] = compacted(smallest, compaction)[1] }
      // Each division into folds holds a row out once, and its figures there are nearly the same.
      let standardError = (hasRoom ? mixture : smallest).standardError.map {
        $0 * Double(folds.repetitionCount).squareRoot()
      }
      return result(choices, rowCount: rowCount, standardError: standardError)
    }
  }

  /// What is believed of each candidate before held-out rows speak; the marginals come first.
  ///
  /// Few rows can hardly tell candidates apart, and the simplest one is then the safest. So half of the belief is in the marginals
  /// where there are no rows, less the more there are, and from two hundred on all candidates are alike.
  package static func beliefs(rowCount: Int, candidateCount count: Int) -> [Double] {
    let (alike, first) = (1 / Double(count), 0.5 * (1 - Double(rowCount) / 200))
    guard count > 1, first > alike else { return [Double](repeating: alike, count: count) }
    return [first] + [Double](repeating: (1 - first) / Double(count - 1), count: count - 1)
  }

  /// Returns by how much the mixture of all candidates would be worse on the held-out rows without one of them, in nats.
  package static func gain(of candidate: Int, terms: [[Double]], weights: [Double]) -> Double {
    var others = weights
    others[candidate] = 0
    let total = others.reduce(0, +)
    let without = logMixture(terms, weights: others.map { $0 / total })
    return DensitySearch.nll(of: without) - DensitySearch.nll(of: logMixture(terms, weights: weights))
  }

  /// Returns what is mixed, with weights ∝ belief · exp(½ Σ terms): what has most of it first, as far as there is room for it, and
  /// without what has next to none beside that.
  ///
  /// Networks take most of the room: where no size is given, they are left out if others have more weight and they gain less than
  /// rounding costs.
  ///
  /// Rows that have chosen among many recipes find the chosen one better than it is: what it gains there over the best of what was
  /// counted is taken from the other rows.
  private func parts(
    _ counted: [Counted], _ trial: FoldTrial?, _ terms: [[Double]], _ observe: (Event) -> Bool
  ) -> [Part] {
    let beliefs = Self.beliefs(rowCount: folds.whole.train.rowCount, candidateCount: terms.count)
    var sums = terms.map { $0.reduce(0, +) }
    let explored = trial != nil && folds.isManyRows && !isQuick ? folds.first.heldOutCount : 0
    // Where there was time for one fold alone, it is all there is.
    if explored > 0, let last = terms.last, last.count > explored {
      let rest = terms.map { $0.dropFirst(explored).reduce(0, +) }
      let best = counted.indices.max { sums[$0] < sums[$1] }
      if let best {
        sums[sums.count - 1] =
          sums[best] + (rest[rest.count - 1] - rest[best]) * Double(last.count)
          / Double(last.count - explored)
      }
    }
    let halves = zip(sums, beliefs).map { $0 / Double(2 * folds.repetitionCount) + log($1) }
    let scale = logSumExp(halves)
    var kept: [(candidate: Int, densities: [any Density])] = []
    func hasRoom(_ densities: [any Density]) -> Bool {
      let all = kept.flatMap(\.densities) + densities
      return room.holds { Self.mixed(all, logWeights: all.map { _ in 0 }) }
    }
    for index in halves.indices.sorted(by: { halves[$0] > halves[$1] }) {
      if let best = kept.first, halves[index] - halves[best.candidate] < log(1e-6) { break }
      var densities: [any Density] = []
      if index == counted.count {
        if room.byteLimit == nil, !kept.isEmpty,
          Self.gain(of: index, terms: terms, weights: halves.map { exp($0 - scale) })
            < Compaction.roundingCost
        {
          continue
        }
        // Many orders are worth more than many networks of one.
        for memberCount in (1...4).reversed() where densities.isEmpty {
          let all = trial.map { pools($0, ofMembers: memberCount, observe) } ?? []
          if memberCount > 1, !hasRoom(all) { continue }
          for pool in all where hasRoom(densities + [pool]) { densities.append(pool) }
        }
      } else if hasRoom([counted[index].first]) {
        // What is fitted to all rows may be a little larger.
        densities = [refitted(counted[index], observe)].filter { hasRoom([$0]) }
      }
      if !densities.isEmpty { kept.append((index, densities)) }
    }
    return kept.sorted { $0.candidate < $1.candidate }.flatMap { index, densities in
      densities.map { (index, halves[index] - scale - log(Double(densities.count)), $0) }
    }
  }

  private static func mixed(_ densities: [any Density], logWeights: [Double]) -> any Density {
    let scale = logSumExp(logWeights)
    return densities.count == 1
      ? densities[0] : Mixture(densities, weights: logWeights.map { exp($0 - scale) })
  }

  /// Returns the mixture of parts.
  private func mixture(of parts: [Part], _ terms: [[Double]]) -> Candidate {
    let scale = logSumExp(parts.map(\.logWeight))
    var totals = terms.map { _ in 0.0 }
    for part in parts { totals[part.candidate] += exp(part.logWeight - scale) }
    return Candidate(
      name: parts.count == 1
        ? "best by the held-out rows, of all rows"
        : "mixture of \(parts.count) parts, weights by the held-out rows",
      Self.mixed(parts.map(\.density), logWeights: parts.map(\.logWeight)),
      terms: logMixture(terms, weights: totals))
  }

  /// Returns what was fitted by counting, of all rows if there is time.
  private func refitted(_ counted: Counted, _ observe: (Event) -> Bool) -> any Density {
    guard folds.isRefitted, !isStopRequested else { return counted.first }
    return (try? counted.fit(folds.whole.train) { goesOn("mixing", observe) }) ?? counted.first
  }

  /// Returns the pools of a trial's recipe, one an order; if there are none of all rows, or no time, that of the first fold.
  ///
  /// - Parameter memberCount: how many networks an order has at the most.
  private func pools(
    _ trial: FoldTrial, ofMembers memberCount: Int, _ observe: (Event) -> Bool
  ) -> [any Density] {
    let networks = shared.state.withLock { $0.networks }.sorted { $0.key < $1.key }.map(\.value)
    let pools = networks.compactMap { members -> (any Density)? in
      guard goesOn("mixing", observe) else { return nil }
      let members = members.sorted { $0.number < $1.number }.prefix(memberCount).map(\.density)
      let network: any Density = members.count == 1 ? members[0] : Ensemble(members)
      let pooled = try? FoldTrial.members(
        fittedTo: folds.whole.train, network, averagesParents: folds.averagesParents)
      return pooled.map { FoldTrial.pool($0, weights: trial.weights) }
    }
    return pools.isEmpty ? [trial.firstPool] : pools
  }

  /// Returns what came out: what was found, and the form of it that is kept.
  private func result(
    _ choices: [Candidate], rowCount: Int, standardError: Double?
  ) -> DensitySearch.Result {
    let state = shared.state.withLock(\.self)
    let kept = choices[choices.count - 1]
    return DensitySearch.Result(
      density: kept.density, validationNLL: kept.nll, validationIsEstimated: false,
      validationStandardError: standardError,
      validationRowCount: rowCount,
      leaderboard: state.leaderboard, trialCount: state.started.count, bestRecipe: state.best?.recipe,
      choices: DensitySearch.choices(
        among: Array(zip([.mixture, .selection], choices)), kept: kept, folds.whole),
      isInterrupted: isStopRequested)
  }

  /// Returns a candidate, and the form of it that takes least room.
  ///
  /// What the form costs is seen in the rows that there are, and added to the figure of the held-out rows.
  private func compacted(_ candidate: Candidate, _ compaction: Compaction) -> [Candidate] {
    let start = elapsed
    let terms = compaction.judge.logProbabilities(candidate.density) ?? []
    let before = Candidate(name: candidate.name, candidate.density, terms: terms, seconds: elapsed - start)
    let after = compaction.compacted(before)
    func judged(_ form: Candidate) -> Candidate {
      var form = form
      form.nll += candidate.nll - before.nll
      return form
    }
    return [judged(before), judged(after)]
  }

  /// What a form is judged by, until somebody says to stop.
  private func judge(_ observe: @escaping (Event) -> Bool) -> MixtureSelection.Judge {
    let (rows, data) = (folds.whole.validation ?? folds.whole.train, folds.whole)
    let isStopped = { [self] in !goesOn("mixing", observe) }
    func logProbabilities(_ density: any Density) -> [Double]? {
      (try? density.evaluator().logProbabilities(of: rows) { (_) throws(DensityError) in !isStopped() })
        .flatMap(\.self)
    }
    return MixtureSelection.Judge(
      logProbabilities: logProbabilities, lastLogProbabilities: logProbabilities,
      logProbabilitiesOfFirstMembers: { _ in nil },
      byteCount: { DensitySearch.byteCount(of: $0, data, inHalfPrecision: $1) },
      isOver: isStopped, isStopped: isStopped, found: { _ in })
  }
}
