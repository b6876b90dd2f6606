import Essentials
import Kernels

extension Inference {
  /// Completes each row by draws from p(x_unknown | x_known, Σ_i x_i = n).
  ///
  /// Exact for tractable densities and for up to 20 variables. Otherwise each by particles of its own that look ahead: how
  /// likely each value is to leave the right number of on-bits is judged by the variables' means, as if they were
  /// independent.
  /// - Parameters:
  ///   - evidence: what is known.
  ///   - onBitCount: n, known on-bits included.
  ///   - count: how many completions of each row.
  ///   - generator: gives all that is drawn.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: as `sample(given:count:method:using:observing:)`; `DensityError.impossibleEvidence` for a row that has no
  ///   completion with n on-bits.
  /// - Precondition: `count >= 1`.
  public func sample(
    given evidence: PartialRows, onBitCount: Int, count: Int = 1,
    using generator: inout some RandomNumberGenerator,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Completions? {
    precondition(count >= 1, "cannot draw \(count) completions")
    try require(evidence)
    for row in 0..<evidence.rowCount {
      let onCount = evidence.values.onBitCount(ofRow: row)
      let unknown = variableCount - evidence.known.onBitCount(ofRow: row)
      guard (onCount...onCount + unknown).contains(onBitCount) else {
        throw .impossibleEvidence(row: row, onBitCount: onBitCount)
      }
    }
    var result = CompletionBuilder(evidence, count: count)
    let seed: UInt64 = generator.next()
    if density.tractable == nil, variableCount <= options.tabulationLimit {
      guard let table = try probabilityTable(observing: observe) else { return nil }
      try result.draw(from: table, seed: seed, onBitCount: onBitCount)
      return result.completions
    }
    try checkMemory(of: "counting on-bits", bytes: 8 * Double(variableCount) * Double(onBitCount + 1))
    let means = density.tractable == nil ? try sampledMeans() : []
    let plan = CompletionPlan(options, method: .particles, seed: seed)
    let leaves = node.leaves
    // Of a leaf that knows log p(n, x_known), once for each row.
    let exact = leaves.map { leaf -> [Double]? in
      guard case .tractable(let density) = leaf.node else { return nil }
      let logs = density.logMarginalsByOnBitCount(of: evidence)
      return (0..<evidence.rowCount).map { logs[$0, onBitCount] }
    }
    let found = try mapInWaves(Array(0..<evidence.rowCount * count), observing: observe) { place in
      let row = place / count
      return Result { () throws(DensityError) in
        try leaves.draw(
          evidence.selecting([row]), onBitCount: onBitCount, exact: exact.map { $0?[row] }, means, plan, place
        )
      }
    }
    for (place, draw) in (found ?? []).enumerated() {
      guard let draw = try draw.get() else {
        throw .impossibleEvidence(row: place / count, onBitCount: onBitCount)
      }
      result.put(draw.row, at: [place])
      if let size = draw.effectiveSampleSize { result.note(effectiveSampleSize: size, ofRow: place / count) }
    }
    return found == nil ? nil : result.completions
  }

  /// How often each variable is on in some samples.
  private func sampledMeans() throws(DensityError) -> [Double] {
    var generator = Philox(seed: 0, stream: .completions, index: 1 << 40)
    let rows = try density.sample(count: 1000, using: &generator)
    return rows.columnMeans.map { ($0 * 1000 + 0.5) / 1001 }
  }
}

extension [(logWeight: Double, node: QueryNode)] {
  /// Draws one completion of n on-bits of a row: a leaf by log w_k p_k(n, x_known), or its estimate, then a row of it;
  /// nil if there is none.
  fileprivate func draw(
    _ evidence: PartialRows, onBitCount: Int, exact: [Double?], _ means: [Double], _ plan: CompletionPlan,
    _ place: Int
  ) throws(DensityError) -> (row: BinaryMatrix, effectiveSampleSize: Double?)? {
    var (logShares, filters): ([Double], [ParticleFilter?]) = ([], [])
    for (index, leaf) in enumerated() {
      if let known = exact[index] {
        logShares.append(leaf.logWeight + known)
        filters.append(nil)
      } else if case .chain(let chain) = leaf.node {
        let filter = chain.filter(
          evidence, onBitCount: onBitCount, means: means, particleCount: plan.particleCount,
          using: plan.part(index).generator(place, salt: 6))
        logShares.append(leaf.logWeight + filter.logEstimate)
        filters.append(filter)
      } else {
        throw .unsupported("a density that gives log p of whole rows alone cannot complete rows")
      }
    }
    let largest = logShares.reduce(-Double.infinity, Swift.max)
    guard largest > -.infinity else { return nil }
    var generator = plan.generator(place, salt: 7)
    let chosen = CumulativeWeights(logShares.map { exp($0 - largest) }).draw(using: &generator)
    switch self[chosen].node {
    case .chain(let chain):
      return filters[chosen]?.drawOne(using: &generator).map {
        (chain.rows([$0.values]), $0.effectiveSampleSize)
      }
    case .tractable(let density):
      let row = try density.sample(given: evidence, onBitCount: onBitCount, using: &generator)
      // Exact of this leaf; the leaf itself was chosen by an estimate, if any was one.
      return (row, filters.contains { $0 != nil } ? Double(plan.particleCount) : nil)
    case .mixture, .opaque: return nil
    }
  }
}

extension ChainQueries {
  /// Runs particles over all variables of a row, looking ahead at the number of on-bits.
  fileprivate func filter(
    _ evidence: PartialRows, onBitCount: Int, means: [Double], particleCount: Int, using generator: Philox
  ) -> ParticleFilter {
    let path = EvidencePath(values: ordering.variables.map { evidence[0, $0] })
    let lookahead = CountLookahead(
      path, means: ordering.variables.map { means[$0] },
      unknownOnCount: onBitCount - evidence.values.onBitCount(ofRow: 0))
    return ParticleFilter(
      source, path, particleCount: particleCount, using: generator, lookahead: lookahead, keepsRows: true)
  }

