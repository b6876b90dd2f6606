import BinaryDensity
import Kernels
import Testing
import _TestSupport

/// Every instruction set against double precision, on all of MNIST's test rows.
@Suite("Likelihoods of every instruction set")
struct InstructionSetTests {
  /// Untrained models of a moderate size, their weights and biases spread so that logits reach about ±20.
  private static func models() throws -> [any NetworkDensity] {
    func spread(_ model: some NetworkDensity) -> any NetworkDensity {
      var model = model
      for (index, name) in model.parameters.names.enumerated() {
        let matrix = model.parameters[name]
        model.parameters[name] = .uniform(
          matrix.rowCount, matrix.columnCount, in: -0.6...0.5, seed: UInt64(index + 1))
      }
      return model
    }
    return [
      spread(try FVSBN(FVSBN.Configuration(variableCount: 784), seed: 1)),
      spread(
        try NADE(NADE.Configuration(variableCount: 784, hiddenCount: 40, activation: .sigmoid), seed: 1)),
      spread(try NADE(NADE.Configuration(variableCount: 784, hiddenCount: 40), seed: 1)),
      spread(
        try MADE(
          MADE.Configuration(variableCount: 784, hiddenCounts: [40, 40], activation: .tanh), seed: 1)),
    ]
  }

  @Test("log p is within 1e-3 nats of double precision in every row")
  func agreesWithDouble() throws {
    let rows = try #require(try DataSplits.mnist(directory: MNISTTests.directory).test)
    #expect(rows.rowCount == 10_000)
    for model in try Self.models() {
      let exact = Self.reference(model, rows)
      for set in InstructionSet.available {
        let found = set.run { model.logProbabilities(of: rows) }
        let worst = zip(found, exact).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= 1e-3, "\(type(of: model)) with \(set.rawValue): \(worst) nats")
      }
    }
  }

  /// log p in double precision, on all processors.
  private static func reference(_ model: some NetworkDensity, _ rows: BinaryMatrix) -> [Double] {
    let chunk = 500
    return Threads.map(count: (rows.rowCount + chunk - 1) / chunk) { part in
      let range = part * chunk..<min((part + 1) * chunk, rows.rowCount)
      return inDouble(model, logProbabilitiesOf: rows.rows(range))
    }.flatMap { $0 }
  }
}
