import Kernels

extension DensitySearch {
  /// One of the densities that there were in the end.
  public struct Choice: Sendable {
    /// What it is to the others.
    public enum Kind: String, Sendable {
      /// The best single network.
      case network
      /// The mixture of all that was worth mixing.
      case mixture
      /// What is left of it where size counts too.
      case selection
      /// A network, or one an order, that learnt from the mixture.
      case distilled
    }

    /// What it is to the others.
    public let kind: Kind
    /// What it is.
    public let name: String
    /// The density.
    public let density: any Density
    /// The mean of −log p over the validation rows, in nats.
    public let validationNLL: Double
    /// The size of its file, but for the record of the search and what it was made of, where there is room for them.
    public let byteCount: Int
    /// How many rows' log p it computes in a second, if that was timed.
    public let rowsPerSecond: Double?
    /// Whether it was chosen.
    public let isChosen: Bool
    /// Whether its figure is an estimate, for cells of the validation rows are missing.
    public let isEstimated: Bool

    /// Creates a choice.
    public init(
      _ kind: Kind, name: String, _ density: any Density, validationNLL: Double, byteCount: Int,
      rowsPerSecond: Double?, isChosen: Bool, isEstimated: Bool = false
    ) {
      self.kind = kind
      self.name = name
      self.density = density
      self.validationNLL = validationNLL
      self.byteCount = byteCount
      self.rowsPerSecond = rowsPerSecond
      self.isChosen = isChosen
      self.isEstimated = isEstimated
    }
  }

  /// Mixes what there is, and keeps what does best on the validation rows.
  ///
  /// - Parameter earlier: what a search that goes on had found, if it had.
  func finished(earlier: MixtureSelection.Candidate? = nil, _ observe: (Event) -> Bool) -> Result {
    let start = clock.now
    let (unordered, best) = shared.state.withLock { ($0.members, $0.best) }
    // In whatever order they came.
    let members = unordered.sorted { ($0.order, $0.number) < ($1.order, $1.number) }
    var outcome = withoutActuallyEscaping(observe) { observe in
      MixtureSelection(
        best: best, members: members, baselines: baselines, earlier: earlier, byteLimit: byteLimit,
        judge: judge(observe) { [self] candidate in
          let entry = Entry(
            name: candidate.name, validationNLL: candidate.nll,
            seconds: start.duration(to: clock.now).seconds)
          shared.state.withLock { $0.add(entry) }
          tell(.tried(entry), observe)
        }
      ).outcome()
    }
    // Nothing is smaller and faster than a table.
    if !isOver, shared.state.withLock({ schedule.distils($0) }), outcome.whole != nil,
      !(outcome.kept.density is TabulatedDensity),
      let network = distilled(outcome, observe)
    {
      outcome.add(distilled: network) { candidate in
        byteLimit.map {
          Self.byteCount(of: candidate.density, data, inHalfPrecision: false) <= $0
        } ?? true
      }
    }
    let kept = exact(outcome.kept, observe)
    let state = shared.state.withLock(\.self)
    return Result(
      density: kept.density, validationNLL: kept.nll, validationIsEstimated: kept.isEstimated,
      validationStandardError: kept.standardError,
      validationRowCount: (data.validation ?? data.train).rowCount, leaderboard: state.leaderboard,
      trialCount: state.trials.count, bestRecipe: state.best?.recipe,
      choices: Self.choices(
        among: [
          (.network, outcome.network), (.mixture, outcome.whole), (.selection, outcome.selected),
          (.distilled, outcome.distilled), (.selection, kept),
        ], kept: kept, data),
      isInterrupted: isStopRequested)
  }

  /// Returns what is kept with its exact figure, if that is an estimate and all probabilities can be tabulated.
  private func exact(
    _ kept: MixtureSelection.Candidate, _ observe: (Event) -> Bool
  ) -> MixtureSelection.Candidate {
    var kept = kept
    kept.isEstimated = Self.isEstimate(kept.density, data)
    guard kept.isEstimated else { return kept }
    let terms = try? Self.exactLogProbabilities(of: kept.density, data) { (_) throws(DensityError) in
      isWaitedFor(observe)
    }
    if let terms = terms.flatMap(\.self) {
      (kept.terms, kept.nll, kept.isEstimated) = (terms, Self.nll(of: terms), false)
    }
    return kept
  }

