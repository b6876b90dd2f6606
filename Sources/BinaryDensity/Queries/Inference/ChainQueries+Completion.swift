import Essentials
import Kernels

extension ChainQueries {
  /// Draws the completions of some places along the order; false if `observe` said to stop.
  @discardableResult
  func complete(
    _ places: [Int], into result: inout CompletionBuilder, _ plan: CompletionPlan,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    let count = result.count
    var evidence = result.evidence.selecting(places.map { $0 / count })
    func fill(_ index: Int, _ values: [Bool]) {
      for (position, bit) in values.enumerated() { evidence[index, ordering.variables[position]] = bit }
    }
    // What is unknown before the last known variable is chosen first; then all that is known comes first.
    var filtered: [FilteredDraw] = []
    var index = 0
    while index < places.count {
      let row = places[index] / count
      var end = index
      while end < places.count, places[end] / count == row { end += 1 }
      defer { index = end }
      let path = EvidencePath(result.evidence, row: row, along: ordering)
      guard !path.isPrefix else { continue }
      guard plan.temperature == 1 else {
        throw .unsupported(
          "row \(row + 1): a temperature takes evidence that comes before all that is unknown in the model's order"
        )
      }
      if isEnumerable(path, seconds: plan.options.enumerationSeconds) {
        guard let terms = try assignments(of: path, observing: observe) else { return false }
        let largest = terms.reduce(-Double.infinity, max)
        guard largest > -.infinity else { throw .impossibleEvidence(row: row, onBitCount: nil) }
        let chooser = CumulativeWeights(terms.map { exp($0 - largest) })
        var generator = plan.generator(row, salt: 2)
        for index in index..<end { fill(index, path.filled(chooser.draw(using: &generator))) }
      } else {
        filtered += (index..<end).map { FilteredDraw(index: $0, place: places[$0], row: row, path: path) }
      }
    }
    // Blind draws are told as a fifth of the work, what is learnt and drawn again as the rest.
    let blind = try drawn(filtered, plan) { (fraction) throws(DensityError) in try observe(fraction / 5) }
    guard var draws = blind else { return false }
    // Where blind particles are worth little, more are drawn, which have learnt what the evidence asks for.
    let weak = filtered.indices.filter {
      draws[$0].map { 8 * $0.effectiveSampleSize < Double(plan.particleCount) } ?? true
    }
    let rows = weak.map { filtered[$0].row }.removingRepeats
    let paths = rows.map { EvidencePath(result.evidence, row: $0, along: ordering) }
    let learnt = try tilts(for: paths, plan.draws.selecting(rows)) { (fraction) throws(DensityError) in
      try observe(0.2 + 0.3 * fraction)
    }
    guard let tilts = learnt else { return false }
    let tiltOfRow = Dictionary(uniqueKeysWithValues: zip(rows, tilts))
    for index in filtered.indices { filtered[index].tilt = tiltOfRow[filtered[index].row] }
    let again = filtered.indices.filter { filtered[$0].tilt != nil }
    let redrawn = try drawn(again.map { filtered[$0] }, plan) { (fraction) throws(DensityError) in
      try observe(0.5 + fraction / 2)
    }
    guard let better = redrawn else { return false }
    for (index, draw) in zip(again, better) { draws[index] = draw }
    for (task, draw) in zip(filtered, draws) {
      guard let draw else { throw .impossibleEvidence(row: task.row, onBitCount: nil) }
      fill(task.index, draw.values)
      result.note(effectiveSampleSize: draw.effectiveSampleSize, ofRow: task.row)
    }
    var generator = plan.generator(places.first ?? 0, salt: 3)
    do throws(DensityError) {
      result.put(
        try complete(evidence, temperature: plan.temperature, using: &generator), at: places)
    } catch .impossibleEvidence(let index, _) {
      throw .impossibleEvidence(row: places[index] / count, onBitCount: nil)
    }
    return try observe(1)
  }

  /// Draws by a filter each.
  ///
  /// Draws of one filter would share their first values. Nil for one of which no particle has a weight, and in all if
  /// `observe` said to stop.
  private func drawn(
    _ tasks: [FilteredDraw], _ plan: CompletionPlan, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [ParticleFilter.Draw?]? {
    try mapInWaves(tasks, observing: observe) { task in
      let salt: UInt64 = task.tilt == nil ? 4 : 6
      let filter = ParticleFilter(
        source, task.path,
        particleCount: task.tilt == nil ? plan.particleCount : plan.options.particleCount,
        using: plan.generator(task.place, salt: salt), tilt: task.tilt, keepsRows: true)
      var generator = plan.generator(task.place, salt: salt + 1)
      return filter.drawOne(using: &generator)
    }
  }
}

/// A draw, by particles, of what is unknown before the last known variable.
private struct FilteredDraw: Sendable {
  /// Which of the call's draws it is.
  let index: Int
  /// Its place in the result.
  let place: Int
  /// Its row of the evidence.
  let row: Int
  let path: EvidencePath
  var tilt: EvidenceTilt?
}

extension ParticleFilter {
  /// A particle's values by position, and the effective number of particles it is one of.
  typealias Draw = (values: [Bool], effectiveSampleSize: Double)

  /// Draws a particle by the weights; nil if none has a weight.
  func drawOne(using generator: inout Philox) -> Draw? {
    let weights = particleLogWeights
    let largest = weights.reduce(-Double.infinity, max)
    guard largest > -.infinity else { return nil }
    let chooser = CumulativeWeights(weights.map { exp($0 - largest) })
    return (
      values(ofParticle: chooser.draw(using: &generator)), Summary.effectiveSampleSize([summary])
    )
  }
}

extension EvidencePath {
  /// The values by position, the unknown ones as the bits of an assignment's index say.
  func filled(_ assignment: Int) -> [Bool] {
    var next = 0
    return values.map { value in
      if let value { return value }
      defer { next += 1 }
      return assignment >> next & 1 == 1
    }
  }
}
