extension Distillation {
  /// How far it has come.
  struct Progress {
    private let budget: Double
    /// Whether figures are estimates.
    var isEstimated: Bool
    private let clock = ContinuousClock()
    private let start = ContinuousClock().now
    private var told = -1.0
    private var isStopped = false
    private var best: (name: String, density: any Density, nll: Double)?
    private var leaderboard: [DensitySearch.Entry] = []

    init(budget: Double, isEstimated: Bool) { (self.budget, self.isEstimated) = (budget, isEstimated) }

    /// The seconds that have passed, and are left.
    var elapsed: Double { start.duration(to: clock.now).seconds }
    var secondsLeft: Double { max(0, budget - elapsed) }
    /// Whether nothing more is to be begun: somebody has said to stop, or the time is over and there is a network.
    var isOver: Bool { isStopped || (elapsed >= budget && best != nil) }
    /// Whether a training is to end: somebody has said to stop, or the time is over and there is a network, if only the one that
    /// this training has made in its first epoch.
    func ends(hasEpoch: Bool) -> Bool { isStopped || (elapsed >= budget && (hasEpoch || best != nil)) }

    /// Tells some ten times a second that time has passed; returns whether to go on.
    mutating func tell(_ phase: String, _ observe: (DensitySearch.Event) -> Bool) -> Bool {
      guard elapsed - told >= 0.1 else { return !isStopped }
      told = elapsed
      let fraction = min(1, elapsed / max(budget, 1e-9))
      if !observe(.progress(phase: phase, fraction: fraction, best: best?.nll)) { isStopped = true }
      return !isStopped
    }

    /// Adds a network, or one that failed, or a mixture of networks.
    mutating func add(
      _ name: String, _ density: (any Density)?, nll: Double, since began: Double,
      _ observe: (DensitySearch.Event) -> Bool
    ) {
      let entry = DensitySearch.Entry(
        name: name, kind: .distilled, validationNLL: nll, seconds: elapsed - began)
      leaderboard.append(entry)
      if !observe(.tried(entry)) { isStopped = true }
      guard let density, nll < best?.nll ?? .infinity else { return }
      best = (name, density, nll)
      if !observe(.improved(density)) { isStopped = true }
    }

    var result: Result {
      Result(
        density: best?.density,
        name: best.map { "\($0.density is Mixture ? "" : "network ")distilled of it, \($0.name)" } ?? "",
        validationNLL: best?.nll ?? .infinity, validationIsEstimated: isEstimated,
        leaderboard: leaderboard.sorted { $0.validationNLL < $1.validationNLL }, isInterrupted: isStopped)
    }
  }
}