  /// Returns what there is to choose from, once each.
  static func choices(
    among candidates: [(Choice.Kind, MixtureSelection.Candidate?)], kept: MixtureSelection.Candidate,
    _ data: DataSplits
  ) -> [Choice] {
    var choices: [Choice] = []
    for case (let kind, let candidate?) in candidates
    where !choices.contains(where: { $0.name == candidate.name }) {
      let isKept = candidate.name == kept.name
      choices.append(
        Choice(
          kind, name: candidate.name, candidate.density, validationNLL: isKept ? kept.nll : candidate.nll,
          byteCount: byteCount(of: candidate.density, data, inHalfPrecision: false),
          rowsPerSecond: candidate.rowsPerSecond, isChosen: isKept,
          isEstimated: isKept ? kept.isEstimated : isEstimate(candidate.density, data)))
    }
    return choices
  }

  /// Trains a network, or one an order, on what the mixture knows, in the time that is left; nil if there is too little.
  private func distilled(
    _ outcome: MixtureSelection.Outcome, _ observe: (Event) -> Bool
  ) -> MixtureSelection.Candidate? {
    let left = budget - began.duration(to: clock.now).seconds - 0.01 * (budget - used)
    let whole = outcome.whole ?? outcome.kept
    // What is kept may have had to be small.
    let selection = byteLimit == nil ? outcome.kept : whole
    let source = Distillation.source(
      of: selection.density, rowsPerSecond: whole.rowsPerSecond, for: data, budget: left)
    guard left > 0,
      let distillation = try? Distillation(
        of: whole.density, drawingFrom: source, data, budget: .seconds(left), seed: seed,
        parameterLimit: whole.density.parameterCount / 10, byteLimit: byteLimit,
        recipe: shared.state.withLock { $0.best?.recipe })
    else { return nil }
    let result = try? distillation.run { event in
      switch event {
      case .tried(let entry):
        let entry = Entry(
          name: "distilled: \(entry.name)", kind: .distilled, validationNLL: entry.validationNLL,
          seconds: entry.seconds)
        shared.state.withLock { $0.add(entry) }
        tell(.tried(entry), observe)
      case .progress: tell(.progress(phase: "distilling", fraction: fraction, best: nil), observe)
      case .improved, .unsaved, .lost: break
      }
      return !isStopRequested
    }
    guard let result, let density = result.density else { return nil }
    let start = clock.now
    return lastLogProbabilities(of: density, observe).map {
      MixtureSelection.Candidate(
        name: result.name, density, terms: $0, seconds: start.duration(to: clock.now).seconds)
    }
  }

  /// What a selection is made by: the validation rows, and the time that is left.
  private func judge(
    _ observe: @escaping (Event) -> Bool, found: @escaping (MixtureSelection.Candidate) -> Void
  ) -> MixtureSelection.Judge {
    MixtureSelection.Judge(
      logProbabilities: { [self] in logProbabilities(of: $0, observe) },
      lastLogProbabilities: { [self] in lastLogProbabilities(of: $0, observe) },
      logProbabilitiesOfFirstMembers: { [self] ensemble in
        guard data.partialRows(.validation) == nil else { return nil }
        let terms = try? ensemble.logProbabilitiesOfFirstMembers(of: data.validation ?? data.train) {
          (_) throws(DensityError) in goesOn(observe)
        }
        return terms.flatMap(\.self)
      },
      byteCount: { [data] in Self.byteCount(of: $0, data, inHalfPrecision: $1) },
      isOver: { [self] in isOver },
      isStopped: { [self] in !isWaitedFor(observe) }, found: found)
  }

  // MARK: Size

  /// The size of the file of a model of a table, in bytes, without what a small file has no room for.
  static func byteCount(of model: any Density, _ data: DataSplits, inHalfPrecision: Bool) -> Int {
    var checkpoint = Checkpoint(model: model, data)
    checkpoint.provenance = nil
    return (try? checkpoint.byteCount(inHalfPrecision: inHalfPrecision)) ?? .max
  }

  /// Makes sure that there is a model small enough: that of independent variables, or groups of them, in half precision is
  /// the smallest.
  ///
  /// - Throws: `DensityError.invalidConfiguration`, which says how large that is.
  static func checkRoom(for data: DataSplits, in byteLimit: Int) throws(DensityError) {
    let model = data.independent(fittedTo: BinaryMatrix(rowCount: 0, columnCount: data.variableCount))
    let smallest = byteCount(of: model, data, inHalfPrecision: true)
    guard byteLimit < smallest else { return }
    throw .invalidConfiguration(
      "\(data.name): no model fits into \(byteLimit) bytes; the smallest takes \(smallest)")
  }
}
