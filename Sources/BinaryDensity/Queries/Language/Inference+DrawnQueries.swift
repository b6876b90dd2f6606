import Essentials
import Kernels

extension Inference {
  /// Answers a question by rows drawn given its condition, or drawn at all and kept where the condition holds.
  ///
  /// A condition that comes late in the order is met by particles, more of them for each of fewer draws; where these are
  /// worth few the draws are biased, which no number of draws mends, and the answer is not trusted.
  /// - Returns: nil if `observe` said to stop.
  func drawnAnswer(
    to query: Query, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Query.Outcome? {
    var generator = Philox(seed: options.seed, stream: .completions)
    let given = (query.condition ?? .certain).term
    let condition = given == nil ? query.condition : nil
    let evidence = PartialRows([given ?? QueryTerm()], columnCount: variableCount)
    var share = DrawnShare()
    do throws(DensityError) {
      guard
        try draw(
          evidence, &generator, into: &share, observing: observe,
          { row in
            guard condition?.isTrue(of: row) ?? true else { return nil }
            return query.event.isTrue(of: row)
          })
      else { return nil }
    } catch .impossibleEvidence {
      return .failure(.impossibleCondition(of: query))
    }
    guard share.count > 0 else {
      return .failure(
        .mismatch(
          path: query.text, expected: "a condition that some rows satisfy",
          found: "none in \(share.drawCount) draws"))
    }
    return .success(
      Query.Answer(logProbability: share.answer, method: .draws(hits: share.hitCount, count: share.count)))
  }

  /// Draws rows until their share is known well enough, or more of them do not help; false if `observe` said to stop.
  ///
  /// - Parameter holds: whether the event holds for a row of given values; nil where the condition does not.
  private func draw(
    _ evidence: PartialRows, _ generator: inout Philox, into share: inout DrawnShare,
    observing observe: (Double) throws(DensityError) -> Bool, _ holds: ((Int) -> Bool) -> Bool?
  ) throws(DensityError) -> Bool {
    var (source, length, limit) = (self, 256, options.particleLimit)
    guard let probe = try sample(given: evidence, using: &generator, observing: observe) else { return false }
    if !probe.areExact {
      source = with {
        $0.particleCount = max($0.particleCount, 8 * 1024)
        $0.particleLimit = max($0.particleLimit, $0.particleCount)
      }
      (length, limit) = (16, max(1, options.particleLimit / 64))
    }
    repeat {
      for batch in 0..<MarginalEstimate.batchCount {
        let done = min(1, Double(share.drawCount) / Double(limit))
        let drawn = try source.sample(given: evidence, count: length, using: &generator) {
          (_) throws(DensityError) in try observe(done)
        }
        guard let drawn else { return false }
        for row in 0..<drawn.rows.rowCount {
          if let isHit = holds({ drawn.rows[row, $0] }) { share.note(isHit, batch: batch) }
        }
        share.drawCount += length
        share.leastSize = min(share.leastSize, drawn.effectiveSampleSizes[0] ?? .infinity)
      }
    } while share.drawCount < limit && share.isWorthMore
      && share.answer.growth(towards: options.targetError ?? 0.02) > 1
    return true
  }
}

/// In how many of some drawn rows an event holds, batch by batch.
private struct DrawnShare {
  /// The rows drawn.
  var drawCount = 0
  /// The least that the particles of a draw are worth; infinite where draws are exact.
  var leastSize = Double.infinity
  private var hits = Array(repeating: 0, count: MarginalEstimate.batchCount)
  private var counts = Array(repeating: 0, count: MarginalEstimate.batchCount)

  /// Whether draws are near enough to p that more of them help.
  var isWorthMore: Bool { leastSize >= 32 }

  /// Counts a row that the condition holds for.
  mutating func note(_ isHit: Bool, batch: Int) {
    counts[batch] += 1
    if isHit { hits[batch] += 1 }
  }

  var hitCount: Int { hits.reduce(0, +) }
  var count: Int { counts.reduce(0, +) }

  /// The logarithm of the share.
  ///
  ///     Var log p̂ ≈ (1 − p) / (p · draws)   or   Var_β (p̂_β / p̂) / batches,   whichever is larger
  ///
  /// The first, by the rule of succession, is not zero where all draws agree.
  var answer: LogProbability {
    let draws = Double(count)
    guard hitCount > 0 else {
      return LogProbability(
        value: -.infinity, certainty: .estimate(standardError: .infinity, effectiveSampleSize: draws),
        isTrusted: false, lowerBound: nil)
    }
    let share = Double(hitCount) / Double(count)
    let smoothed = (share * draws + 1) / (draws + 2)
    let batchCount = Double(MarginalEstimate.batchCount)
    let mean = Double(count) / batchCount
    let squares = zip(hits, counts).reduce(0) { sum, batch in
      let difference = (Double(batch.0) - share * Double(batch.1)) / (share * mean)
      return sum + difference * difference
    }
    let error = max(
      ((1 - smoothed) / (smoothed * max(1, draws))).squareRoot(),
      (squares / (batchCount - 1) / batchCount).squareRoot())
    return LogProbability(
      value: log(share), certainty: .estimate(standardError: error, effectiveSampleSize: draws),
      isTrusted: isWorthMore && error * batchCount.squareRoot() < MarginalEstimate.trustedScatter,
      lowerBound: leastSize == .infinity ? log(share) - log(20) : nil)
  }
}
