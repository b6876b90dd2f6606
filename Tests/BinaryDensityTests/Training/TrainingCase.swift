import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A small model and a way of training it, for tests that go through all of them.
struct TrainingCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let configuration: TrainingConfiguration
  /// Makes the untrained model of `variableCount` variables.
  let model: @Sendable (_ variableCount: Int) throws -> any TrainableDensity

  static let all: [TrainingCase] = [
    TrainingCase(
      testDescription: "FVSBN, SGD with momentum, constant rate",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 7, learningRate: 0.05, schedule: .constant, optimizer: .sgd(momentum: 0.9),
        seed: 3)
    ) { try FVSBN(FVSBN.Configuration(variableCount: $0), seed: 5) },
    TrainingCase(
      testDescription: "NADE, Adam with decay and clipping, cosine",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 8, learningRate: 0.01, schedule: .cosine(warmUp: 0.1),
        optimizer: .adam(weightDecay: 0.01), clippingNorm: 1, seed: 4)
    ) { try NADE(NADE.Configuration(variableCount: $0, hiddenCount: 19, activation: .sigmoid), seed: 6) },
    TrainingCase(
      testDescription: "NADE of ReLUs in a random order, Adagrad, a plateau",
      // A rate so high that the validation figure does not always improve.
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 20, learningRate: 0.8, schedule: .reduceOnPlateau(factor: 0.5, patience: 1),
        optimizer: .adagrad(), seed: 7)
    ) {
      try NADE(NADE.Configuration(variableCount: $0, hiddenCount: 8, ordering: .random), seed: 9)
    },
    TrainingCase(
      testDescription: "MADE with three masks over three orders, Adagrad, plateau",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 9, learningRate: 0.2, schedule: .reduceOnPlateau(factor: 0.5, patience: 1),
        optimizer: .adagrad(), seed: 5)
    ) {
      try MADE(
        MADE.Configuration(
          variableCount: $0, hiddenCounts: [17, 9], hasDirectWeights: true, maskCount: 3, ordering: .resampled
        ),
        seed: 7)
    },
    TrainingCase(
      testDescription: "MADE on fresh masks, Adam, inverse decay",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 10, learningRate: 0.02, schedule: .inverseDecay(halving: 5),
        optimizer: .adam(),
        seed: 6)
    ) {
      try MADE(
        MADE.Configuration(
          variableCount: $0, hiddenCounts: [16], activation: .tanh, maskCount: 2, trainsOnFreshMasks: true,
          ordering: .resampled), seed: 8)
    },
    TrainingCase(
      testDescription: "MADE on fresh masks over one order, SGD with clipping, cosine",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 16, learningRate: 0.1, schedule: .cosine(warmUp: 0, floor: 0.1),
        optimizer: .sgd(momentum: 0), clippingNorm: 0.5, seed: 8)
    ) {
      try MADE(
        MADE.Configuration(
          variableCount: $0, hiddenCounts: [8, 8], trainsOnFreshMasks: true, ordering: .natural), seed: 10)
    },
    TrainingCase(
      testDescription: "MADE with dropout and averaged weights, from the marginals, Adam, cosine",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 12, learningRate: 0.02, optimizer: .adam(weightDecay: 0.01), seed: 9,
        dropout: Dropout(inputs: 0.1, hidden: 0.5), averaging: 0.9, startsAtMarginals: true)
    ) {
      try MADE(
        MADE.Configuration(variableCount: $0, hiddenCounts: [16, 8], hasDirectWeights: true), seed: 11)
    },
    TrainingCase(
      testDescription: "residual MADE on fresh masks with dropout, Adam, measured every second epoch",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 12, learningRate: 0.02, optimizer: .adam(weightDecay: 0.1), seed: 3,
        validationInterval: 2, dropout: Dropout(hidden: 0.3))
    ) {
      try MADE(
        MADE.Configuration(
          variableCount: $0, hiddenCounts: [14, 14, 14], isResidual: true, maskCount: 2,
          trainsOnFreshMasks: true, ordering: .random), seed: 12)
    },
    TrainingCase(
      testDescription: "EoNADE over three orders, Adam, cosine, an average",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 9, learningRate: 0.02, optimizer: .adam(), seed: 9, averaging: 0.9)
    ) {
      try EoNADE(EoNADE.Configuration(variableCount: $0, hiddenCounts: [13, 9], orderCount: 3), seed: 11)
    },
    TrainingCase(
      testDescription: "EoNADE along one order, SGD, dropout",
      configuration: TrainingConfiguration(
        epochCount: 4, batchSize: 12, learningRate: 0.02, schedule: .constant, optimizer: .sgd(momentum: 0.5),
        seed: 2,
        dropout: Dropout(inputs: 0.1, hidden: 0.3))
    ) {
      try EoNADE(
        EoNADE.Configuration(variableCount: $0, hiddenCounts: [16], activation: .tanh, ordering: .random),
        seed: 12)
    },
  ]

  /// Rows of a chain in which each bit repeats the one before it with probability 0.9, the first a fair coin.
  static func chain(rowCount: Int, variableCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    var bit = false
    return BinaryMatrix(rowCount: rowCount, columnCount: variableCount) { _, column in
      let isRepeated = Double.random(in: 0..<1, using: &generator) < (column == 0 ? 0.5 : 0.9)
      if !isRepeated { bit.toggle() }
      return bit
    }
  }

  /// The mean of −log p of rows under the chain that they were drawn from.
  static func chainFigure(_ rows: BinaryMatrix) -> Double {
    var sum = 0.0
    for row in 0..<rows.rowCount {
      let bits = rows[row: row]
      sum -= log(0.5)
      for (before, after) in zip(bits, bits.dropFirst()) { sum -= log(before == after ? 0.9 : 0.1) }
    }
    return sum / Double(rows.rowCount)
  }

  /// Rows of fair coins but for the last bit, which says whether the number of those before it is odd.
  static func parity(rowCount: Int, variableCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    var isOdd = false
    return BinaryMatrix(rowCount: rowCount, columnCount: variableCount) { _, column in
      if column == 0 { isOdd = false }
      if column == variableCount - 1 { return isOdd }
      let bit = Bool.random(using: &generator)
      if bit { isOdd.toggle() }
      return bit
    }
  }

  /// Rows of fair coins, of which nothing can be learnt but themselves.
  static func noise(rowCount: Int, variableCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return BinaryMatrix(rowCount: rowCount, columnCount: variableCount) { _, _ in
      Bool.random(using: &generator)
    }
  }

  static func data(seed: UInt64 = 1) -> DataSplits {
    DataSplits(
      name: "chain", train: chain(rowCount: 60, variableCount: 11, seed: seed),
      validation: chain(rowCount: 20, variableCount: 11, seed: seed + 1))
  }

  /// Grey levels that are drawn afresh each epoch.
  static func dynamicData() throws -> DataSplits {
    var generator = Philox(seed: 9)
    let levels = (0..<40 * 11).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return try withGreyTable(levels, rowCount: 40, columnCount: 11) {
      try DataSplits.load(train: $0, binarization: .dynamic(seed: 2)).holdingOutValidation(seed: 1)
    }
  }
}

/// The bits of everything that a training has produced.
struct TrainingBits: Equatable {
  let parameters: Parameters<Float>
  let optimizer: [Parameters<Float>]
  let best: Parameters<Float>
  var progress: TrainingState.Progress

  init(_ trainer: Trainer<some TrainableDensity>) {
    parameters = trainer.model.parameters
    optimizer = trainer.state.optimizer.state
    best = trainer.best.parameters
    progress = trainer.progress
    // Time is the one thing that is not reproduced.
    progress.seconds = 0
  }
}

/// Runs a body with the path of an IDX file of grey levels.
func withGreyTable<Result>(
  _ levels: [UInt8], rowCount: Int, columnCount: Int, _ body: (String) throws -> Result
) throws -> Result {
  try withTemporaryDirectory { path in
    let file = path + "/grey.idx"
    try IDXArray(dimensions: [rowCount, 1, columnCount], elements: .uint8(levels)).write(to: file)
    return try body(file)
  }
}
