import Essentials
import Kernels

/// How a density is asked about some of its variables: by the first of its capabilities that answers.
indirect enum QueryNode: Sendable {
  /// Every marginal is exact.
  case tractable(any TractableDensity)
  /// Σ_k w_k p_k: marginals add up; a conditional is their quotient, never a mean of conditionals.
  case mixture(logWeights: [Double], [QueryNode])
  /// A cursor along an order.
  case chain(ChainQueries)
  /// Log p of whole rows alone.
  case opaque(any Density)

  init(of density: any Density) {
    if let tractable = density.tractable {
      self = .tractable(tractable)
    } else if let components = density.components {
      self = .mixture(
        logWeights: components.map { log($0.weight) }, components.map { QueryNode(of: $0.density) })
    } else if let chain = density.autoregressive() {
      self = .chain(ChainQueries(chain))
    } else {
      self = .opaque(density)
    }
  }

  /// The uniform mixture of an order-agnostic network's densities along some orders; they share its weights.
  static func mixture(of eonade: EoNADE, along orders: [Ordering]) -> QueryNode {
    let plan = Lazy { eonade.cursorPlan() }
    let chains = orders.map { order in
      QueryNode.chain(
        ChainQueries(ordering: order) { EoNADE.cursorSource(along: order) { plan.value } })
    }
    guard chains.count > 1 else { return chains[0] }
    return .mixture(logWeights: chains.map { _ in -log(Double(chains.count)) }, chains)
  }

  /// Whether p of a row's evidence is exact without enumeration.
  func isDirect(_ evidence: PartialRows, row: Int) -> Bool {
    switch self {
    case .tractable: true
    case .mixture(_, let parts): parts.allSatisfy { $0.isDirect(evidence, row: row) }
    case .chain(let chain): EvidencePath(evidence, row: row, along: chain.ordering).isPrefix
    case .opaque: evidence.known.onBitCount(ofRow: row) == evidence.columnCount
    }
  }
}

/// What a call of `QueryNode.estimates` may spend, and which random numbers it takes.
struct FilterDraws: Sendable {
  /// The seed; each component of a mixture has one that follows from it.
  var seed: UInt64
  /// Which filters of each batch are run; those before have been.
  var filters: Range<Int>
  /// The particles of a filter.
  var particleCount: Int
  /// Whether filters look ahead by shifts learnt from pilots.
  var areTilted = false
  /// The longest enumeration, in seconds.
  var enumerationSeconds: Double
  /// Rows of equal keys share their random numbers; nil gives each row its own, by its number.
  var keys: [Int]?

  func part(_ index: Int) -> FilterDraws {
    var part = self
    part.seed = seed &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    return part
  }

  func selecting(_ rows: [Int]) -> FilterDraws {
    var selected = self
    selected.keys = rows.map { keys?[$0] ?? $0 }
    return selected
  }

  /// The number of the first pilot: these have the last numbers that there are.
  static let pilotNumber = 0x1FFFF

  /// The generator of one filter.
  func generator(row: Int, batch: Int, filter: Int) -> Philox {
    let key = UInt64(truncatingIfNeeded: keys?[row] ?? row) & 0x3FF_FFFF
    let index = (key << 22) | UInt64(batch << 17 | filter & 0x1FFFF)
    return Philox(seed: seed, stream: .particles, index: index)
  }
}

