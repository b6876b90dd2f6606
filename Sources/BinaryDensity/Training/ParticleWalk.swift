import Essentials
import Kernels

/// Walks rows with missing cells along a chain of conditionals, several particles a row: sequential importance sampling.
///
/// At a known variable every particle takes the known value, and its weight is multiplied by the value's conditional; at a
/// missing one each draws a value. After every eighth variable particles are drawn anew by their weights where these have
/// become uneven, so that their effective number is below half of the particles. The mean weights multiply to an unbiased
/// estimate of p(known), and a particle drawn by its weight in the end completes the row.
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
  private let generators: [Philox]
  /// The weights since particles were last drawn anew, and the logarithm of a factor that a row's have in common.
  private var weights: [Double]
  private var logEstimates: [Double]
  /// What a row's weights are about to be.
  private var products: [Double]
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
      Philox(seed: walk.generator.seed, stream: walk.generator.stream, position: UInt64($0) << 32)
    }
    weights = Array(repeating: 1, count: rows.rowCount * count)
    logEstimates = Array(repeating: 0, count: rows.rowCount)
    products = Array(repeating: 0, count: count)
    particles = BinaryMatrix(rowCount: rows.rowCount * count, columnCount: rows.columnCount)
  }

  mutating func run() -> (logEstimates: [Double], words: [UInt64]) {
    var logits = [Float](repeating: 0, count: weights.count)
    var values = [Bool](repeating: false, count: weights.count)
    for (step, variable) in ordering.enumerated() {
      cursor.nextLogits(into: &logits)
      for row in 0..<rows.rowCount {
        if let value = rows[row, variable] {
          for place in places(row) { values[place] = value }
          weigh(row, value, logits)
        } else {
          draw(row, variable, at: step, logits, &values)
        }
      }
      cursor.advance(values)
      for particle in values.indices where values[particle] { particles.turnOn(particle, variable) }
      // To copy states takes longer than a step, so not after each.
      if step % 8 == 7 { redrawParticles(at: step) }
    }
    var words: [UInt64] = []
    for row in 0..<rows.rowCount {
      let total = weights[places(row)].reduce(0, +)
      logEstimates[row] += log(total / Double(count))
      var uniforms = uniforms(row, at: ordering.count)
      let chosen = choose(row, total: total, Double(unitFloat(uniforms.next())))
      words += particles.words[chosen * particles.wordsPerRow..<(chosen + 1) * particles.wordsPerRow]
    }
    return (logEstimates, words)
  }

  private func places(_ row: Int) -> Range<Int> { row * count..<(row + 1) * count }

  /// The words of a row and a step, one for each particle: D steps that draw variables, one that chooses what completes the
  /// row, and D that draw particles anew.
  private func uniforms(_ row: Int, at step: Int) -> PhiloxWords {
    let generator = generators[row]
    return PhiloxWords(generator, block: generator.position / 4 + UInt64(step * ((count + 3) / 4)))
  }

  /// Draws a missing variable of a row's particles; the first keeps what is there already.
  private func draw(
    _ row: Int, _ variable: Int, at step: Int, _ logits: [Float], _ values: inout [Bool]
  ) {
    var uniforms = uniforms(row, at: step)
    for place in places(row) {
      values[place] = Double(unitFloat(uniforms.next())) < 1 / (1 + exp(-Double(logits[place])))
    }
    if let current { values[row * count] = current[row, variable] }
  }

  /// Weighs a row's particles by the conditional of a known value.
  private mutating func weigh(_ row: Int, _ value: Bool, _ logits: [Float]) {
    let sign: Double = value ? -1 : 1
    var sum = 0.0
    for (index, place) in places(row).enumerated() {
      products[index] = weights[place] / (1 + exp(sign * Double(logits[place])))
      sum += products[index]
    }
    if sum < 1e-100 {
      // By logarithms, as the plain weights are about to become too small for a Double.
      for (index, place) in places(row).enumerated() {
        products[index] = log(weights[place]) + logSigmoid(-sign * Double(logits[place]))
      }
      let largest = products.reduce(-Double.infinity, max)
      logEstimates[row] += largest
      for index in products.indices { products[index] = exp(products[index] - largest) }
    }
    for (index, place) in places(row).enumerated() { weights[place] = products[index] }
  }

  /// Draws particles anew by their weights in rows where these are uneven.
  private mutating func redrawParticles(at step: Int) {
    var order = Array(0..<weights.count)
    var isUneven = false
    for row in 0..<rows.rowCount {
      let total = weights[places(row)].reduce(0, +)
      let squares = weights[places(row)].reduce(0) { $0 + $1 * $1 }
      guard total * total < squares * Double(count) / 2 else { continue }
      logEstimates[row] += log(total / Double(count))
      isUneven = true
      var uniforms = uniforms(row, at: ordering.count + 1 + step)
      for place in places(row) {
        let u = Double(unitFloat(uniforms.next()))
        if current == nil || place != row * count { order[place] = choose(row, total: total, u) }
      }
      for place in places(row) { weights[place] = 1 }
    }
    guard isUneven else { return }
    cursor.select(order)
    particles = particles.selecting(order)
  }

  /// Returns the particle of a row that a uniform number stands for, by their weights.
  private func choose(_ row: Int, total: Double, _ uniform: Double) -> Int {
    var rest = uniform * total
    var last = row * count
    for place in places(row) where weights[place] > 0 {
      rest -= weights[place]
      last = place
      if rest < 0 { break }
    }
    // What rounding leaves belongs to the last that has a weight.
    return last
  }
}

/// The words of a Philox sequence from a block of four on, each block computed once.
private struct PhiloxWords {
  private let generator: Philox
  private var block: UInt64
  private var words: SIMD4<UInt32>
  private var lane = 0

  init(_ generator: Philox, block: UInt64) {
    self.generator = generator
    self.block = block
    words = generator.words(at: block)
  }

  mutating func next() -> UInt32 {
    if lane == 4 {
      block += 1
      words = generator.words(at: block)
      lane = 0
    }
    defer { lane += 1 }
    return words[lane]
  }
}
