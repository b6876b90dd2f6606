import Essentials
import Kernels

/// What the evidence as a whole says about each unknown variable before it is reached: a shift of the variable's logit.
///
/// Particles that draw from shifted conditionals
///
///     q(x_i | x_<i) ∝ p(x_i | x_<i) exp(δ_i x_i)
///
/// and are weighed by p / q are drawn as the evidence to come would have them. Any shifts leave the estimate unbiased. They
/// are learnt from a pilot's particles: δ_i makes the mean of x_i under q what it is under the pilot's weights.
/// - Source: the cross-entropy method: Rubinstein, Kroese, 2004, chapter 5; learning what a filter looks ahead with by
///   earlier filters: Guarniero, Johansen, Lee, JASA 112 (520), 2017.
struct EvidenceTilt: Sendable {
  /// How much of what the shifts have won or cost a particle still stands for evidence to come, after each known variable.
  static let decay = 0.95

  /// δ by position, 0 at known ones.
  private(set) var shifts: [Double]

  /// No shifts.
  init(none path: EvidencePath) { shifts = Array(repeating: 0, count: path.count) }

  /// Learns shifts from a pilot's particles.
  ///
  /// - Parameters:
  ///   - source: what is walked.
  ///   - path: the evidence.
  ///   - pilots: filters of as many particles each.
  ///   - generator: gives what is drawn.
  ///   - earlier: the shifts that the pilot had.
  init(
    _ source: any CursorSource, _ path: EvidencePath, _ pilots: [Pilot], earlier: EvidenceTilt,
    using generator: inout Philox
  ) {
    self = earlier
    guard let weights = Self.tempered(pilots.flatMap(\.logWeights)) else { return }
    // A draw of the particles by weight stands for them; each of its rows is walked once.
    let total = weights.reduce(0, +)
    let drawn = systematicSample(weights, total: total, count: Self.drawCount, using: &generator)
    var (chosen, counts): ([Int], [Double]) = ([], [])
    for index in drawn {
      if chosen.last == index {
        counts[counts.count - 1] += 1
      } else {
        chosen.append(index)
        counts.append(1)
      }
    }
    // Particles of one filter share their first values: what the data weigh is bounded by the filters' effective number.
    let perPilot = pilots[0].logWeights.count
    let filters = pilots.indices.map { weights[$0 * perPilot..<($0 + 1) * perPilot].reduce(0, +) }
    let evidence = min(
      Self.effectiveNumber(weights), Self.weightOfFilter * Self.effectiveNumber(filters))
    let scale = evidence / Double(Self.drawCount)

    let walk = StepWalk(source.cursor(rowCount: chosen.count))
    for (position, value) in path.values.enumerated() {
      walk.set { row in
        pilots[chosen[row] / perPilot].bit(ofParticle: chosen[row] % perPilot, position)
      }
      if value == nil {
        walk.computeLogits()
        shifts[position] = Self.shift(
          logits: walk.logits, bits: walk.bits, counts: counts, scale: scale, start: shifts[position])
      }
      walk.advance()
    }
  }

  /// The rows that stand for a pilot's particles.
  private static let drawCount = 256
  /// The least effective number of particles that is learnt from: weights are tempered until they have it.
  private static let leastNumber = 60.0
  /// How many independent rows a filter counts for.
  private static let weightOfFilter = 4.0
  /// The precision of the normal distribution about 0 that shifts have before anything is learnt.
  private static let precision = 2.0

  /// Returns weights to the greatest power of 1, 0.8, 0.64 … at which enough particles count; nil if no particle has a weight.
  private static func tempered(_ logWeights: [Double]) -> [Double]? {
    let largest = logWeights.reduce(-Double.infinity, max)
    guard largest > -.infinity else { return nil }
    var power = 1.0
    while true {
      let weights = logWeights.map { exp(power * ($0 - largest)) }
      if power < 0.1 || effectiveNumber(weights) >= leastNumber { return weights }
      power *= 0.8
    }
  }

  /// (Σw)² / Σw².
  private static func effectiveNumber(_ weights: [Double]) -> Double {
    let (sum, squares) = weights.reduce((0, 0)) { ($0.0 + $1, $0.1 + $1 * $1) }
    return squares > 0 ? sum * sum / squares : 0
  }

  /// Returns the δ that makes Σ n (x − σ(z + δ)) · scale = precision · δ, by Newton's method.
  private static func shift(
    logits: [Float], bits: [Bool], counts: [Double], scale: Double, start: Double
  ) -> Double {
    var shift = start
    for _ in 0..<6 {
      var (slope, curvature) = (-precision * shift, precision)
      for row in logits.indices {
        let p = 1 / (1 + exp(-Double(logits[row]) - shift))
        slope += scale * counts[row] * ((bits[row] ? 1 : 0) - p)
        curvature += scale * counts[row] * p * (1 - p)
      }
      let step = min(max(slope / curvature, -1), 1)
      shift += step
      if abs(step) < 1e-3 { break }
    }
    // A shift that changes little costs what any costs.
    return abs(shift) < 0.02 ? 0 : min(max(shift, -8), 8)
  }
}

/// What is kept of a filter that others learn from.
struct Pilot: Sendable {
  /// The logarithm of each particle's weight.
  let logWeights: [Double]
  fileprivate let words: [UInt64]
  fileprivate let wordCount: Int

  /// - Parameter words: each particle's values by position, packed.
  init(logWeights: [Double], words: [UInt64]) {
    self.logWeights = logWeights
    self.words = words
    wordCount = words.count / logWeights.count
  }

  func bit(ofParticle particle: Int, _ position: Int) -> Bool {
    words[particle * wordCount + position / 64] >> UInt64(position % 64) & 1 == 1
  }
}

extension ChainQueries {
  /// The particles that each batch's pilot has.
  private static let pilotSize = 64
  /// A second pilot has the shifts of the first, and finds better ones.
  private static let pilotRounds = 2

  /// Learns shifts for each path; nil if `observe` said to stop.
  func tilts(
    for paths: [EvidencePath], _ draws: FilterDraws, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [EvidenceTilt]? {
    var tilts = paths.map(EvidenceTilt.init(none:))
    let batches = MarginalEstimate.batchCount
    // A few rows at a time: their pilots' particles are held.
    for first in stride(from: 0, to: paths.count, by: 8) {
      let rows = first..<min(first + 8, paths.count)
      let goOn = { (_: Double) throws(DensityError) in try observe(Double(first) / Double(paths.count)) }
      for round in 0..<Self.pilotRounds {
        let earlier = tilts
        let number = FilterDraws.pilotNumber - round
        let pilots = try mapInWaves(Array(0..<rows.count * batches), observing: goOn) { task in
          let (row, batch) = (rows.lowerBound + task / batches, task % batches)
          return ParticleFilter(
            source, paths[row], particleCount: Self.pilotSize,
            using: draws.generator(row: row, batch: batch, filter: number), tilt: earlier[row],
            keepsRows: true
          ).pilot
        }
        guard let pilots else { return nil }
        let learnt = try mapInWaves(Array(rows), observing: goOn) { row in
          let own = pilots[(row - rows.lowerBound) * batches..<(row - rows.lowerBound + 1) * batches]
          var generator = draws.generator(
            row: row, batch: 0, filter: FilterDraws.pilotNumber - Self.pilotRounds - round)
          return EvidenceTilt(source, paths[row], Array(own), earlier: earlier[row], using: &generator)
        }
        guard let learnt else { return nil }
        tilts.replaceSubrange(rows, with: learnt)
      }
    }
    return tilts
  }
}
