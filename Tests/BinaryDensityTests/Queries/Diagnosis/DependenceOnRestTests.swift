import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Dependence on the rest")
struct DependenceOnRestTests {
  @Test("exact answers equal enumeration", arguments: InferenceCase.all)
  func exact(_ inferenceCase: InferenceCase) throws {
    let density = try inferenceCase.density(6)
    let truth = EnumeratedPairs(density)
    let found = try #require(try density.inference().dependenceOnRest())
    let pairs = try #require(try density.inference().mutualInformation())
    #expect(found.map(\.column) == Array(0..<density.variableCount))
    for rest in found {
      #expect(rest.entropy.isExact && rest.information.isExact)
      #expect(abs(rest.entropy.value - truth.entropy(of: rest.column)) < 1e-5)
      #expect(abs(rest.information.value - truth.informationOfRest(rest.column)) < 1e-5)
      #expect((0...1).contains(rest.share))
      // All others together tell no less than each.
      for other in 0..<density.variableCount where other != rest.column {
        #expect(pairs[rest.column, other].value <= rest.information.value + 1e-6)
      }
    }
  }

  @Test("errors of estimates are as large as they are said to be")
  func coverage() throws {
    var (all, within, squares) = (0, 0, 0.0)
    for inferenceCase in InferenceCase.all {
      for seed in 1...3 as ClosedRange<UInt64> {
        let density = try inferenceCase.density(seed)
        let truth = EnumeratedPairs(density)
        let inference = try density.inference(MutualInformationTests.drawing(seed: seed))
        // The last columns alone, to see that they are named rightly.
        let columns = Array((1..<density.variableCount).reversed())
        let found = try #require(try inference.dependenceOnRest(of: columns, rowCount: 1500))
        #expect(found.map(\.column) == columns)
        for rest in found {
          for (measured, expected) in [
            (rest.entropy, truth.entropy(of: rest.column)),
            (rest.information, truth.informationOfRest(rest.column)),
          ] {
            let z = (measured.value - expected) / (try #require(measured.standardError))
            all += 1
            squares += z * z
            if abs(z) <= 2 { within += 1 }
          }
        }
      }
    }
    let share = Double(within) / Double(all)
    #expect(share > 0.92, "\(share) of \(all)")
    #expect(squares / Double(all) > 0.4, "\(squares / Double(all))")
  }

  @Test("what is on in hardly any row has an error; the rest tells no more than the entropy")
  func rare() throws {
    // 25 columns, on in one of 8000 rows.
    let density = IndependentBernoulli(
      logits: Matrix(rowCount: 1, columnCount: 25) { _, _ in Float(-log(8000.0)) })
    let p = 1.0 / 8001
    let truth = -p * log(p) - (1 - p) * log1p(-p)
    for seed in 0..<5 as Range<UInt64> {
      let inference = try density.inference(MutualInformationTests.drawing(seed: seed))
      for rest in try #require(try inference.dependenceOnRest(of: [3, 17], rowCount: 200)) {
        let error = try #require(rest.entropy.standardError)
        #expect(error > 0 && abs(rest.entropy.value - truth) < 3 * error)
        #expect(rest.information.value <= rest.entropy.value && rest.information.value < 3 * error)
      }
    }
  }

  @Test("a copy is told whole, what is alone not at all, and threads change nothing")
  func extremes() throws {
    // 25 columns, beyond what is tabulated: x_1 nearly copies x_0, all others are alone.
    let logits = Matrix<Float>(rowCount: 2, columnCount: 25) { row, column in
      column == 1 ? (row == 0 ? -20 : 20) : 0.5
    }
    let tree = ChowLiuTree(parents: [nil, 0] + Array(repeating: nil, count: 23), logits: logits)
    let inference = try tree.inference()
    let found = try #require(try inference.dependenceOnRest(rowCount: 700))
    let p = 1 / (1 + exp(-0.5))
    let entropy = -p * log(p) - (1 - p) * log(1 - p)
    for rest in found {
      let error = try #require(rest.information.standardError)
      #expect(error > 0 && abs(rest.entropy.value - entropy) < 4 * (rest.entropy.standardError ?? 0) + 1e-3)
      if rest.column < 2 {
        #expect(rest.share > 0.999 && abs(rest.information.value - entropy) < 4 * error)
      } else {
        #expect(rest.information.value < 1e-6 && error < 0.01)
      }
    }
    #expect(try Threads.run(on: 1) { try inference.dependenceOnRest(rowCount: 700) } == found)
    #expect(throws: DensityError.invalidConfiguration("from 2 to 1000000000 rows are drawn, not 1")) {
      _ = try inference.dependenceOnRest(rowCount: 1)
    }
  }
}
