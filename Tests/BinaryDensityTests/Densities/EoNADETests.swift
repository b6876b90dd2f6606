import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("EoNADE as a density")
struct EoNADETests {
  @Test(
    "the probabilities of all rows sum to 1 for each order and for the mixture, and each is the definition's",
    arguments: EoNADECase.enumerable, [1, 2] as [UInt64])
  func normalization(_ modelCase: EoNADECase, seed: UInt64) throws {
    let mixture = try modelCase.model(seed: seed, spread: 0.6)
    let rows = BinaryMatrix.allRows(ofWidth: mixture.variableCount)
    let byOrder = mixture.logProbabilitiesByOrder(of: rows)
    #expect(byOrder.count == mixture.orders.count)
    for (index, model) in ([mixture] + mixture.orders.map(mixture.along)).enumerated() {
      let found = model.logProbabilities(of: rows)
      if index > 0 { #expect(found == byOrder[index - 1]) }
      let plain = PlainEoNADE(model: model)
      var (sum, bound) = (0.0, 0.0)
      for row in 0..<rows.rowCount {
        let expected = plain.logProbability(rows[row: row])
        #expect(abs(found[row] - expected.value) <= expected.error * (1 + 0x1p-29), "row \(row)")
        #expect(found[row] <= 0)
        sum += exp(found[row])
        bound += exp(expected.value) * expm1(2 * expected.error) + 0x1p-50
      }
      #expect(abs(sum - 1) <= bound)
      #expect(bound < 1e-3, "a bound of \(bound) says too little")
    }
  }

  @Test(
    "the reference agrees with the definition to the roundings of Double", arguments: EoNADECase.enumerable)
  func reference(_ modelCase: EoNADECase) throws {
    let model = try modelCase.model(seed: 3)
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    let plain = PlainEoNADE(model: model, roundoff: 0x1p-53)
    for (row, found) in inDouble(model, logProbabilitiesOf: rows).enumerated() {
      let expected = plain.logProbability(rows[row: row])
      // Both err by as much.
      #expect(abs(found - expected.value) <= 2 * expected.error)
    }
  }

  @Test(
    "larger models agree with definition and reference", arguments: EoNADECase.larger, [1, 2] as [UInt64])
  func larger(_ modelCase: EoNADECase, seed: UInt64) throws {
    let model = try modelCase.model(seed: seed, spread: 0.25)
    let rows = BinaryMatrix.random(150, model.variableCount, seed: seed)
    var fractions: [Double] = []
    let found =
      try model.evaluator().logProbabilities(of: rows) { (fraction) throws(DensityError) in
        fractions.append(fraction)
        return true
      } ?? []
    #expect(fractions == fractions.sorted() && fractions.last == 1)
    let few = rows.rows(70..<75)
    let exact = inDouble(model, logProbabilitiesOf: few)
    let plain = PlainEoNADE(model: model)
    for row in 0..<few.rowCount {
      let expected = plain.logProbability(few[row: row])
      #expect(abs(found[70 + row] - expected.value) <= expected.error)
      #expect(abs(exact[row] - expected.value) < 1e-9)
      #expect(expected.error < 0.1)
    }
    // A row's bits depend neither on its neighbours nor on the threads.
    #expect(model.logProbabilities(of: few) == Array(found[70..<75]))
    for count in [1, 3] { #expect(Threads.run(on: count) { model.logProbabilities(of: rows) } == found) }
  }

  @Test(
    "flipping a variable leaves the conditionals before it, and its own, bit-identical",
    arguments: EoNADECase.enumerable + EoNADECase.larger)
  func autoregression(_ modelCase: EoNADECase) throws {
    let mixture = try modelCase.model(seed: 4, spread: 0.5)
    let model = mixture.along(mixture.orders[0])
    let order = model.orders[0]
    let rows = BinaryMatrix.random(3, model.variableCount, seed: 1)
    let evaluator = try model.chain().evaluator(batchCapacity: 2)
    let before = evaluator.conditionalLogits(of: rows)
    let plain = PlainEoNADE(model: model)
    for (variable, z) in plain.logits(rows[row: 2], along: order).enumerated() {
      #expect(abs(Double(before[2, variable]) - z.value) <= z.error)
    }
    var reached = 0
    for flipped in 0..<model.variableCount {
      var others = rows
      for row in 0..<3 { others[row, flipped].toggle() }
      let after = evaluator.conditionalLogits(of: others)
      for variable in 0..<model.variableCount {
        let mayDiffer = order.positions[variable] > order.positions[flipped]
        for row in 0..<3 {
          if !mayDiffer { #expect(before[row, variable].bitPattern == after[row, variable].bitPattern) }
          if before[row, variable] != after[row, variable] { reached += 1 }
        }
      }
    }
    // Nearly all that may see a variable do, if some unit is awake.
    #expect(reached >= model.variableCount * (model.variableCount - 1) / 2)
  }

  @Test("in Double the conditionals are the reference's", arguments: EoNADECase.larger)
  func conditionals(_ modelCase: EoNADECase) throws {
    let mixture = try modelCase.model(seed: 6, spread: 0.3)
    let model = mixture.along(mixture.orders[0])
    let rows = BinaryMatrix.random(4, model.variableCount, seed: 2)
    let logits = inDouble(try model.chain(), conditionalLogitsOf: rows)
    for (row, expected) in inDouble(model, logProbabilitiesOf: rows).enumerated() {
      let found = (0..<model.variableCount).reduce(0.0) { sum, variable in
        let z = rows[row, variable] ? logits[row, variable] : -logits[row, variable]
        return sum + min(z, 0) - log1p(exp(-abs(z)))
      }
      #expect(abs(found - expected) < 1e-9)
    }
  }

  @Test("orders can be changed without touching the network")
  func orders() throws {
    let model = try EoNADECase(12, [9], orders: 2).model(seed: 1)
    let more = try model.withOrders(count: 7)
    #expect(more.parameters == model.parameters && more.orders.count == 7)
    #expect(Array(more.orders.prefix(2)) == model.orders && Set(more.orders).count == 7)
    #expect(try more.withOrders(count: 2).configuration == model.configuration)
    #expect(model.autoregressive() == nil && model.autoregressive(along: model.orders[0]) == nil)
    #expect(model.components?.map { $0.density.autoregressive()?.ordering } == model.orders)
    let one = try model.withOrders(count: 1)
    #expect(
      one.autoregressive()?.ordering == model.orders[0] && one.autoregressive(along: model.orders[1]) == nil)
    let rows = BinaryMatrix.random(20, 12, seed: 1)
    let terms = more.logProbabilitiesByOrder(of: rows)
    for (order, term) in zip(more.orders, terms) {
      #expect(model.along(order).logProbabilities(of: rows) == term)
    }
    // A mixture is at least as likely as the mean of its orders: Jensen's inequality.
    for (row, value) in more.logProbabilities(of: rows).enumerated() {
      #expect(value >= terms.reduce(0) { $0 + $1[row] } / 7)
    }
  }

  @Test(
    "sampling decides as D whole passes do", arguments: EoNADECase.enumerable + EoNADECase.larger, [1, 130])
  func decisions(_ modelCase: EoNADECase, rowCount: Int) throws {
    let model = try modelCase.model(seed: 12, spread: modelCase.configuration.variableCount > 20 ? 0.3 : 1)
    for (index, order) in model.orders.enumerated() {
      var generator = Philox(seed: UInt64(100 + index))
      var uniforms = Matrix<Float>(rowCount: rowCount, columnCount: model.variableCount)
      uniforms.fillUniform(using: &generator)
      let chain = try model.along(order).chain()
      let rows = chain.cursorSource().draw(uniforms: uniforms)
      var naive = BinaryMatrix(rowCount: rowCount, columnCount: model.variableCount)
      var closeCalls: Set<Int> = []
      for variable in order.variables {
        let z = chain.conditionalLogits(of: naive)
        for row in 0..<rowCount {
          let p = 1 / (1 + exp(-Double(z[row, variable])))
          naive[row, variable] = Double(uniforms[row, variable]) < p
          if abs(Double(uniforms[row, variable]) - p) < 1e-6 { closeCalls.insert(row) }
        }
      }
      for row in 0..<rowCount where !closeCalls.contains(row) {
        #expect(rows[row: row] == naive[row: row], "row \(row)")
      }
      // Of the 9100 decisions at most 0.02 are expected to be that close.
      #expect(closeCalls.count < 3)
      for count in [1, 3] {
        #expect(Threads.run(on: count) { chain.cursorSource().draw(uniforms: uniforms) } == rows)
      }
    }
  }

  @Test("samples come up as often as they should", arguments: [1, 3], [1, 2] as [UInt64])
  func frequencies(orderCount: Int, seed: UInt64) throws {
    let model = try EoNADECase(4, [9, 5], .tanh, orders: orderCount).model(seed: seed)
    let count = 20_000
    var generator = Philox(seed: seed, stream: 77)
    let (samples, logProbabilities) = try model.sampleWithLogProbabilities(count: count, using: &generator)
    var again = Philox(seed: seed, stream: 77)
    #expect(try model.sample(count: count, using: &again) == samples)
    for (found, expected) in zip(logProbabilities, model.logProbabilities(of: samples)) {
      // The same float, summed by the same kernel.
      #expect(found == expected)
    }
    var observed = Array(repeating: 0.0, count: 16)
    for row in 0..<count {
      observed[samples[row: row].enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }] += 1
    }
    for (value, logProbability) in model.logProbabilities(of: .allRows(ofWidth: 4)).enumerated() {
      let p = exp(logProbability)
      // Five and a half standard deviations, and one row, for rare ones: one of 64 comes so far once in 10⁵ runs.
      #expect(abs(observed[value] - p * Double(count)) < 1 + 5.5 * (Double(count) * p * (1 - p)).squareRoot())
    }
  }

  @Test("what cannot be is refused with a reason")
  func problems() {
    func problem(_ change: (inout EoNADE.Configuration) -> Void) -> String? {
      var configuration = EoNADE.Configuration(variableCount: 5, hiddenCounts: [4, 3], orderCount: 2)
      change(&configuration)
      return configuration.problem
    }
    #expect(problem { _ in } == nil)
    #expect(problem { $0.variableCount = 0 }?.contains("variable") == true)
    #expect(problem { $0.hiddenCounts = [] }?.contains("hidden layer") == true)
    #expect(problem { $0.hiddenCounts = [4, 0] }?.contains("unit") == true)
    #expect(problem { $0.hiddenCounts = Array(repeating: 1, count: 256) }?.contains("255") == true)
    for count in [0, 4097] { #expect(problem { $0.orderCount = count }?.contains("\(count)") == true) }
    #expect(problem { $0.ordering = .natural }?.contains("resampled") == true)
    #expect(
      problem {
        $0.ordering = .explicit([0, 1])
        $0.orderCount = 1
      }?.contains("permutation") == true)
  }
}
