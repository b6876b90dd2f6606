import Autodiff
import BinaryDensity
import Kernels
import Testing
import _TestSupport

/// A configuration of one of the families, whose parameters a test draws.
enum ModelCase: Sendable, Hashable, CustomTestStringConvertible {
  case fvsbn(FVSBN.Configuration)
  case nade(NADE.Configuration)
  case made(MADE.Configuration)

  /// Creates the model with every parameter, biases and forbidden weights too, drawn evenly from ±`spread`.
  func model(seed: UInt64, spread: Double = 1) throws -> any NetworkDensity {
    switch self {
    case .fvsbn(let configuration): try drawn(FVSBN(configuration, seed: seed), seed, spread)
    case .nade(let configuration): try drawn(NADE(configuration, seed: seed), seed, spread)
    case .made(let configuration): try drawn(MADE(configuration, seed: seed), seed, spread)
    }
  }

  var testDescription: String {
    switch self {
    case .fvsbn(let c): return "FVSBN of \(c.variableCount), \(c.ordering)"
    case .nade(let c): return "NADE of \(c.variableCount), \(c.hiddenCount) \(c.activation), \(c.ordering)"
    case .made(let c):
      let extras = (c.hasDirectWeights ? " direct," : "") + (c.isResidual ? " residual," : "")
      return "MADE of \(c.variableCount), \(c.hiddenCounts) \(c.activation),\(extras) "
        + "\(c.maskCount) masks, \(c.ordering)"
    }
  }
}

/// Returns a model with other parameters: drawn evenly from ±`spread`.
func drawn<Model: TrainableDensity>(_ model: Model, _ seed: UInt64, _ spread: Double = 1) -> Model {
  var model = model
  for (index, name) in model.parameters.names.enumerated() {
    let matrix = model.parameters[name]
    model.parameters[name] = .uniform(
      matrix.rowCount, matrix.columnCount, in: -spread...spread, seed: seed &* 101 &+ UInt64(index))
  }
  return model
}

extension ModelCase {
  static func fvsbn(_ count: Int, ordering: OrderingRule = .natural) -> ModelCase {
    .fvsbn(FVSBN.Configuration(variableCount: count, ordering: ordering, seed: 5))
  }

  static func nade(
    _ count: Int, _ hiddenCount: Int, _ activation: Activation = .sigmoid, ordering: OrderingRule = .natural
  ) -> ModelCase {
    .nade(
      NADE.Configuration(
        variableCount: count, hiddenCount: hiddenCount, activation: activation, ordering: ordering, seed: 5))
  }

  static func made(
    _ count: Int, _ hiddenCounts: [Int], _ activation: Activation = .relu, direct: Bool = false,
    residual: Bool = false, masks: Int = 1, ordering: OrderingRule = .natural
  ) -> ModelCase {
    .made(
      MADE.Configuration(
        variableCount: count, hiddenCounts: hiddenCounts, activation: activation, hasDirectWeights: direct,
        isResidual: residual, maskCount: masks, ordering: ordering, seed: 5))
  }

  /// Small models, whose sample space can be enumerated: every family, depth, kind of ordering and mixture.
  static let enumerable: [ModelCase] = [
    .fvsbn(1), .fvsbn(2), .fvsbn(10), .fvsbn(9, ordering: .random),
    .fvsbn(4, ordering: .explicit([2, 0, 3, 1])),
    .nade(1, 1), .nade(2, 1), .nade(8, 17), .nade(10, 5, .relu), .nade(7, 3, .relu, ordering: .random),
    .nade(9, 8, .sigmoid, ordering: .random), .nade(4, 6, .sigmoid, ordering: .explicit([3, 1, 0, 2])),
    .made(8, []), .made(1, [1]), .made(1, [3, 2], .tanh, direct: true), .made(2, [1]), .made(7, [1]),
    .made(10, [17]), .made(9, [8], .sigmoid, ordering: .random), .made(9, [16, 5], .tanh, direct: true),
    .made(6, [3, 1, 8], .softplus, direct: true, ordering: .random), .made(8, [7, 17, 12]),
    .made(5, [4, 4], ordering: .explicit([4, 0, 3, 1, 2])), .made(10, [17], direct: true, masks: 2),
    .made(8, [9, 9], masks: 5), .made(7, [16], .sigmoid, masks: 2, ordering: .random),
    .made(8, [11], .tanh, masks: 5, ordering: .resampled),
    .made(6, [6, 5, 4], direct: true, masks: 2, ordering: .resampled),
    .made(7, [], masks: 5, ordering: .resampled), .made(1, [2, 2], residual: true),
    .made(10, [9, 9, 9], residual: true, ordering: .random), .made(6, [1, 1], .sigmoid, residual: true),
    .made(8, [8, 8, 4, 4], .tanh, direct: true, residual: true, masks: 3),
    .made(7, [6, 6, 6], residual: true, masks: 2, ordering: .resampled),
  ]

  /// Models whose sizes fill vectors and leave remainders.
  static let larger: [ModelCase] = [
    .fvsbn(70, ordering: .random), .nade(70, 33), .nade(40, 100, .relu, ordering: .random), .made(65, []),
    .made(70, [48], ordering: .random), .made(40, [33, 65], .tanh, direct: true, ordering: .random),
    .made(33, [40, 17, 31], masks: 2),
    .made(48, [50], .sigmoid, direct: true, masks: 3, ordering: .resampled),
    .made(70, [49, 49, 49], residual: true, ordering: .random),
    .made(48, [50, 50], .softplus, direct: true, residual: true, masks: 3, ordering: .resampled),
  ]
}

extension BinaryMatrix {
  /// Creates a table of random bits.
  static func random(_ rowCount: Int, _ columnCount: Int, probability: Double = 0.4, seed: UInt64)
    -> BinaryMatrix
  {
    BinaryMatrix(Matrix<Float>.bits(rowCount, columnCount, probability: probability, seed: seed))
  }
}
