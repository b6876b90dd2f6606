import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Exact densities")
struct DensityTests {
  @Test(
    "the probabilities of all rows sum to 1, and each is the plain definition's",
    arguments: ModelCase.enumerable, [1, 2] as [UInt64])
  func normalization(_ modelCase: ModelCase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed)
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    let fast = model.logProbabilities(of: rows)
    let exact = inDouble(model, logProbabilitiesOf: rows)
    for (found, roundoff, limit) in [(fast, 0x1p-24, 1e-3), (exact, 0x1p-53, 1e-11)] {
      let plain = PlainDensity(model: model, roundoff: roundoff)
      var (sum, bound, plainSum) = (0.0, 0.0, 0.0)
      for row in 0..<rows.rowCount {
        let expected = plain.logProbability(rows[row: row])
        // The plain computation itself errs by as much as one in Double does.
        let error = expected.error * (1 + 0x1p-29) + (roundoff == 0x1p-53 ? expected.error : 0)
        #expect(abs(found[row] - expected.value) <= error, "row \(row)")
        #expect(found[row] <= 0)
        sum += exp(found[row])
        plainSum += exp(expected.value)
        bound += exp(expected.value) * expm1(2 * error) + 0x1p-50
      }
      #expect(abs(sum - 1) <= bound)
      #expect(abs(plainSum - 1) <= bound)
      #expect(bound < limit, "a bound of \(bound) says too little")
    }
  }

  @Test("larger models agree with the plain definition", arguments: ModelCase.larger, [1, 2] as [UInt64])
  func definition(_ modelCase: ModelCase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed, spread: 0.3)
    let rows = BinaryMatrix.random(9, model.variableCount, seed: seed)
    let found = model.logProbabilities(of: rows)
    let exact = inDouble(model, logProbabilitiesOf: rows)
    let logits = model.logits(of: rows)
    let plain = PlainDensity(model: model)
    for row in 0..<rows.rowCount {
      let expected = plain.logProbability(rows[row: row])
      #expect(abs(found[row] - expected.value) <= expected.error)
      #expect(expected.error < 0.1)
      // 1e-9 nats is some 10⁷ roundings in Double of numbers that take 10⁴ operations.
      #expect(abs(exact[row] - expected.value) < 1e-9)
      for component in logits.indices {
        for (variable, z) in plain.logits(rows[row: row], component: component).enumerated() {
          #expect(abs(Double(logits[component][row, variable]) - z.value) <= z.error)
        }
      }
    }
  }

  @Test(
    "flipping a variable leaves every conditional that may not see it bit-identical",
    arguments: ModelCase.enumerable + ModelCase.larger)
  func autoregression(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 3)
    let count = model.variableCount
    let base = BinaryMatrix.random(3, count, seed: 4)
    let before = model.logits(of: base)
    let chain = model.autoregressive()
    let conditionalsBefore = chain?.conditionals(of: base)
    var changes = 0
    for flipped in 0..<count {
      var rows = base
      for row in 0..<rows.rowCount { rows[row, flipped].toggle() }
      let after = model.logits(of: rows)
      let conditionalsAfter = chain?.conditionals(of: rows)
      for component in 0..<model.componentCount {
        let positions = model.ordering(ofComponent: component).positions
        for variable in 0..<count {
          for row in 0..<rows.rowCount {
            let isSame =
              before[component][row, variable].bitPattern == after[component][row, variable].bitPattern
            if positions[variable] <= positions[flipped] {
              #expect(isSame, "variable \(variable) sees \(flipped)")
              if let conditionalsBefore, let conditionalsAfter {
                #expect(
                  conditionalsBefore[row, variable].bitPattern == conditionalsAfter[row, variable].bitPattern)
              }
            } else if !isSame {
              changes += 1
            }
          }
        }
      }
    }
    // What may be seen is seen.
    #expect(changes > 0 || count == 1)
  }

  @Test(
    "what a mask forbids does not matter, even if it is not a number",
    arguments: [ModelCase.fvsbn(9, ordering: .random), ModelCase.made(9, [12], ordering: .random)])
  func forbiddenWeights(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 3)
    let rows = BinaryMatrix.random(20, 9, seed: 4)
    var poisoned = model
    let masks = model.masks(ofComponent: 0)
    let names = model.kind == .fvsbn ? ["w"] : ["w0", "v"]
    var count = 0
    for (name, mask) in zip(names, masks) {
      for input in 0..<mask.inputCount {
        for output in 0..<mask.outputCount where !mask.permits(input, output) {
          poisoned.parameters[name][input, output] = .nan
          count += 1
        }
      }
    }
    #expect(count > 0)
    #expect(poisoned.logProbabilities(of: rows) == model.logProbabilities(of: rows))
  }

  @Test(
    "log p is the sum of the logarithms of the conditionals",
    arguments: ModelCase.enumerable + ModelCase.larger)
  func chainRule(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 6, spread: 0.5)
    guard let chain = model.autoregressive() else {
      #expect(model.componentCount > 1)
      return
    }
    let rows = BinaryMatrix.random(30, model.variableCount, seed: 7)
    let found = model.logProbabilities(of: rows)
    let conditionals = chain.conditionals(of: rows)
    for row in 0..<rows.rowCount {
      var (sum, bound) = (0.0, 0.0)
      for variable in 0..<model.variableCount {
        let p = Double(conditionals[row, variable])
        let taken = rows[row, variable] ? p : 1 - p
        sum += log(taken)
        // A conditional is within 3 ulp and rounded: 8u in all, which its logarithm divides by what was
        // taken. The log-likelihood's term errs by 4 ulp.
        bound += 8 * roundoff / taken + 8 * roundoff * abs(log(taken))
      }
      // Each component's log-probability is rounded to Float, and their mixture too.
      bound += 12 * roundoff * max(1, abs(found[row]))
      #expect(abs(found[row] - sum) <= bound)
    }
  }

  @Test("conditionals are the ratios of enumerated marginals", arguments: ModelCase.enumerable)
  func marginals(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 8)
    guard let chain = model.autoregressive() else {
      #expect(model.componentCount > 1)
      return
    }
    let ordering = chain.ordering
    let count = model.variableCount
    let rows = BinaryMatrix.allRows(ofWidth: count)
    let plain = PlainDensity(model: model)
    let exact = (0..<rows.rowCount).map { plain.logProbability(rows[row: $0]) }
    let probabilities = exact.map { exp($0.value) }
    // Both sides of a ratio move by at most the largest relative error of a probability; a conditional's own
    // logit errs by less than a whole row does.
    let bound = 4 * expm1(exact.map(\.error).max() ?? 0) + 8 * roundoff
    #expect(bound < 1e-3)
    let conditionals = chain.conditionals(of: rows)
    for (position, variable) in ordering.variables.enumerated() {
      let known = ordering.variables[..<position]
      // Rows by what they share before the variable.
      var totals: [Int: (on: Double, all: Double)] = [:]
      func prefix(_ row: Int) -> Int { known.reduce(0) { $0 << 1 | (rows[row, $1] ? 1 : 0) } }
      for row in 0..<rows.rowCount {
        totals[prefix(row), default: (0, 0)].all += probabilities[row]
        if rows[row, variable] { totals[prefix(row), default: (0, 0)].on += probabilities[row] }
      }
      for row in 0..<rows.rowCount {
        let total = try #require(totals[prefix(row)])
        #expect(abs(Double(conditionals[row, variable]) - total.on / total.all) <= bound)
      }
    }
  }

  @Test(
    "a mixture is the log-mean-exp of its components", arguments: (ModelCase.enumerable + ModelCase.larger))
  func mixture(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 9, spread: 0.5)
    let rows = BinaryMatrix.random(20, model.variableCount, seed: 1)
    let found = model.logProbabilities(of: rows)
    let logits = model.logits(of: rows)
    #expect(logits.count == model.componentCount)
    for row in 0..<rows.rowCount {
      let terms = logits.map { logits in
        (0..<model.variableCount).reduce(0.0) { sum, variable in
          let z = Double(logits[row, variable])
          let signed = rows[row, variable] ? z : -z
          return sum + min(signed, 0) - log1p(exp(-abs(signed)))
        }
      }
      let largest = terms.max() ?? 0
      let expected = largest + log(terms.reduce(0) { $0 + exp($1 - largest) } / Double(terms.count))
      // From the same logits only the terms' 4 ulp and the roundings of row and mixture are left.
      #expect(abs(found[row] - expected) <= 20 * roundoff * max(1, terms.map { abs($0) }.max() ?? 0))
    }
  }

  @Test("a mixture over different orderings has no conditionals, and offers none")
  func differentOrderings() throws {
    for ordering in [OrderingRule.random, .resampled] {
      let configuration = MADE.Configuration(
        variableCount: 6, hiddenCounts: [8], maskCount: 2, ordering: ordering)
      let model = try MADE(configuration, seed: 1)
      #expect((model.autoregressive() != nil) == (ordering == .random))
      #expect(model.components?.map(\.weight) == [0.5, 0.5])
      let other = Ordering.natural(count: 6)
      #expect(model.autoregressive(along: other) == nil)
    }
  }
}
