import Essentials
import Kernels

/// A density made ready to complete rows with missing cells by draws, and to tell log p of their known cells.
///
/// What a density is made of is asked of it: tractable parts answer exactly; chains of conditionals by `ParticleWalk`; and
/// what mixes others mixes their answers, p(known) = Σ_k w_k · p_k(known).
package struct MissingCellSampler {
  private enum Part {
    case exact(any TractableDensity)
    case chain(any AutoregressiveDensity, any CursorSource)
  }

  private let parts: [Part]
  private let weights: [Double]

  /// Prepares a density.
  ///
  /// - Throws: `DensityError.unsupported` for one that has neither conditionals nor components.
  package init(_ density: any Density) throws(DensityError) {
    let leaves = density.leaves
    weights = leaves.map(\.weight)
    var parts: [Part] = []
    for leaf in leaves.map(\.density) {
      if let tractable = leaf.tractable {
        parts.append(.exact(tractable))
      } else if let chain = leaf.autoregressive() {
        parts.append(.chain(chain, chain.cursorSource()))
      } else {
        throw .unsupported(
          "a density of type \(type(of: leaf)) has neither conditionals nor components, so it cannot be asked about "
            + "rows with missing cells; networks, baselines and mixtures of them can")
      }
    }
    self.parts = parts
  }

  // MARK: log p of the known cells

  /// Returns log p of the known cells of each row, in nats: exact, or the logarithm of an unbiased estimate of p, which is
  /// too small by about half its variance; a row of which all is known or nothing needs no estimate.
  ///
  /// - Parameters:
  ///   - particleCount: how many particles a row of a chain has.
  ///   - seed: what the draws follow from.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  package func logMarginals(
    of rows: PartialRows, particleCount: Int, seed: UInt64,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> [Double]? {
    let (complete, incomplete) = rows.indicesByCompleteness
    let whole = rows.values.selecting(complete)
    let partial = rows.selecting(incomplete)
    var terms: [[Double]] = []
    for (number, part) in parts.enumerated() {
      let share = 1 / Double(parts.count)
      var term = Array(repeating: 0.0, count: rows.rowCount)
      func put(_ values: [Double], at indices: [Int]) {
        for (index, value) in zip(indices, values) { term[index] = value }
      }
      switch part {
      case .exact(let density): put(density.logMarginals(of: rows), at: Array(0..<rows.rowCount))
      case .chain(let density, let source):
        put(density.evaluator().logProbabilities(of: whole), at: complete)
        let walk = ParticleWalk(
          source: source, particleCount: particleCount,
          generator: Philox(seed: seed, stream: .knownCells, index: UInt64(number)))
        let outcome = try walk.run(partial, numbers: incomplete) { (fraction) throws(DensityError) in
          try observe((Double(number) + fraction) * share)
        }
        guard let outcome else { return nil }
        put(outcome.logEstimates.map { min(0, $0) }, at: incomplete)
      }
      terms.append(term)
      if try !observe(Double(number + 1) * share) { return nil }
    }
    return terms.count == 1 ? terms[0] : logMixture(terms, weights: weights)
  }

  // MARK: Completions

  /// Draws the missing cells of each row anew, given the known ones and the completion that is there: a step of a Markov
  /// chain that leaves p(missing | known) as it is.
  ///
  /// Of a mixture, a row's component is drawn first, given the completed row.
  /// - Parameters:
  ///   - current: the rows as they are completed now.
  ///   - seed: the seed of all draws.
  ///   - round: how often has been drawn anew, so that no two times draw alike.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  package func redrawing(
    _ current: BinaryMatrix, of rows: PartialRows, particleCount: Int, seed: UInt64, round: Int,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> BinaryMatrix? {
    let incomplete = rows.indicesByCompleteness.incomplete
    let generator = Philox(seed: seed, stream: .redrawnCells, index: UInt64(round))
    let members = try self.members(current.selecting(incomplete), numbers: incomplete, generator)
    var result = current
    var done = 0
    for (part, places) in zip(parts, members) where !places.isEmpty {
      let numbers = places.map { incomplete[$0] }
      let partial = rows.selecting(numbers)
      let before = Double(done)
      func tell(_ fraction: Double) throws(DensityError) -> Bool {
        try observe((before + fraction * Double(places.count)) / Double(incomplete.count))
      }
      switch part {
      case .exact(let density):
        var generator = Philox(
          seed: generator.seed, stream: generator.stream, position: UInt64(rows.rowCount + done) << 32)
        result.replace(numbers, with: try density.sample(given: partial, using: &generator))
      case .chain(_, let source):
        let walk = ParticleWalk(source: source, particleCount: particleCount, generator: generator)
        let kept = current.selecting(numbers)
        let outcome = try walk.run(partial, numbers: numbers, keeping: kept, observing: tell)
        guard let outcome else { return nil }
        result.replace(numbers, with: outcome.completions)
      }
      done += places.count
      if try !tell(1) { return nil }
    }
    return result
  }

  /// Draws the component of each row, of p(k | x) ∝ w_k · p_k(x); returns each component's rows.
  private func members(
    _ rows: BinaryMatrix, numbers: [Int], _ generator: Philox
  ) throws(DensityError) -> [[Int]] {
    guard parts.count > 1 else { return [Array(0..<rows.rowCount)] }
    let terms = parts.map { part in
      switch part {
      case .exact(let density): density.logProbabilities(of: rows)
      case .chain(let density, _): density.evaluator().logProbabilities(of: rows)
      }
    }
    let totals = logMixture(terms, weights: weights)
    var members: [[Int]] = parts.map { _ in [] }
    for row in 0..<rows.rowCount {
      // The last quarter of the row's own words.
      var generator = Philox(
        seed: generator.seed, stream: generator.stream, position: UInt64(numbers[row]) << 32 + 3 << 30)
      let shares = parts.indices.map { weights[$0] * exp(terms[$0][row] - totals[row]) }
      members[drawIndex(weights: shares, using: &generator)].append(row)
    }
    return members
  }
}

extension PartialRows {
  /// The indices of the rows of which all is known, and of the others.
  fileprivate var indicesByCompleteness: (complete: [Int], incomplete: [Int]) {
    let isComplete = (0..<rowCount).map { known.onBitCount(ofRow: $0) == columnCount }
    return (isComplete.indices.filter { isComplete[$0] }, isComplete.indices.filter { !isComplete[$0] })
  }
}

extension BinaryMatrix {
  /// Replaces the rows with the given indices.
  fileprivate mutating func replace(_ indices: [Int], with rows: BinaryMatrix) {
    for (row, index) in indices.enumerated() {
      for word in 0..<wordsPerRow {
        words[index * wordsPerRow + word] = rows.words[row * wordsPerRow + word]
      }
    }
  }
}
