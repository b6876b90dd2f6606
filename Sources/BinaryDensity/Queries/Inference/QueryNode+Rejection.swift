import Essentials
import Kernels

extension QueryNode {
  /// The densities of one order, and tractable ones, that a nest of mixtures comes down to, with log w of each.
  var leaves: [(logWeight: Double, node: QueryNode)] {
    guard case .mixture(let logWeights, let parts) = self else { return [(0, self)] }
    return zip(logWeights, parts).flatMap { weight, part in
      part.leaves.map { ($0.logWeight + weight, $0.node) }
    }
  }

  /// Whether a row's completions are exact without rejection.
  func isExact(_ evidence: PartialRows, row: Int, seconds: Double) -> Bool {
    leaves.allSatisfy { leaf in
      guard case .chain(let chain) = leaf.node else { return true }
      let path = EvidencePath(evidence, row: row, along: chain.ordering)
      return path.isPrefix || chain.isEnumerable(path, seconds: seconds)
    }
  }

  /// Draws a row's completions by rejection: false if `observe` said to stop.
  ///
  /// A leaf is drawn by its weight and by how likely it makes the values known before anything unknown, then a candidate
  /// from it, which is dropped as soon as it misses a known value. What is left has the distribution that is wanted.
  func reject(
    _ row: Int, into result: inout CompletionBuilder, _ plan: CompletionPlan, tryLimit: Int,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let (leaves, count) = (leaves, result.count)
    let evidence = result.evidence.selecting([row])
    var logShares: [Double] = []
    for leaf in leaves {
      let leading = leaf.node.leading(evidence)
      guard let found = try leaf.node.estimates(of: leading, plan.draws, observing: observe) else {
        return false
      }
      logShares.append(leaf.logWeight + found[0].logMean)
    }
    let largest = logShares.reduce(-Double.infinity, max)
    guard largest > -.infinity else { throw .impossibleEvidence(row: row, onBitCount: nil) }
    let chooser = CumulativeWeights(logShares.map { exp($0 - largest) })
    var generator = plan.generator(row, salt: 5)
    var accepted: [(leaf: Int, values: [Bool])] = []
    var tries = 0
    while accepted.count < count {
      let size = min(256 * Threads.count, tryLimit - tries)
      guard size > 0 else {
        throw .triesExhausted(row: row, tries: tries, found: accepted.count, wanted: count)
      }
      var candidates = Array(repeating: 0, count: leaves.count)
      for _ in 0..<size { candidates[chooser.draw(using: &generator)] += 1 }
      // Some for every thread.
      let tasks = candidates.enumerated().flatMap { leaf, count in
        stride(from: 0, to: count, by: 256).map { (leaf: leaf, count: min(256, count - $0)) }
      }
      let seed: UInt64 = generator.next()
      let found = try mapInWaves(Array(tasks.indices), observing: observe) { index in
        let own = Philox(seed: seed, stream: .completions, index: UInt64(index))
        let (leaf, count) = tasks[index]
        return leaves[leaf].node.candidates(evidence, count: count, using: own).map { (leaf, $0) }
      }
      guard let found else { return false }
      tries += size
      // In an order that has nothing to do with the leaves, for not all may be wanted.
      let all = Array(found.joined())
      accepted += generator.permutation(of: all.count).map { (leaf: all[$0].0, values: all[$0].1) }
        .prefix(count - accepted.count)
    }
    for (index, leaf) in leaves.enumerated() {
      let places = accepted.indices.filter { accepted[$0].leaf == index }
      guard !places.isEmpty else { continue }
      var known = evidence.selecting(places.map { _ in 0 })
      if case .chain(let chain) = leaf.node {
        for (offset, place) in places.enumerated() {
          for (position, bit) in accepted[place].values.enumerated() {
            known[offset, chain.ordering.variables[position]] = bit
          }
        }
      }
      var part = CompletionBuilder(known, count: 1)
      let goesOn = try leaf.node.complete(
        Array(places.indices), into: &part, plan.part(index).part(row + leaves.count), observing: observe)
      guard goesOn else { return false }
      result.put(part.completions.rows, at: places.map { row * count + $0 })
    }
    return true
  }

  /// What is known of a row before anything unknown; all of it for a tractable density.
  private func leading(_ evidence: PartialRows) -> PartialRows {
    guard case .chain(let chain) = self else { return evidence }
    let path = EvidencePath(evidence, row: 0, along: chain.ordering)
    var leading = PartialRows(rowCount: 1, columnCount: evidence.columnCount)
    for variable in chain.ordering.variables[..<path.leadingCount] {
      leading[0, variable] = evidence[0, variable]
    }
    return leading
  }

  /// Draws candidates; returns the values, by position, of those that met all that is known of the row.
  private func candidates(_ evidence: PartialRows, count: Int, using generator: Philox) -> [[Bool]] {
    guard case .chain(let chain) = self else { return Array(repeating: [], count: count) }
    return chain.candidates(
      EvidencePath(evidence, row: 0, along: chain.ordering), count: count, using: generator)
  }
}

extension ChainQueries {
  /// Draws candidates along the order, the values before the first unknown variable given; returns those that met every
  /// known value.
  fileprivate func candidates(_ path: EvidencePath, count: Int, using generator: Philox) -> [[Bool]] {
    var generator = generator
    let walk = StepWalk(source.cursor(rowCount: count))
    var rows = Array(repeating: [Bool](), count: count)
    for (position, known) in path.values.enumerated() {
      walk.computeLogits()
      // A value is drawn before it is compared: a candidate is dropped with the probability that it misses.
      let uniforms = (0..<rows.count).map { _ in unitFloat(generator.nextWord()) }
      walk.draw(uniforms)
      if position < path.leadingCount, let known { walk.set(known) }
      let bits = walk.bits
      var kept: [Int] = []
      for row in rows.indices {
        if known.map({ $0 == bits[row] }) ?? true { kept.append(row) }
        rows[row].append(bits[row])
      }
      guard !kept.isEmpty else { return [] }
      walk.advance()
      if kept.count < rows.count {
        walk.select(kept)
        rows = kept.map { rows[$0] }
      }
    }
    return rows
  }
}
