import Kernels

/// A density that answers exactly whatever is asked about some of its variables.
///
///     let evidence = PartialRows(rows, knownColumns: 0..<392)
///     let tree = try ChowLiuTree.fit(to: train)
///     let conditional = tree.logProbabilities(of: rows)[0] - tree.logMarginals(of: evidence)[0]
///     let completions = try tree.sample(given: evidence, using: &generator)
///     let likeliest = try tree.modes(given: evidence)
///
/// Every figure is computed in double precision. Evidence is a `PartialRows` of `variableCount` columns everywhere;
/// other widths are a broken precondition. A row of evidence may have probability zero, or leave no row with the wanted
/// number of on-bits: then its logarithm is −∞, while there is nothing to draw and no mode, and those throw.
public protocol TractableDensity: Density {
  /// Returns log p(x_known) of each row, in nats; 0, but for rounding, where nothing is known.
  func logMarginals(of evidence: PartialRows) -> [Double]

  /// Completes each row by an exact draw from p(x_unknown | x_known).
  ///
  /// - Throws: `DensityError.impossibleEvidence` if a row of evidence has probability zero.
  func sample(
    given evidence: PartialRows, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix

  /// Returns the most probable completion of each row.
  ///
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - nodeLimit: the most nodes that are visited for a row, where modes have to be searched for. The search then ends
  ///     with the best completion found and a bound on all of them, not proved (see `Modes`).
  /// - Throws: `DensityError.impossibleEvidence` if a row of evidence has probability zero.
  /// - Precondition: `nodeLimit >= 0`.
  func modes(given evidence: PartialRows, nodeLimit: Int) throws(DensityError) -> Modes

  /// Returns log p(Σ_i x_i = n, x_known) of each row, in nats, for n = 0 … D: B × (D + 1).
  ///
  /// The exponentials of a row sum to p(x_known).
  func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double>

  /// Completes each row by an exact draw from p(x_unknown | x_known, Σ_i x_i = n).
  ///
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - onBitCount: n, known on-bits included.
  ///   - generator: gives 64 random bits; every row's draw follows from them and from the row's index.
  /// - Throws: `DensityError.impossibleEvidence` if a row of evidence has no completion with n on-bits, or none of
  ///   probability above zero.
  func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix
}

extension TractableDensity {
  /// Returns the most probable completion of each row, visiting at most a million nodes a row where it has to search.
  ///
  /// - Throws: `DensityError.impossibleEvidence` if a row of evidence has probability zero.
  public func modes(given evidence: PartialRows) throws(DensityError) -> Modes {
    try modes(given: evidence, nodeLimit: 1_000_000)
  }
}

/// The most probable completions of rows, or the best that were found.
public struct Modes: Hashable, Sendable {
  /// The completions.
  public let rows: BinaryMatrix
  /// log p of each completion, known cells included, in nats.
  public let logProbabilities: [Double]
  /// What log p of no completion of each row exceeds; equal to `logProbabilities` where that is proved to be the largest.
  public let logBounds: [Double]

  /// Creates modes, or the best rows found with bounds on all others.
  ///
  /// - Precondition: there are a log-probability and a bound for each row, and no bound is below its log-probability.
  public init(rows: BinaryMatrix, logProbabilities: [Double], logBounds: [Double]) {
    precondition(
      logProbabilities.count == rows.rowCount && logBounds.count == rows.rowCount,
      "\(logProbabilities.count) log-probabilities and \(logBounds.count) bounds of \(rows.rowCount) rows")
    precondition(
      zip(logProbabilities, logBounds).allSatisfy { $0 <= $1 }, "a bound is below its row's log-probability")
    self.rows = rows
    self.logProbabilities = logProbabilities
    self.logBounds = logBounds
  }

  /// Whether no completion of a row is more probable than the one given, but for rounding.
  public func isProved(_ row: Int) -> Bool { logProbabilities[row] == logBounds[row] }
  /// Whether that holds for all rows.
  public var areProved: Bool { logProbabilities == logBounds }
}

extension PartialRows {
  /// Stops unless the rows have a density's number of columns.
  func require(_ variableCount: Int) {
    precondition(
      columnCount == variableCount, "the evidence has \(columnCount) columns, not \(variableCount)")
  }

  /// Returns what `body` makes of each row, on all threads; equal rows are prepared once.
  ///
  /// - Parameters:
  ///   - prepare: is given a row's known values.
  ///   - body: is given what has been prepared, and the index of a row.
  func map<Prepared, Result: Sendable>(
    preparing prepare: @Sendable ([Bool?]) -> Prepared, _ body: @Sendable (Prepared, Int) -> Result
  ) -> [Result] {
    let groups = groupsOfEqualRows()
    let results = Threads.map(count: groups.count) { index in
      let prepared = prepare(self[row: groups[index][0]])
      return groups[index].map { body(prepared, $0) }
    }
    var places = Array(repeating: 0, count: rowCount)
    for (place, row) in groups.joined().enumerated() { places[row] = place }
    let flat = results.flatMap { $0 }
    return places.map { flat[$0] }
  }

  /// Completes each row by a draw with random numbers of its own; `draw` returns nil where nothing can be drawn.
  func complete<Prepared>(
    onBitCount: Int? = nil, using generator: inout some RandomNumberGenerator,
    preparing prepare: @Sendable ([Bool?]) -> Prepared,
    draw: @Sendable (Prepared, inout Philox) -> [Bool]?
  ) throws(DensityError) -> BinaryMatrix {
    let seed: UInt64 = generator.next()
    let rows = map(preparing: prepare) { prepared, row in
      var generator = Philox(seed: seed, stream: UInt64(row))
      return draw(prepared, &generator)
    }
    if let row = rows.firstIndex(where: { $0 == nil }) {
      throw .impossibleEvidence(row: row, onBitCount: onBitCount)
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { rows[$0]?[$1] ?? false }
  }

  /// Returns the modes of rows; `find` returns nil where there is none.
  func modes(
    _ find: @Sendable ([Bool?]) -> (row: [Bool], logProbability: Double, logBound: Double)?
  ) throws(DensityError) -> Modes {
    let found = map(preparing: find) { mode, _ in mode }
    if let row = found.firstIndex(where: { $0 == nil }) {
      throw .impossibleEvidence(row: row, onBitCount: nil)
    }
    return Modes(
      rows: BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { found[$0]?.row[$1] ?? false },
      logProbabilities: found.map { $0?.logProbability ?? 0 }, logBounds: found.map { $0?.logBound ?? 0 })
  }
}
