import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("What is kept of a search")
struct MixtureSelectionTests {
  private typealias Candidate = MixtureSelection.Candidate

  /// A thousand rows of two columns, all four values as often.
  private static let rows = BinaryMatrix(rowCount: 1000, columnCount: 2) { ($0 >> $1) & 1 == 1 }

  /// A candidate of which the columns are on with these probabilities.
  private static func candidate(_ name: String, _ probabilities: Double...) -> Candidate {
    let logits = Matrix<Float>(rowCount: 1, columnCount: 2) {
      Float(log(probabilities[$1] / (1 - probabilities[$1])))
    }
    let density = IndependentBernoulli(logits: logits)
    return Candidate(name: name, density, terms: density.logProbabilities(of: rows))
  }

  private static func outcome(_ kept: Candidate, ceiling: Double = .infinity) -> MixtureSelection.Outcome {
    MixtureSelection.Outcome(kept: kept, whole: nil, network: nil, ceiling: ceiling)
  }

  @Test("a distilled network is kept where it is as good, its mixture with the other where that is better")
  func distilled() throws {
    let even = Self.candidate("even", 0.5, 0.5)
    let skewed = Self.candidate("skewed", 0.9, 0.5)
    var outcome = Self.outcome(skewed)
    outcome.add(distilled: even) { _ in true }
    #expect(outcome.kept.name == "even")
    outcome = Self.outcome(even)
    outcome.add(distilled: skewed) { _ in true }
    #expect(outcome.kept.name == "even")
    // Each knows half of the rows: the two together are even again.
    let (on, off) = (Self.candidate("on", 0.9, 0.5), Self.candidate("off", 0.1, 0.5))
    outcome = Self.outcome(on)
    outcome.add(distilled: off) { _ in true }
    #expect(outcome.kept.name == "on, mixed with what was distilled of it")
    #expect(abs(outcome.kept.nll - 2 * log(2)) < 1e-6)
    let measured = outcome.kept.density.logProbabilities(of: Self.rows)
    #expect(zip(measured, outcome.kept.terms).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test(
    "a tenth of the standard error is given up for a smaller file, unless a size says how small it has to be")
  func loss() {
    let (best, near) = (Self.candidate("best", 0.6, 0.5), Self.candidate("near", 0.601, 0.5))
    let far = Self.candidate("far", 0.65, 0.5)
    #expect(near.nll > best.nll && near.nll < best.nll + 0.0005)
    for (network, prefersSmall, kept) in [(near, true, "near"), (near, false, "best"), (far, true, "best")] {
      var outcome = MixtureSelection.Outcome(
        kept: best, whole: nil, network: nil, ceiling: .infinity, prefersSmall: prefersSmall)
      outcome.add(distilled: network) { _ in true }
      #expect(outcome.kept.name == kept)
    }
  }

  @Test("what has given up as much already for a smaller file gives up no more")
  func lossOnce() {
    let (whole, kept) = (Self.candidate("whole", 0.6, 0.5), Self.candidate("kept", 0.601, 0.5))
    let network = Self.candidate("network", 0.602, 0.5)
    for (mixture, name) in [(nil, "network"), (whole, "kept")] {
      var outcome = MixtureSelection.Outcome(kept: kept, whole: mixture, network: nil, ceiling: .infinity)
      outcome.add(distilled: network) { _ in true }
      #expect(outcome.kept.name == name)
    }
  }

  @Test("a network that is larger than what it learnt from has to be better")
  func larger() {
    let (small, near) = (Self.candidate("small", 0.6, 0.5), Self.candidate("near", 0.601, 0.5))
    let large = Candidate(
      name: "large", Mixture([near.density, near.density], weights: [1, 2]), terms: near.terms)
    var outcome = Self.outcome(small)
    outcome.add(distilled: large) { _ in true }
    #expect(outcome.kept.name == "small")
    outcome = Self.outcome(large)
    outcome.add(distilled: small) { _ in true }
    #expect(outcome.kept.name == "small")
  }

  @Test("the mixture is not kept where it has no room, nor what is worse than an earlier search had found")
  func limits() throws {
    let (on, off) = (Self.candidate("on", 0.9, 0.5), Self.candidate("off", 0.15, 0.5))
    var outcome = Self.outcome(on)
    outcome.add(distilled: off) { !($0.density is Mixture) }
    #expect(outcome.kept.name == "off")
    outcome = Self.outcome(on, ceiling: 1)
    outcome.add(distilled: off) { _ in true }
    #expect(outcome.kept.name == "on")
    // What nobody had the time to measure cannot be mixed.
    outcome = Self.outcome(Candidate(name: "unmeasured", on.density, terms: [], nll: on.nll))
    outcome.add(distilled: off) { _ in true }
    #expect(outcome.kept.name == "off")
  }
}
