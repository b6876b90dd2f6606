import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Special cases and configurations")
struct SpecialCaseTests {
  @Test(
    "one variable is a biased coin",
    arguments: [ModelCase.fvsbn(1), .nade(1, 1), .made(1, [1]), .made(1, [])])
  func coin(_ modelCase: ModelCase) throws {
    var model = try modelCase.model(seed: 1)
    for name in model.parameters.names where name != "b" {
      let matrix = model.parameters[name]
      model.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    }
    model.parameters["b"] = Matrix(rowCount: 1, columnCount: 1, elements: [Float(log(3.0))])
    let rows = BinaryMatrix([[0], [1]])
    let found = model.logProbabilities(of: rows)
    // σ(log 3) = 3/4; the logit is rounded to Float and the result as well.
    #expect(abs(found[0] - log(0.25)) < 8 * roundoff * 2)
    #expect(abs(found[1] - log(0.75)) < 8 * roundoff * 2)
    #expect(abs(try model.chain().conditionals(of: rows)[0, 0] - 0.75) < Float(8 * roundoff))
  }

  @Test("no rows in, no rows out", arguments: ModelCase.enumerable)
  func noRows(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 1)
    let none = BinaryMatrix(rowCount: 0, columnCount: model.variableCount)
    #expect(model.logProbabilities(of: none).isEmpty)
    for component in 0..<model.componentCount {
      let conditionals = model.component(component).conditionals(of: none)
      #expect(conditionals.rowCount == 0 && conditionals.columnCount == model.variableCount)
    }
    if let chain = model.autoregressive() { #expect(chain.conditionals(of: none).rowCount == 0) }
    var generator = Philox(seed: 1)
    let (rows, logProbabilities) = try model.sampleWithLogProbabilities(count: 0, using: &generator)
    #expect(rows == none)
    #expect(logProbabilities.isEmpty)
  }

  @Test("a row alone has the bits it has among many", arguments: ModelCase.enumerable + ModelCase.larger)
  func oneRow(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 4)
    let rows = BinaryMatrix.random(600, model.variableCount, seed: 2)
    let many = model.logProbabilities(of: rows)
    // 511 and 512 stand on either side of the end of a batch.
    for row in [0, 1, 7, 100, 511, 512, 599] {
      #expect(model.logProbabilities(of: rows.rows(row..<row + 1)) == [many[row]])
    }
  }

  @Test("logits of ±100 give finite log-probabilities, and certain samples", arguments: ModelCase.enumerable)
  func extremes(_ modelCase: ModelCase) throws {
    var model = try modelCase.model(seed: 1)
    let count = model.variableCount
    for name in model.parameters.names {
      let matrix = model.parameters[name]
      model.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    }
    model.parameters["b"] = Matrix(
      rowCount: 1, columnCount: count, elements: (0..<count).map { $0 % 2 == 0 ? 100 : -100 })
    let likely = (0..<count).map { $0 % 2 == 0 }
    let rows = BinaryMatrix([likely, likely.map { !$0 }])
    for found in [model.logProbabilities(of: rows), inDouble(model, logProbabilitiesOf: rows)] {
      // Each likely bit costs log(1 + e⁻¹⁰⁰) = 4e-44 nats, each unlikely one 100.
      #expect(found[0] <= 0 && found[0] > -1e-37 * Double(count))
      #expect(abs(found[1] + 100 * Double(count)) <= 8 * roundoff * 100 * Double(count))
    }
    for component in 0..<model.componentCount {
      let conditionals = model.component(component).conditionals(of: rows)
      #expect(conditionals.elements.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
    var generator = Philox(seed: 1)
    let (samples, logProbabilities) = try model.sampleWithLogProbabilities(count: 200, using: &generator)
    #expect((0..<200).allSatisfy { samples[row: $0] == likely })
    #expect(logProbabilities.allSatisfy { $0 <= 0 && $0 > -1e-30 })
  }

  @Test("huge weights stay finite and never have NaN", arguments: ModelCase.enumerable)
  func hugeWeights(_ modelCase: ModelCase) throws {
    let model = try modelCase.model(seed: 3, spread: 1000)
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    #expect(model.logProbabilities(of: rows).allSatisfy { $0.isFinite && $0 <= 0 })
    if let chain = model.autoregressive() {
      #expect(chain.conditionals(of: rows).elements.allSatisfy { $0 >= 0 && $0 <= 1 })
    }
  }

  @Test(
    "784 variables: Float is within 1e-3 nats of Double",
    arguments: [
      ModelCase.fvsbn(784), .nade(784, 100), .nade(784, 64, .relu, ordering: .random),
      .made(784, [100], masks: 2),
      .made(784, [64, 64], direct: true, ordering: .random),
    ])
  func precision(_ modelCase: ModelCase) throws {
    // Weights of the size of trained ones, and log-probabilities of the size of digits' or beyond.
    let model = try modelCase.model(seed: 1, spread: 0.15)
    let rows = BinaryMatrix.random(12, 784, probability: 0.15, seed: 1)
    let fast = model.logProbabilities(of: rows)
    let exact = inDouble(model, logProbabilitiesOf: rows)
    #expect(fast.allSatisfy { $0 < -50 })
    for (a, b) in zip(fast, exact) { #expect(abs(a - b) < 1e-3) }
  }

  @Test(
    "a seed fixes the initial parameters",
    arguments: [ModelCase.nade(20, 9), .made(20, [9, 5], direct: true)])
  func initialisation(_ modelCase: ModelCase) throws {
    func made(_ seed: UInt64) throws -> Parameters<Float> {
      switch modelCase {
      case .fvsbn(let c): try FVSBN(c, seed: seed).parameters
      case .nade(let c): try NADE(c, seed: seed).parameters
      case .made(let c): try MADE(c, seed: seed).parameters
      }
    }
    let (first, again, other) = try (made(1), made(1), made(2))
    #expect(first == again)
    #expect(first != other)
    for (name, matrix) in zip(first.names, first.matrices) {
      guard matrix.rowCount > 1, name != "direct" else {
        #expect(matrix.elements.allSatisfy { $0 == 0 }, "\(name) starts at zero")
        continue
      }
      // Glorot's bound, which the largest of some hundred uniform draws comes close to.
      let bound = Float((6 / Double(matrix.rowCount + matrix.columnCount)).squareRoot())
      let largest = matrix.elements.map { abs($0) }.max() ?? 0
      #expect(largest <= bound && largest > 0.9 * bound, "\(name)")
      let mean = matrix.elements.reduce(0, +) / Float(matrix.elements.count)
      // A uniform number in ±bound has a standard deviation of bound / √3; five of the mean's.
      #expect(abs(mean) < 5 * bound / (3 * Float(matrix.elements.count)).squareRoot(), "\(name)")
    }
    #expect(Set(first.matrices.filter { $0.rowCount > 1 }.map { $0[0, 0] }).count > 1)
  }

  @Test("an untrained FVSBN is the uniform distribution")
  func untrained() throws {
    let model = try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1)
    #expect(model.parameterCount == 42)
    for value in model.logProbabilities(of: .allRows(ofWidth: 6)) {
      #expect(abs(value - 6 * log(0.5)) < 6 * 8 * roundoff)
    }
  }
}
