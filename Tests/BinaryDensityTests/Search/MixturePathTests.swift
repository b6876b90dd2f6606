import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Mixtures of ever more networks")
struct MixturePathTests {
  /// A group of networks whose log p of some rows is given.
  private func group(_ terms: [[Double]]) throws -> MixturePath.Group {
    MixturePath.Group(
      members: try terms.indices.map { try ModelCase.fvsbn(3).model(seed: UInt64($0)) },
      counts: Array(1...terms.count), terms: terms)
  }

  private func nll(_ terms: [[Double]]) -> Double {
    let rows = terms[0].indices.map { row in log(terms.reduce(0) { $0 + exp($1[row]) } / Double(terms.count))
    }
    return -rows.reduce(0, +) / Double(rows.count)
  }

  @Test("each step adds the network that helps most, and ends with all")
  func greedy() throws {
    let a = [[-3.0, -1, -2], [-2.5, -1, -2]]
    let b = [[-1.0, -4, -2]]
    let path = MixturePath([try group(a), try group(b)], while: { true })
    // b alone has 7/3, a alone 2 at first, 11/6 with its second network.
    #expect(path.steps.map(\.levels) == [[1, 0], [1, 1], [2, 1]])
    let expected = [nll([a[0]]), nll([a[0], b[0]]), nll([a[1], b[0]])]
    for (step, expected) in zip(path.steps, expected) { #expect(abs(step.nll - expected) < 1e-12) }
    #expect(path.whole.levels == [2, 1] && path.networkCount(of: path.whole) == 3)
    #expect(path.networkCount(of: path.steps[1]) == 2)
    for step in path.steps {
      #expect(abs(-path.terms(of: step).reduce(0, +) / 3 - step.nll) < 1e-12)
    }
    #expect(path.density(of: path.steps[0]) is FVSBN && path.density(of: path.steps[1]) is Mixture)
    let parts = path.parts(of: path.whole)
    #expect(parts.count == 2 && parts[0].density is Ensemble && parts[1].density is FVSBN)
  }

  @Test("rows that one network finds all but impossible are no trouble")
  func extremes() throws {
    let path = MixturePath(
      [try group([[-5000, -1]]), try group([[-1, -5000]]), try group([[-2, -3]])], while: { true })
    #expect(path.steps.count == 3 && path.steps[0].levels == [0, 0, 1])
    let sums = (exp(-1.0) + exp(-2), exp(-1.0) + exp(-3))
    #expect(abs(path.whole.nll - (log(3) - (log(sums.0) + log(sums.1)) / 2)) < 1e-9)
    #expect(path.steps.allSatisfy { $0.nll.isFinite })
  }

  @Test("without time there is all of them")
  func hurry() throws {
    let terms = [[-3.0, -1], [-2, -1]]
    let path = MixturePath([try group(terms)], while: { false })
    #expect(path.steps.count == 1 && path.whole.levels == [2])
    #expect(abs(path.whole.nll - 1.5) < 1e-12)
  }

  @Test(
    "the averages of first members are those of ensembles of them",
    arguments: [Ensemble.Averaged.logits, .probabilities])
  func firstMembers(averaged: Ensemble.Averaged) throws {
    let members = try (0..<4).map { try ModelCase.nade(7, 9, .relu).model(seed: $0) as any Density }
    let rows = BinaryMatrix.random(700, 7, seed: 1)
    let found = try #require(
      try Ensemble(members, averaging: averaged).logProbabilitiesOfFirstMembers(of: rows) {
        (_) throws(DensityError) in true
      })
    for count in 1...4 {
      let expected = Ensemble(Array(members[..<count]), averaging: averaged)
        .logProbabilities(of: rows)
      for (a, b) in zip(found[count - 1], expected) { #expect(abs(a - b) < 1e-4) }
    }
    let none = try Ensemble(members).logProbabilitiesOfFirstMembers(of: rows) { (_) throws(DensityError) in
      false
    }
    #expect(none == nil)
  }
}
