import Essentials
import Kernels

/// Looks ahead for the particles of a filter: says how promising a value of the next variable is, in the light of evidence
/// that is still to come.
///
/// A filter without one is blind to what comes later. With it, particles are drawn and kept by
///
///     γ_t ∝ p(x_≤t) · ψ_t(x_≤t),   ψ_t(x_≤t) ≈ p(evidence after t | x_≤t)
///
/// and because ψ is 1 after the last known variable, the estimate of p is unbiased whatever ψ is.
/// - Source: Whiteley, Lee, Twisted Particle Filters, Annals of Statistics 42 (1), 2014.
protocol Lookahead: AnyObject {
  /// log ψ before the first variable, equal for all particles.
  var initialLogPotential: Double { get }
  /// Writes log ψ_t − log ψ_t−1 for each particle, if its next variable were off and if it were on.
  func nextLogRatios(off: inout [Double], on: inout [Double])
  /// Gives each particle the value of its next variable.
  func advance(_ bits: [Bool])
  /// Keeps, repeats and drops particles.
  func select(_ particles: [Int])
}

/// Sequential importance sampling along a chain: estimates p(evidence) without bias.
///
/// Unknown variables are drawn from their conditionals, not each particle by itself: among those that descend from one, and so
/// lie side by side, the shares of values are right but for one or two, which takes a part of the variance away. At known ones each
/// particle is weighed by how likely it made the value. Before a draw the particles are resampled, systematically, if their
/// effective number has fallen below a half.
/// - Complexity: a step a particle for each variable from the first unknown one to the last known one.
/// - Source: Doucet, Johansen, A Tutorial on Particle Filtering and Smoothing, 2009, sections 3.4 and 3.5; unbiasedness: Del
///   Moral, Feynman-Kac Formulae, 2004, section 7.4.
final class ParticleFilter {
  private let path: EvidencePath
  private let walk: StepWalk
  private let particleCount: Int
  private var generator: Philox
  private let lookahead: (any Lookahead)?
  private let tilt: EvidenceTilt?
  /// Each particle's values so far, packed, by position; none if nobody wants them.
  private var words: [UInt64]
  private let wordCount: Int
  private var logWeights: [Double]
  /// log ψ of each particle's values so far.
  private var logPotentials: [Double]
  private var areWeighed = false
  /// log of the product of the mean weights at every resampling.
  private var logProduct = 0.0

  /// Prepares a filter.
  ///
  /// - Parameters:
  ///   - source: what is walked.
  ///   - path: the evidence.
  ///   - particleCount: the number n of particles.
  ///   - generator: gives all that is drawn.
  ///   - lookahead: looks ahead, if anything does.
  ///   - tilt: the shifts of the conditionals that unknown variables are drawn from; not with a lookahead.
  ///   - keepsRows: whether particles' values can be asked for.
  init(
    _ source: any CursorSource, _ path: EvidencePath, particleCount: Int, using generator: Philox,
    lookahead: (any Lookahead)? = nil, tilt: EvidenceTilt? = nil, keepsRows: Bool = false
  ) {
    precondition(particleCount > 0, "a filter of \(particleCount) particles")
    self.path = path
    self.particleCount = particleCount
    self.generator = generator
    self.lookahead = lookahead
    self.tilt = tilt
    wordCount = keepsRows ? (path.count + 63) / 64 : 0
    words = Array(repeating: 0, count: particleCount * wordCount)
    logWeights = Array(repeating: 0, count: particleCount)
    logPotentials = logWeights
    // Until the first draw all particles are one.
    walk = StepWalk(source.cursor(rowCount: 1))
    run()
  }

  /// The logarithm of the unbiased estimate of p(evidence), in nats.
  var logEstimate: Double { logProduct + logSumExp(logWeights) - log(Double(particleCount)) }

  /// The logarithm of each particle's weight; the exponentials' mean is the estimate.
  var particleLogWeights: [Double] { logWeights.map { $0 + logProduct } }

  /// What others learn from it.
  ///
  /// - Precondition: the filter keeps rows.
  var pilot: Pilot { Pilot(logWeights: particleLogWeights, words: words) }

  /// Returns the values of a particle by position, up to the last known one.
  ///
  /// - Precondition: the filter keeps rows.
  func values(ofParticle particle: Int) -> [Bool] {
    (0..<path.count).map { words[particle * wordCount + $0 / 64] >> UInt64($0 % 64) & 1 == 1 }
  }

  private func run() {
    var start = [0.0]
    var potential = lookahead?.initialLogPotential ?? 0
    for position in 0..<path.leadingCount {
      guard let bit = path.values[position] else { preconditionFailure("an unknown among the leading") }
      walk.set(bit)
      walk.computeLogits()
      walk.addLogProbabilities(to: &start)
      if let lookahead {
        var (off, on) = ([0.0], [0.0])
        lookahead.nextLogRatios(off: &off, on: &on)
        potential += bit ? on[0] : off[0]
        lookahead.advance([bit])
      }
      record(position)
      walk.advance()
    }
    let copies = Array(repeating: 0, count: particleCount)
    walk.select(copies)
    lookahead?.select(copies)
    if wordCount > 0 { words = copies.flatMap { _ in words[0..<wordCount] } }
    logWeights = copies.map { _ in start[0] + potential }
    logPotentials = copies.map { _ in potential }
    guard let lookahead else { return runBlind() }
    runLooking(lookahead)
  }

