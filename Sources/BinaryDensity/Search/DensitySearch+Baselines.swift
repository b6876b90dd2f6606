import Kernels

extension DensitySearch {
  /// Fits the baselines, of which the first is there whatever happens.
  ///
  /// Of groups of columns that are to be kept, independent groups are the only one: a tree, or a mixture of Bernoullis, would
  /// give rows that break them a probability, and so would any mixture with it. Nor is a tree fitted whose counts of pairs would
  /// take more than an eighth of the memory.
  func addBaselines(_ observe: (Event) -> Bool) {
    let start = clock.now
    baselines = []
    func report() { tell(.progress(phase: "fitting baselines", fraction: fraction, best: nil), observe) }
    /// Whether there is still time for the baselines.
    func hasTime(_ share: Double) -> Bool {
      report()
      return !isStopRequested && start.duration(to: clock.now).seconds < share * budget + 1
    }
    func add(_ name: String, _ fit: () throws(DensityError) -> (any Density)?) {
      report()
      guard !isStopRequested || baselines.isEmpty else { return }
      let start = clock.now
      guard let density = try? fit(), let terms = logProbabilities(of: density, observe) else { return }
      let nll = Self.nll(of: terms)
      guard nll.isFinite else { return }
      let entry = Entry(
        name: name, kind: .baseline, validationNLL: nll, seconds: start.duration(to: clock.now).seconds)
      shared.state.withLock { $0.add(entry) }
      baselines.append((density, nll, terms))
    }
    guard let train = ObservedRows(data, .train) else { preconditionFailure("there are no training rows") }
    func independent() throws(DensityError) -> any Density {
      data.groups == nil ? try IndependentBernoulli.fit(to: train) : data.independent(fittedTo: data.train)
    }
    add(data.nameOfIndependent) { () throws(DensityError) in try independent() }
    if baselines.isEmpty, let density = try? independent() {
      // Told to stop at once: something is to be kept all the same.
      baselines = [(density, .infinity, [])]
    }
    guard data.groups == nil else { return }
    add("Chow-Liu tree") { () throws(DensityError) in
      try ChowLiuTree.fit(to: train, memoryShare: 0.125, while: { hasTime(0.1) })
    }
    // Sums over the rows that missing cells allow would take long.
    if data.variableCount <= TabulatedDensity.variableLimit, train.missing == nil,
      data.partialRows(.validation) == nil
    {
      add("counts of whole rows") { () throws(DensityError) in try TabulatedDensity.fit(to: data.train) }
    }
    // A wide row costs a component no more than what is on, and a network all columns: there mixtures go far before it begins.
    let mixtures =
      data.variableCount > Self.wideColumnCount ? [(30, 0.15), (100, 0.25), (300, 0.4)] : [(30, 0.05)]
    for (componentCount, share) in mixtures {
      add("mixture of \(componentCount) Bernoullis") { () throws(DensityError) in
        try BernoulliMixture.fit(
          to: train.limited(to: Self.mixedRowLimit, seed: seed), validation: ObservedRows(data, .validation),
          componentCount: componentCount, seed: seed, while: { hasTime(share) })
      }
    }
  }

  /// More columns than these make wide rows.
  private static let wideColumnCount = 4096

  /// To how many rows mixtures of Bernoullis are fitted at the most: some hundred numbers a column need no more.
  private static let mixedRowLimit = 1 << 18
}
