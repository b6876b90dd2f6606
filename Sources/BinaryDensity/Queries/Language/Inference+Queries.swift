import Essentials
import Kernels

extension Query {
  /// How probable an event is, and how that was found.
  public struct Answer: Hashable, Sendable, Codable {
    /// log p(event | condition), in nats, exact or an estimate with its error.
    public let logProbability: LogProbability
    /// How it was found.
    public let method: Method
  }

  /// An answer, or why there is none: a condition of probability zero, or what the density cannot be asked.
  public typealias Outcome = Result<Answer, DensityError>

  /// How an answer is found.
  public enum Method: Hashable, Sendable, Codable {
    /// As a sum of so many marginals, over another one of the condition; of particles, so many a marginal, if any is an
    /// estimate.
    case marginals(count: Int, particleCount: Int?)
    /// From the distribution of the number of on-bits.
    case onBitCounts
    /// As the share `hits` of so many rows drawn, of those in which the condition holds.
    case draws(hits: Int, count: Int)
  }
}

extension Inference {
  /// Answers questions.
  ///
  /// An event and a condition are sums over disjoint terms, and the answer is the quotient of two sums of marginals:
  ///
  ///     p(A | B) = Σ_{t of A and B} p(t) / Σ_{t of B} p(t)
  ///
  /// It is exact if all marginals are. Terms that several questions have in common, such as a condition, are computed
  /// once, and all estimates of a call take common draws. Counts over all variables come from the distribution of the
  /// number of on-bits where the density has it. An event of too many terms is answered by the share of rows, drawn given
  /// the condition, in which it holds: an estimate.
  /// - Returns: an answer to each; nil if `observe`, which is told the fraction done, says to stop.
  /// - Throws: `DensityError.mismatch` for a condition of probability zero; `.unsupported` for what the density cannot be
  ///   asked; what `observe` throws.
  /// - Precondition: the questions are about columns of the density.
  public func answers(
    to queries: [Query],
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [Query.Answer]? {
    guard let outcomes = try outcomes(to: queries, observing: observe) else { return nil }
    var answers: [Query.Answer] = []
    for outcome in outcomes { answers.append(try outcome.get()) }
    return answers
  }

  /// Answers questions as `answers(to:observing:)` does, each with its own error if it has no answer.
  ///
  /// - Throws: what the density cannot be asked at all, and what `observe` throws.
  public func outcomes(
    to queries: [Query],
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [Query.Outcome]? {
    if options.order == .evidenceFirst { return try evidenceFirstOutcomes(to: queries, observing: observe) }
    // Decided in the order of a chain, the terms of an event know the first of its columns.
    let positions = (density.autoregressive()?.ordering ?? .natural(count: variableCount)).positions
    var answers: [Query.Outcome?] = Array(repeating: nil, count: queries.count)
    var doneCount = 0
    var (waiting, waitingTermCount): ([(index: Int, sum: QuerySum)], Int) = ([], 0)
    func note(_ answer: Query.Outcome, to index: Int) {
      answers[index] = answer
      doneCount += 1
    }
    /// Tells that a share of some questions is answered besides those that are.
    func goesOn(_ fraction: Double = 0, of count: Int = 1) throws(DensityError) -> Bool {
      try observe((Double(doneCount) + fraction * Double(count)) / Double(queries.count))
    }
    /// Answers what waits, together.
    func settle() throws(DensityError) -> Bool {
      let found = try self.outcomes(of: waiting.map(\.sum), of: waiting.map { queries[$0.index] }) {
        (fraction) throws(DensityError) in try goesOn(fraction, of: waiting.count)
      }
      guard let found else { return false }
      for (place, answer) in zip(waiting, found) { note(answer, to: place.index) }
      (waiting, waitingTermCount) = ([], 0)
      return true
    }
    for (index, query) in queries.enumerated() {
      precondition(
        query.columns.allSatisfy { (0..<variableCount).contains($0) },
        "\(query.text) speaks of a column beyond \(variableCount)")
      if let answer = onBitCountAnswer(to: query) {
        note(answer, to: index)
      } else if let sum = querySum(of: query, positions: positions) {
        waiting.append((index, sum))
        waitingTermCount += sum.termCount
        if waitingTermCount >= termLimit, try !settle() { return nil }
      } else {
        let answer = try drawnAnswer(to: query) { (fraction) throws(DensityError) in try goesOn(fraction) }
        guard let answer else { return nil }
        note(answer, to: index)
      }
      guard try goesOn() else { return nil }
    }
    return try settle() ? answers.compactMap(\.self) : nil
  }

  /// The most terms of a question whose marginals are exact at once: fewer where so many rows of evidence would take more
  /// than 256 MiB.
  private var termLimit: Int { max(1 << 8, min(1 << 16, (1 << 30) / variableCount)) }
  /// The most terms of which each has to be enumerated or estimated.
  private static let indirectTermLimit = 256

  // MARK: Sums of marginals

  /// Returns the sums whose quotient answers a question, or nil if they are too long.
  private func querySum(of query: Query, positions: [Int]) -> QuerySum? {
    let isTabulated = variableCount <= options.tabulationLimit
    let limit = isTabulated ? 1 << variableCount : termLimit
    guard let sum = QuerySum(query, limit: limit, positions: positions) else { return nil }
    guard !isTabulated else { return sum }
    let rows = PartialRows(sum.terms, columnCount: variableCount)
    let indirect = (0..<rows.rowCount).lazy.filter { !node.isDirect(rows, row: $0) }
    return indirect.prefix(Self.indirectTermLimit + 1).count <= Self.indirectTermLimit ? sum : nil
  }

  private func outcomes(
    of sums: [QuerySum], of queries: [Query], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Query.Outcome]? {
    let termCount = sums.reduce(0) { $0 + $1.termCount }
    let answers = try refined(rowNumbers: Array(sums.indices)) {
      (indices, earlier, draws, share) throws(DensityError) in
      var (places, terms): ([QueryTerm: Int], [QueryTerm]) = ([:], [])
      for term in indices.lazy.flatMap({ sums[$0].terms }) where places[term] == nil {
        places[term] = terms.count
        terms.append(term)
      }
      var draws = draws
      draws.keys = Array(repeating: 0, count: terms.count)
      draws.enumerationSeconds /= Double(max(1, termCount))
      let evidence = PartialRows(terms, columnCount: variableCount)
      let found = try estimates(of: evidence, first: nil, draws) { (fraction) throws(DensityError) in
        try observe(share.overall(fraction))
      }
      guard let found else { return nil }
      func total(_ terms: [QueryTerm]) -> MarginalEstimate {
        let known = terms.compactMap { places[$0].map { found[$0] } }
        return known.isEmpty ? MarginalEstimate(exact: -.infinity) : .sum(known)
      }
      return indices.enumerated().map { place, index in
        let own = [total(sums[index].joint), sums[index].condition.map(total) ?? MarginalEstimate(exact: 0)]
        return Refinement(earlier.map { zip($0[place].terms, own).map { $0.merging($1) } } ?? own)
      }
    } answer: {
      Quotient($0.terms[0], $0.terms[1])
    }
    return answers?.enumerated().map { index, answer in
      guard let logProbability = answer.logProbability else {
        return .failure(.impossibleCondition(of: queries[index]))
      }
      return .success(
        Query.Answer(
          logProbability: logProbability,
          method: .marginals(count: sums[index].termCount, particleCount: answer.particleCount)))
    }
  }

  /// The quotient of two sums of marginals; no number if the second is zero.
  private struct Quotient: QueryAnswer {
    let logProbability: LogProbability?
    /// The particles of each marginal that is estimated; nil if none is.
    let particleCount: Int?

    init(_ joint: MarginalEstimate, _ condition: MarginalEstimate) {
      logProbability = condition.logMean == -.infinity ? nil : joint.answer(dividedBy: condition)
      let perBatch = max(joint.particleCount, condition.particleCount)
      particleCount = perBatch > 0 ? perBatch * MarginalEstimate.batchCount : nil
    }

    func growth(towards error: Double?) -> Double { logProbability?.growth(towards: error) ?? 1 }
  }

  /// Answers questions by a density whose order follows what is given; there is one only for each set of columns, so that
  /// sums over several make no sense.
  private func evidenceFirstOutcomes(
    to queries: [Query], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Query.Outcome]? {
    var outcomes: [Query.Outcome?] = Array(repeating: nil, count: queries.count)
    var asked: [(index: Int, target: QueryTerm, condition: QueryTerm)] = []
    for (index, query) in queries.enumerated() {
      if let target = query.event.term, let condition = (query.condition ?? .certain).term {
        asked.append((index, target, condition))
      } else {
        outcomes[index] = .failure(
          .unsupported(
            "\(query.text): with the evidence first each set of columns has a density of its own, so that event and "
              + "condition have to be cells joined by \"and\"; other events take the model's own orders"))
      }
    }
    while !asked.isEmpty {
      do throws(DensityError) {
        let found = try logConditionals(
          of: PartialRows(asked.map(\.target), columnCount: variableCount),
          given: PartialRows(asked.map(\.condition), columnCount: variableCount), observing: observe)
        guard let found else { return nil }
        for (place, answer) in zip(asked, found) {
          outcomes[place.index] = .success(
            Query.Answer(logProbability: answer, method: .marginals(count: 2, particleCount: nil)))
        }
        break
      } catch .impossibleEvidence(let row, _) {
        // The others are asked without it.
        let index = asked.remove(at: row).index
        outcomes[index] = .failure(.impossibleCondition(of: queries[index]))
      }
    }
    return outcomes.compactMap(\.self)
  }

  // MARK: Counts over all variables

  /// Answers a question about the number of on-bits from their distribution, if it is one and the density has it.
  private func onBitCountAnswer(to query: Query) -> Query.Outcome? {
    let joint = query.joint.decided()
    guard let given = (query.condition ?? .certain).term, let (term, rest) = joint,
      let range = rest.onBitCounts(besides: term, variableCount: variableCount)
    else { return nil }
    let evidence = PartialRows([term, given], columnCount: variableCount)
    guard let logTerms = node.logMarginalsByOnBitCount(of: evidence) else { return nil }
    let (top, bottom) = (logSumExp(range.map { logTerms[0][$0] }), logSumExp(logTerms[1]))
    guard bottom > -.infinity else { return .failure(.impossibleCondition(of: query)) }
    return .success(
      Query.Answer(logProbability: LogProbability(exact: min(0, top - bottom)), method: .onBitCounts))
  }
}

extension DensityError {
  /// The condition of a question has probability zero.
  static func impossibleCondition(of query: Query) -> DensityError {
    .mismatch(
      path: query.text, expected: "a condition of probability above zero", found: "one that cannot be")
  }
}