  /// Rows of values by position as rows of the table.
  fileprivate func rows(_ values: [[Bool]]) -> BinaryMatrix {
    BinaryMatrix(rowCount: values.count, columnCount: ordering.variables.count) {
      values[$0][ordering.positions[$1]]
    }
  }
}

/// Looks ahead at a number of on-bits: ψ_t = q(as many on-bits among the unknown variables after t as are still wanted),
/// under independent variables of given means.
final class CountLookahead: Lookahead {
  private let path: EvidencePath
  /// log q(m on-bits among the unknown variables from a position on): by position, then m.
  private let logCounts: [[Double]]
  private var position = 0
  /// How many on-bits each particle still wants among the unknown variables.
  private var wanted: [Int]
  let initialLogPotential: Double

  init(_ path: EvidencePath, means: [Double], unknownOnCount: Int) {
    self.path = path
    wanted = [unknownOnCount]
    var table = [[Double]](repeating: [], count: path.count + 1)
    table[path.count] = [0] + Array(repeating: -.infinity, count: max(0, unknownOnCount))
    for position in stride(from: path.count - 1, through: 0, by: -1) {
      let later = table[position + 1]
      guard path.values[position] == nil else {
        table[position] = later
        continue
      }
      let (on, off) = (log(means[position]), log1p(-means[position]))
      table[position] = later.indices.map { m in
        logSumExp([later[m] + off, m > 0 ? later[m - 1] + on : -.infinity])
      }
    }
    logCounts = table
    initialLogPotential = table[0][unknownOnCount]
  }

  func nextLogRatios(off: inout [Double], on: inout [Double]) {
    guard path.values[position] == nil else {
      for particle in off.indices { (off[particle], on[particle]) = (0, 0) }
      return
    }
    let (now, later) = (logCounts[position], logCounts[position + 1])
    for particle in off.indices {
      let m = wanted[particle]
      off[particle] = later[m] - now[m]
      on[particle] = m > 0 ? later[m - 1] - now[m] : -.infinity
    }
  }

  func advance(_ bits: [Bool]) {
    if path.values[position] == nil {
      for particle in bits.indices where bits[particle] { wanted[particle] -= 1 }
    }
    position += 1
  }

  func select(_ particles: [Int]) { wanted = particles.map { wanted[$0] } }
}
