import Foundation
import Kernels

/// Walks rows with missing cells along a chain of conditionals, several particles a row: sequential importance sampling.
///
/// At a known variable every particle takes the known value, and its weight is multiplied by the value's conditional; at a
/// missing one each draws a value. Where weights have become uneven, so that their effective number is below half of the
/// particles, particles are drawn anew by their weights. The mean weights multiply to an unbiased estimate of p(known), and
/// a particle drawn by its weight in the end completes the row.
///
/// With a completion that is there already, particle 0 keeps to it, and is never lost when particles are drawn anew. Then
/// the completion drawn in the end is a step of a Markov chain that leaves p(missing | known) as it is, with however few
/// particles: drawing exactly and drawing anew agree.
///
/// - Source: Andrieu, Doucet, Holenstein, Particle Markov Chain Monte Carlo Methods, J. Royal Statistical Society B 72,
///   2010, section 4.3 (conditional sequential Monte Carlo).
struct ParticleWalk {
  let source: any CursorSource
  let particleCount: Int
  /// What each row's draws follow from, together with its number.
  let generator: Philox

  /// What a walk gives for each row.
  struct Outcome {
    /// log of the estimate of p(known), in nats.
    var logEstimates: [Double] = []
    /// The completed rows.
    var completions: BinaryMatrix
  }

  /// Walks rows on all threads; the outcome does not depend on how many there are.
  ///
  /// - Parameters:
  ///   - rows: what is known.
  ///   - numbers: the number of each row, which its draws follow from.
  ///   - current: completions that are there already.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Complexity: about that of drawing `particleCount` samples a row.
  func run(
    _ rows: PartialRows, numbers: [Int], keeping current: BinaryMatrix? = nil,
    observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Outcome? {
    let size = max(1, source.rowsPerShard / particleCount)
    let shardCount = (rows.rowCount + size - 1) / size
    let wave = 4 * Threads.count
    var logEstimates: [Double] = []
    var words: [UInt64] = []
    for first in stride(from: 0, to: shardCount, by: wave) {
      let shards = Threads.map(count: min(wave, shardCount - first)) { index in
        let start = (first + index) * size
        let range = start..<min(start + size, rows.rowCount)
        var shard = ParticleShard(
          self, rows.rows(range), numbers: Array(numbers[range]), keeping: current?.rows(range))
        return shard.run()
      }
      for shard in shards {
        logEstimates += shard.logEstimates
        words += shard.words
      }
      if try !observe(Double(min(first + wave, shardCount)) / Double(shardCount)) { return nil }
    }
    return Outcome(
      logEstimates: logEstimates,
      completions: BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount, words: words))
  }
}

/// The particles of some rows: those of row r are r · K ..< (r + 1) · K.
private struct ParticleShard {
  private let rows: PartialRows
  private let current: BinaryMatrix?
  private let count: Int
  private let ordering: [Int]
  private let cursor: any Cursor
  private var generators: [Philox]
  /// The logarithms of the weights since particles were last drawn anew.
  private var logWeights: [Double]
  private var logEstimates: [Double]
  /// The particles' values.
  private var particles: BinaryMatrix

  init(_ walk: ParticleWalk, _ rows: PartialRows, numbers: [Int], keeping current: BinaryMatrix?) {
    self.rows = rows
    self.current = current
    count = walk.particleCount
    ordering = walk.source.ordering.variables
    cursor = walk.source.cursor(rowCount: rows.rowCount * count)
    // Each row has 2³² words of the sequence to itself.
    generators = numbers.map {
      Philox(
        seed: walk.generator.seed, stream: walk.generator.stream, position: UInt64($0) << 32)
    }
    logWeights = Array(repeating: 0, count: rows.rowCount * count)
    logEstimates = Array(repeating: 0, count: rows.rowCount)
    particles = BinaryMatrix(rowCount: rows.rowCount * count, columnCount: rows.columnCount)
  }

  mutating func run() -> (logEstimates: [Double], words: [UInt64]) {
    var logits = [Float](repeating: 0, count: logWeights.count)
    var values = [Bool](repeating: false, count: logWeights.count)
    for variable in ordering {
      cursor.nextLogits(into: &logits)
      for row in 0..<rows.rowCount { decide(row, variable, logits, &values) }
      cursor.advance(values)
      for particle in values.indices where values[particle] { particles.turnOn(particle, variable) }
      redrawParticles()
    }
    var words: [UInt64] = []
    for row in 0..<rows.rowCount {
      let places = row * count..<(row + 1) * count
      let (logMean, weights) = normalised(places)
      logEstimates[row] += logMean
      let chosen = row * count + drawIndex(weights: weights, using: &generators[row])
      words += particles.words[chosen * particles.wordsPerRow..<(chosen + 1) * particles.wordsPerRow]
    }
    return (logEstimates, words)
  }

  /// Gives a row's particles their values of a variable, and weighs them where the value is known.
  private mutating func decide(_ row: Int, _ variable: Int, _ logits: [Float], _ values: inout [Bool]) {
    let places = row * count..<(row + 1) * count
    if let value = rows[row, variable] {
      for place in places {
        values[place] = value
        logWeights[place] += logSigmoid(value ? Double(logits[place]) : -Double(logits[place]))
      }
      return
    }
    for place in places {
      values[place] = Double(unitFloat(generators[row].nextWord())) < exp(logSigmoid(Double(logits[place])))
    }
    if let current { values[places.lowerBound] = current[row, variable] }
  }

  /// Returns the logarithm of the mean weight of some particles, and their weights scaled to a sum of 1.
  private func normalised(_ places: Range<Int>) -> (logMean: Double, weights: [Double]) {
    let total = logSumExp(Array(logWeights[places]))
    return (total - log(Double(count)), logWeights[places].map { exp($0 - total) })
  }

  /// Draws particles anew by their weights in those rows where these have become uneven.
  private mutating func redrawParticles() {
    var order: [Int]?
    for row in 0..<rows.rowCount {
      let places = row * count..<(row + 1) * count
      let first = logWeights[places.lowerBound]
      guard logWeights[places].contains(where: { abs($0 - first) > 0.1 }) else { continue }
      let (logMean, weights) = normalised(places)
      guard 1 / weights.reduce(0, { $0 + $1 * $1 }) < Double(count) / 2 else { continue }
      logEstimates[row] += logMean
      var drawn = order ?? Array(0..<logWeights.count)
      for place in places {
        logWeights[place] = 0
        if current != nil && place == places.lowerBound { continue }
        drawn[place] = places.lowerBound + drawIndex(weights: weights, using: &generators[row])
      }
      order = drawn
    }
    guard let order else { return }
    cursor.select(order)
    particles = particles.selecting(order)
  }
}
