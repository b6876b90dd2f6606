import BinaryDensity
import Kernels
import Testing

/// A network that keeps groups of columns, whose parameters a test draws.
struct GroupedCase: Sendable, CustomTestStringConvertible {
  let network: ModelCase
  let groups: [[Int]]

  init(_ network: ModelCase, _ groups: [[Int]]) {
    self.network = network
    self.groups = groups
  }

  var testDescription: String { "grouped \(network.testDescription), groups \(groups)" }

  func model(seed: UInt64, spread: Double = 1) throws -> GroupedNetwork {
    let model = try network.model(seed: seed, spread: spread)
    return try GroupedNetwork(model, groups: ColumnGroups(groups, columnCount: model.variableCount))
  }

  /// Small ones, whose sample space can be enumerated: groups of neighbours and of columns apart, of all columns, of two.
  static let enumerable: [GroupedCase] = [
    GroupedCase(.fvsbn(2), [[0, 1]]), GroupedCase(.fvsbn(7, ordering: .random), [[0, 1, 2], [4, 6]]),
    GroupedCase(.nade(6, 4), [[0, 1, 2], [3, 4, 5]]),
    GroupedCase(.nade(8, 5, .relu, ordering: .random), [[1, 5, 2], [0, 7]]),
    GroupedCase(.made(7, [9], .tanh, direct: true, ordering: .random), [[2, 3, 4, 5]]),
    GroupedCase(.made(6, []), [[0, 5], [1, 4], [2, 3]]),
    GroupedCase(.made(6, [5, 5], residual: true, ordering: .explicit([4, 0, 3, 5, 1, 2])), [[1, 2, 3]]),
  ]

  /// Those whose sizes fill vectors and leave remainders.
  static let larger: [GroupedCase] = [
    GroupedCase(.nade(40, 33, .relu, ordering: .random), [Array(3..<20), [1, 30, 22]]),
    GroupedCase(.made(70, [48], ordering: .random), [Array(0..<17), Array(50..<66), [18, 69]]),
    GroupedCase(.fvsbn(70), [Array(0..<70)]),
  ]
}

extension ColumnGroups {
  /// Whether a row has exactly one column of each group on.
  func hold(of rows: BinaryMatrix, row: Int) -> Bool {
    groups.allSatisfy { group in group.count { rows[row, $0] } == 1 }
  }
}