extension QueryNode {
  /// Returns log p of each row's evidence, exactly or by batches of filters; nil if `observe` said to stop.
  ///
  /// - Throws: `DensityError.unsupported` if a part of the density can only be asked about whole rows.
  func estimates(
    of evidence: PartialRows, _ draws: FilterDraws,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [MarginalEstimate]? {
    switch self {
    case .tractable(let density):
      return density.logMarginals(of: evidence).map { MarginalEstimate(exact: $0) }
    case .mixture(let logWeights, let parts):
      var terms: [[MarginalEstimate]] = []
      for (index, part) in parts.enumerated() {
        let term = try part.estimates(of: evidence, draws.part(index)) { (fraction) throws(DensityError) in
          try observe((Double(index) + fraction) / Double(parts.count))
        }
        guard let term else { return nil }
        terms.append(term)
      }
      return (0..<evidence.rowCount).map { row in
        MarginalEstimate.sum(terms.map { $0[row] }, logWeights: logWeights)
      }
    case .chain(let chain): return try chain.estimates(of: evidence, draws, observing: observe)
    case .opaque(let density):
      for row in 0..<evidence.rowCount where !isDirect(evidence, row: row) {
        throw .unsupported(
          "a density of type \(type(of: density)) gives log p of whole rows alone; marginals take conditionals "
            + "along an order, components, or a tractable density")
      }
      return density.logProbabilities(of: evidence.values).map { MarginalEstimate(exact: $0) }
    }
  }
}

extension ChainQueries {
  fileprivate func estimates(
    of evidence: PartialRows, _ draws: FilterDraws,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [MarginalEstimate]? {
    let paths = (0..<evidence.rowCount).map { EvidencePath(evidence, row: $0, along: ordering) }
    var result = Array(repeating: MarginalEstimate(exact: 0), count: paths.count)
    let direct = paths.indices.filter { paths[$0].isPrefix }
    guard let exact = try prefixLogProbabilities(direct.map { paths[$0] }, observing: observe) else {
      return nil
    }
    for (row, value) in zip(direct, exact) { result[row] = MarginalEstimate(exact: value) }
    var estimated: [Int] = []
    // Rows that know the same are enumerated once.
    var enumerated: [EvidencePath: MarginalEstimate] = [:]
    for row in paths.indices where !paths[row].isPrefix {
      if let known = enumerated[paths[row]] {
        result[row] = known
        continue
      }
      guard isEnumerable(paths[row], seconds: draws.enumerationSeconds) else {
        estimated.append(row)
        continue
      }
      guard let terms = try assignments(of: paths[row], observing: observe) else { return nil }
      result[row] = MarginalEstimate(exact: logSumExp(terms))
      enumerated[paths[row]] = result[row]
    }
    guard !estimated.isEmpty else { return result }
    let found = try filter(estimated.map { paths[$0] }, draws.selecting(estimated), observing: observe)
    guard let found else { return nil }
    for (row, estimate) in zip(estimated, found) { result[row] = estimate }
    return result
  }

  /// Whether the unknown variables before the last known one are few enough for their assignments to be enumerated within
  /// a time, as predicted.
  func isEnumerable(_ path: EvidencePath, seconds: Double) -> Bool {
    // 2^24 assignments take 400 MB.
    guard path.unknownCount <= 24, seconds > 0 else { return false }
    // Besides its steps an assignment is noted, parked and summed.
    let noting = 3e-7 * Double(1 << path.unknownCount)
    return noting + path.enumerationSteps * secondsPerStep / Double(Threads.count) <= seconds
  }

  /// Runs the filters of each row's batches.
  private func filter(
    _ paths: [EvidencePath], _ draws: FilterDraws,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [MarginalEstimate]? {
    let (batches, count) = (MarginalEstimate.batchCount, draws.filters.count)
    let perRow = batches * count
    var tilts: [EvidenceTilt]?
    if draws.areTilted {
      tilts = try self.tilts(for: paths, draws) { (fraction) throws(DensityError) in try observe(fraction / 2)
      }
      guard tilts != nil else { return nil }
    }
    let (tilted, start) = (tilts, tilts == nil ? 0 : 0.5)
    let goOn = { (fraction: Double) throws(DensityError) in try observe(start + (1 - start) * fraction) }
    let found = try mapInWaves(Array(0..<paths.count * perRow), observing: goOn) { task in
      let (row, index) = task.quotientAndRemainder(dividingBy: perRow)
      let (batch, filter) = index.quotientAndRemainder(dividingBy: count)
      let generator = draws.generator(row: row, batch: batch, filter: draws.filters.lowerBound + filter)
      return ParticleFilter(
        source, paths[row], particleCount: draws.particleCount, using: generator, tilt: tilted?[row]
      ).summary
    }
    guard let found else { return nil }
    return paths.indices.map { row in
      let own = found[row * perRow..<(row + 1) * perRow]
      let terms = (0..<batches).map { batch in
        let first = own.startIndex + batch * count
        return logSumExp(own[first..<first + count].map(\.logEstimate)) - log(Double(count))
      }
      return MarginalEstimate(
        logTerms: terms, effectiveSampleSize: ParticleFilter.Summary.effectiveSampleSize(Array(own)),
        particleCount: count * draws.particleCount)
    }
  }
}

extension ParticleFilter {
  /// What is kept of a filter's weights.
  struct Summary: Sendable {
    /// The logarithm of their mean.
    let logEstimate: Double
    /// log Σ w².
    let logSquares: Double
    let particleCount: Int

    /// (Σw)² / Σw² over all particles of some filters.
    static func effectiveSampleSize(_ summaries: [Summary]) -> Double {
      let sum = logSumExp(summaries.map { $0.logEstimate + log(Double($0.particleCount)) })
      let squares = logSumExp(summaries.map(\.logSquares))
      return squares > -.infinity ? exp(2 * sum - squares) : 0
    }
  }

  var summary: Summary {
    Summary(
      logEstimate: logEstimate, logSquares: logSumExp(particleLogWeights.map { 2 * $0 }),
      particleCount: particleLogWeights.count)
  }
}
