import Autodiff
import BinaryDensity
import Kernels

/// A model to measure, and what of it.
package struct Subject {
  /// What the table calls it.
  let name: String
  package let operations: [Operation]
  /// How it is trained; the number of epochs and the rows of a step are the operation's.
  let configuration: TrainingConfiguration
  /// Creates the untrained model.
  let model: () throws(DensityError) -> any AutoregressiveModel

  init(
    _ name: String, _ operations: [Operation] = Operation.allCases,
    configuration: TrainingConfiguration = TrainingConfiguration(schedule: .constant),
    model: @escaping () throws(DensityError) -> any AutoregressiveModel
  ) {
    self.name = name
    self.operations = operations
    self.configuration = configuration
    self.model = model
  }

  /// What a figure of the model is called.
  package func label(_ operation: Operation) -> String { "\(name) \(operation.rawValue)" }

  /// Everything measured, for rows of D variables.
  ///
  /// The columns' own order where a name says nothing, as in the programs compared with.
  package static func all(variableCount: Int) -> [Subject] {
    func nade(_ activation: Activation) -> Subject {
      Subject("NADE 500 \(activation == .relu ? "ReLU" : activation.rawValue)") { () throws(DensityError) in
        try NADE(
          NADE.Configuration(variableCount: variableCount, hiddenCount: 500, activation: activation), seed: 1)
      }
    }
    func made(
      _ hidden: [Int], _ note: String = "", operations: [Operation] = Operation.allCases,
      masks: Int = 1, isFresh: Bool = false, ordering: OrderingRule = .natural,
      precision: Precision = .float32
    ) -> Subject {
      Subject(
        "MADE \(hidden)" + note, operations,
        configuration: TrainingConfiguration(schedule: .constant, precision: precision)
      ) { () throws(DensityError) in
        try MADE(
          MADE.Configuration(
            variableCount: variableCount, hiddenCounts: hidden, maskCount: masks, trainsOnFreshMasks: isFresh,
            ordering: ordering), seed: 1)
      }
    }
    func fvsbn(_ note: String = "", ordering: OrderingRule) -> Subject {
      Subject("FVSBN" + note) { () throws(DensityError) in
        try FVSBN(FVSBN.Configuration(variableCount: variableCount, ordering: ordering), seed: 1)
      }
    }
    // Only training knows another precision, and only where the processor does.
    let reduced =
      Precision.bf16.isAvailable
      ? [[500], [2000], [8000]].map { made($0, " bf16", operations: [.train], precision: .bf16) } : []
    return [
      nade(.sigmoid), nade(.relu),
      made([500]), made([500], " random order", ordering: .random),
      made([500], " 8 masks", operations: [.train], masks: 8),
      made([500], " fresh masks", operations: [.train], isFresh: true),
      made([500, 500]), made([2000]), made([8000]),
      fvsbn(ordering: .natural), fvsbn(" random order", ordering: .random),
    ] + reduced
  }
}

extension AutoregressiveModel {
  /// The model with the biases of its logits at the log-odds of each column.
  ///
  /// So rows drawn from an untrained model have about as many on-bits as the data: how fast a row is drawn depends
  /// on them.
  func withBiases(of rows: BinaryMatrix) -> Self {
    var parameters = Parameters<Float>()
    for (name, matrix) in zip(self.parameters.names, self.parameters.matrices) {
      var matrix = matrix
      if name == "b" {
        // One row of zeros and one of ones are added, so that no column is certain.
        let count = Double(rows.rowCount)
        for (column, mean) in rows.columnMeans.enumerated() {
          matrix[0, column] = Float(Double.logarithm((mean * count + 1) / ((1 - mean) * count + 1)))
        }
      }
      parameters.append(name, matrix)
    }
    return Self(configuration, parameters: parameters)
  }
}
