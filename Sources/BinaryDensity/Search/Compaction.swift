/// Gives a density the form that takes least room: parameters in half precision where that costs less than 0.001 nats, and
/// the table of its own probabilities where that is smaller.
///
/// This is done whether or not there is time left: it takes some moments more, and a table of 65536 rows some seconds.
struct Compaction {
  typealias Candidate = MixtureSelection.Candidate

  /// What rounding to half precision may cost, in nats.
  static let roundingCost = 0.001

  let judge: MixtureSelection.Judge
  /// The largest file, in bytes.
  let byteLimit: Int?

  /// Returns the smallest form of a candidate that costs next to nothing.
  func compacted(_ candidate: Candidate) -> Candidate {
    let halved = rounded(candidate)
    let count = candidate.density.variableCount
    guard canBeTabulated(candidate.density), let zeros = TabulatedDensity.zeros(variableCount: count),
      judge.byteCount(zeros, true) < size(halved),
      let table = try? TabulatedDensity(
        tabulating: candidate.density, observing: { (_) throws(DensityError) in !judge.isStopped() }),
      let terms = judge.lastLogProbabilities(table)
    else { return halved }
    let tabulated = rounded(
      Candidate(name: "\(candidate.name), as a table of \(1 << count) probabilities", table, terms: terms))
    return size(tabulated) < size(halved) ? tabulated : halved
  }

  /// Whether a table of its probabilities is smaller than a density, in half precision.
  func isSmallestAsTable(_ density: any Density) -> Bool {
    guard canBeTabulated(density), let zeros = TabulatedDensity.zeros(variableCount: density.variableCount)
    else { return false }
    return judge.byteCount(zeros, true) < judge.byteCount(density, true)
  }

  /// Whether the file of a candidate is small enough.
  func hasRoom(_ candidate: Candidate) -> Bool { byteLimit.map { size(candidate) <= $0 } ?? true }

  /// Whether that of a density is in half precision, or as a table.
  func couldHaveRoom(_ density: any Density) -> Bool {
    guard let byteLimit else { return true }
    if judge.byteCount(density, true) <= byteLimit { return true }
    guard canBeTabulated(density), let zeros = TabulatedDensity.zeros(variableCount: density.variableCount)
    else { return false }
    return judge.byteCount(zeros, true) <= byteLimit
  }

  /// Whether a table of its probabilities says all that a density does: to a table no row is impossible, so it keeps no
  /// groups of columns.
  private func canBeTabulated(_ density: any Density) -> Bool { density.keptGroups == nil }

  private func size(_ candidate: Candidate) -> Int { judge.byteCount(candidate.density, false) }

  /// Returns a candidate in half precision where that costs little, or has to be.
  private func rounded(_ candidate: Candidate) -> Candidate {
    guard let density = (try? candidate.density.inHalfPrecision()).flatMap(\.self) else { return candidate }
    let isNeeded = !hasRoom(candidate)
    let clock = ContinuousClock()
    let start = clock.now
    guard let terms = judge.lastLogProbabilities(density) else {
      return isNeeded
        ? Candidate(name: candidate.name, density, terms: candidate.terms, nll: candidate.nll) : candidate
    }
    let seconds = start.duration(to: clock.now).seconds
    let half = Candidate(
      name: "\(candidate.name), half precision", density, terms: terms, seconds: seconds)
    return isNeeded || half.nll - candidate.nll < Self.roundingCost ? half : candidate
  }
}