  private func runBlind() {
    var uniforms = Matrix<Float>(rowCount: 1, columnCount: particleCount)
    for position in path.leadingCount..<path.count {
      if let bit = path.values[position] {
        walk.set(bit)
        walk.computeLogits()
        walk.addLogProbabilities(to: &logWeights)
        areWeighed = true
        if tilt != nil { decayPotentials() }
      } else {
        resampleIfNeeded()
        walk.computeLogits()
        uniforms.fillUniform(using: &generator)
        if let shift = tilt?.shifts[position], shift != 0 {
          // ψ grows by q / p, the weight by p ψ / q: by nothing.
          walk.drawInOrder(uniforms.elements, shift: shift, addingLogRatiosTo: &logPotentials)
        } else {
          walk.drawInOrder(uniforms.elements)
        }
      }
      record(position)
      walk.advance()
    }
    if tilt != nil { removePotentials() }
  }

  /// Lets evidence that has been seen count for itself, and no longer for what was expected of it.
  private func decayPotentials() {
    for row in logWeights.indices {
      let rest = EvidenceTilt.decay * logPotentials[row]
      logWeights[row] += rest - logPotentials[row]
      logPotentials[row] = rest
    }
  }

  /// Makes ψ 1, as it must be in the end.
  private func removePotentials() {
    for row in logWeights.indices where logWeights[row] > -.infinity { logWeights[row] -= logPotentials[row] }
  }

  private func runLooking(_ lookahead: any Lookahead) {
    var uniforms = Matrix<Float>(rowCount: 1, columnCount: particleCount)
    var (off, on) = (logWeights, logWeights)
    for position in path.leadingCount..<path.count {
      let known = path.values[position]
      if known == nil { resampleIfNeeded() }
      walk.computeLogits()
      lookahead.nextLogRatios(off: &off, on: &on)
      if let known {
        walk.set(known)
        walk.addLogProbabilities(to: &logWeights)
        let ratios = known ? on : off
        for row in ratios.indices { logWeights[row] += ratios[row] }
      } else {
        uniforms.fillUniform(using: &generator)
        let (logits, draws) = (walk.logits, uniforms.elements)
        // log (p(off) ψ(off)) and log (p(on) ψ(on)); a particle is weighed by their sum.
        let terms = logits.indices.map { row in
          (
            orImpossible(logSigmoid(-Double(logits[row]))) + off[row],
            orImpossible(logSigmoid(Double(logits[row]))) + on[row]
          )
        }
        walk.set { Double(draws[$0]) < 1 / (1 + exp(terms[$0].0 - terms[$0].1)) }
        for (row, (a, b)) in terms.enumerated() {
          // Where neither value has a future the particle is at its end.
          logWeights[row] += max(a, b) > -.infinity ? max(a, b) + log1p(exp(-abs(a - b))) : -.infinity
        }
      }
      let bits = walk.bits
      for row in bits.indices { logPotentials[row] += bits[row] ? on[row] : off[row] }
      areWeighed = true
      record(position)
      lookahead.advance(bits)
      walk.advance()
    }
    // ψ is 1 already, but for the rounding of its many factors.
    removePotentials()
  }

  private func record(_ position: Int) {
    guard wordCount > 0 else { return }
    let (word, bit) = (position / 64, UInt64(1) << UInt64(position % 64))
    let bits = walk.bits
    for row in bits.indices where bits[row] { words[row * wordCount + word] |= bit }
  }

  /// Resamples if the effective number of particles, (Σw)² / Σw², is below a half of them.
  private func resampleIfNeeded() {
    guard areWeighed else { return }
    areWeighed = false
    let (smallest, largest) = logWeights.reduce((Double.infinity, -Double.infinity)) {
      (min($0.0, $1), max($0.1, $1))
    }
    // Weights within a factor of 3 + √8 of each other are worth a half of their number at least: (Σw)² / n Σw² is not below
    // 4 m M / (m + M)² (Kantorovich). And of evidence that no particle can have the estimate is 0, whatever comes.
    guard largest > -.infinity, largest - smallest > 1.762 else { return }
    let weights = logWeights.map { exp($0 - largest) }
    let (sum, squares) = weights.reduce((0, 0)) { ($0.0 + $1, $0.1 + $1 * $1) }
    guard 2 * sum * sum < Double(particleCount) * squares else { return }
    logProduct += largest + log(sum / Double(particleCount))
    let chosen = systematicSample(weights, total: sum, count: particleCount, using: &generator)
    logWeights = chosen.map { _ in 0 }
    walk.select(chosen)
    lookahead?.select(chosen)
    logPotentials = chosen.map { logPotentials[$0] }
    if wordCount > 0 {
      words = chosen.flatMap { words[$0 * wordCount..<($0 + 1) * wordCount] }
    }
  }
}

/// Returns `count` indices, ascending, index i about count · w_i / Σ w times: with one uniform number for all.
///
/// - Precondition: the weights have a sum of `total`, above zero.
/// - Source: Kitagawa, J. Computational and Graphical Statistics 5 (1), 1996.
func systematicSample(
  _ weights: [Double], total: Double, count: Int, using generator: inout Philox
) -> [Int] {
  let step = total / Double(count)
  var mark = Double(unitFloat(generator.nextWord())) * step
  var chosen: [Int] = []
  chosen.reserveCapacity(count)
  var sum = 0.0
  for (index, weight) in weights.enumerated() {
    sum += weight
    while mark < sum && chosen.count < count {
      chosen.append(index)
      mark += step
    }
  }
  // What rounding leaves goes to the last that has a weight.
  let last = weights.lastIndex { $0 > 0 } ?? 0
  while chosen.count < count { chosen.append(last) }
  return chosen
}
