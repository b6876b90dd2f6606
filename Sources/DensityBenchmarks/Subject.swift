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
  /// The rows of a call where they are not the operation's own, because those would take seconds.
  private let batchSizes: [Operation: Int]
  /// Creates the untrained density.
  let density: () throws(DensityError) -> any Density

  init(
    _ name: String, _ operations: [Operation] = Operation.allCases, batchSizes: [Operation: Int] = [:],
    configuration: TrainingConfiguration = TrainingConfiguration(
      epochCount: 50, learningRate: 1e-3, schedule: .constant),
    density: @escaping () throws(DensityError) -> any Density
  ) {
    self.name = name
    self.operations = operations
    self.batchSizes = batchSizes
    self.configuration = configuration
    self.density = density
  }

  /// What a figure of the model is called.
  package func label(_ operation: Operation) -> String { "\(name) \(operation.rawValue)" }

  /// The rows of a step or a call.
  func batchSize(_ operation: Operation) -> Int { batchSizes[operation] ?? operation.batchSize }

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
        configuration: TrainingConfiguration(
          epochCount: 50, learningRate: 1e-3, schedule: .constant, precision: precision)
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
      made([500], " 8 masks", masks: 8),
      made([500], " fresh masks", operations: [.train], isFresh: true),
      made([500, 500]), made([2000]), made([8000]),
      fvsbn(ordering: .natural), fvsbn(" random order", ordering: .random),
      eonade([500], orders: 4, callSize: 250), eonade([500], orders: 1, callSize: 250),
      // A second layer makes every conditional a product of two layers.
      eonade([200, 200], orders: 2, callSize: 64), eonade([200, 200], orders: 1, callSize: 64),
    ] + combined(variableCount: variableCount) + reduced

    func eonade(_ hidden: [Int], orders: Int, callSize: Int) -> Subject {
      // A network of several orders is a mixture of them, and has no order to be walked along.
      Subject(
        "EoNADE \(hidden) \(orders) order\(orders == 1 ? "" : "s")",
        orders == 1 ? [.logProbability, .sample, .walk, .step] : [.train, .logProbability, .sample],
        batchSizes: Dictionary(
          uniqueKeysWithValues: [.logProbability, .sample, .walk, .step].map { ($0, callSize) })
      ) { () throws(DensityError) in
        try EoNADE(
          EoNADE.Configuration(variableCount: variableCount, hiddenCounts: hidden, orderCount: orders),
          seed: 1)
      }
    }
  }

  /// Ensembles, mixtures, and what `density fit` writes: a mixture of several orders' ensembles of small networks.
  private static func combined(variableCount: Int) -> [Subject] {
    /// Each order but the first is another random one; members differ in their weights.
    func nade(hidden: Int, order: Int, member: Int) throws(DensityError) -> NADE {
      try NADE(
        NADE.Configuration(
          variableCount: variableCount, hiddenCount: hidden, ordering: order == 0 ? .natural : .random,
          seed: UInt64(order)), seed: UInt64(member))
    }
    func made(member: Int) throws(DensityError) -> MADE {
      try MADE(
        MADE.Configuration(variableCount: variableCount, hiddenCounts: [500], ordering: .natural),
        seed: UInt64(member))
    }
    func density(
      _ name: String, rows: Int, samples: Int, density: @escaping () throws(DensityError) -> any Density
    ) -> Subject {
      Subject(
        name, [.logProbability, .sample] + (name.hasPrefix("Ensemble") ? [.walk] : []),
        batchSizes: [.logProbability: rows, .sample: samples, .walk: rows], density: density)
    }
    return [
      density("Ensemble of 4 NADE 500", rows: 250, samples: 50) { () throws(DensityError) in
        Ensemble(
          try each(4) { (member) throws(DensityError) in try nade(hidden: 500, order: 0, member: member) })
      },
      density("Ensemble of 4 MADE [500]", rows: 250, samples: 50) { () throws(DensityError) in
        Ensemble(try each(4) { (member) throws(DensityError) in try made(member: member) })
      },
      density("Mixture of 4 NADE 500", rows: 1000, samples: 1000) { () throws(DensityError) in
        Mixture(
          try each(4) { (order) throws(DensityError) in try nade(hidden: 500, order: order, member: order) })
      },
      density("fit 4 x 4 NADE 200", rows: 250, samples: 50) { () throws(DensityError) in
        Mixture(
          try each(4) { (order) throws(DensityError) in
            Ensemble(
              try each(4) { (member) throws(DensityError) in
                try nade(hidden: 200, order: order, member: 4 * order + member)
              })
          })
      },
    ]
  }

  private static func each(
    _ count: Int, _ make: (Int) throws(DensityError) -> any Density
  ) throws(DensityError) -> [any Density] {
    var densities: [any Density] = []
    for index in 0..<count { densities.append(try make(index)) }
    return densities
  }
}

extension Density {
  /// The density with the biases of its networks' logits at the log-odds of each column.
  func withMarginals(of rows: BinaryMatrix) -> any Density {
    switch self {
    case let ensemble as Ensemble:
      Ensemble(ensemble.members.map { $0.withMarginals(of: rows) }, weights: ensemble.weights)
    case let mixture as Mixture:
      Mixture(mixture.densities.map { $0.withMarginals(of: rows) }, weights: mixture.weights)
    case let model as any TrainableDensity: model.withBiases(of: rows)
    default: self
    }
  }
}

extension TrainableDensity {
  /// The model with the biases of its logits at the log-odds of each column.
  ///
  /// So rows drawn from an untrained model have about as many on-bits as the data: how fast a row is drawn depends
  /// on them.
  func withBiases(of rows: BinaryMatrix) -> Self {
    guard parameters.names.contains("b") else { return self }
    var biases = parameters["b"]
    // One row of zeros and one of ones are added, so that no column is certain.
    let count = Double(rows.rowCount)
    for (column, mean) in rows.columnMeans.enumerated() {
      biases[0, column] = Float(Double.logarithm((mean * count + 1) / ((1 - mean) * count + 1)))
    }
    var model = self
    model.parameters["b"] = biases
    return model
  }
}
