import BinaryDensity
import Foundation
import Kernels
import Testing

/// A density of few variables that is asked about some of them.
struct InferenceCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let density: @Sendable (_ seed: UInt64) throws -> any Density

  init(_ name: String, _ density: @escaping @Sendable (UInt64) throws -> any Density) {
    testDescription = name
    self.density = density
  }

  /// Every family, several orders, and what is made of them.
  static let all: [InferenceCase] =
    ModelCase.enumerable.filter { $0 != .made(1, [1]) }.map { modelCase in
      InferenceCase(modelCase.testDescription) { try modelCase.model(seed: $0) }
    }
    + EoNADECase.enumerable.map { modelCase in
      InferenceCase("EoNADE of \(modelCase.testDescription)") { try modelCase.model(seed: $0) }
    }
    + GroupedCase.enumerable.map { grouped in
      InferenceCase(grouped.testDescription) { try grouped.model(seed: $0) }
    }
    + CompositeCase.allCases.map { composite in
      InferenceCase("\(composite)") { try composite.density(seed: $0) }
    }
    + BaselineCase.allCases.map { baseline in
      InferenceCase("fitted \(baseline)") { try baseline.density(7, seed: $0) }
    }
    + [
      InferenceCase("an average over parents") { seed in
        try ParentAverage.fit(
          to: .dependent(100, 7, seed: seed), along: .random(count: 7, seed: seed))
      },
      InferenceCase("a table of probabilities") { seed in
        try #require(try TabulatedDensity(tabulating: CompositeCase.mixture.density(seed: seed)))
      },
      InferenceCase("a client's own") { ClientDensity(seed: $0) },
      InferenceCase("a mixture with a tree") { seed in
        Mixture(
          [
            try ModelCase.nade(7, 5, .relu, ordering: .random).model(seed: seed),
            try BaselineCase.tree.density(7, seed: seed), try CompositeCase.mixture.density(seed: seed),
          ], weights: [2, 1, 1])
      },
    ]

  /// Some of them, for what takes long.
  static let some = all.filter {
    ["weightedEnsemble", "mixture", "mixtureOfEnsembles", "a mixture with a tree"].contains(
      $0.testDescription)
      || $0.testDescription.hasPrefix("NADE of 9") || $0.testDescription.hasPrefix("MADE of 6, [6, 5, 4]")
      || $0.testDescription.hasPrefix("EoNADE of 7, [9]")
  }
}

/// log p of all rows of a density, and what follows by adding up.
struct Enumerated {
  let rows: BinaryMatrix
  let logProbabilities: [Double]

  init(_ density: any Density) {
    rows = .allRows(ofWidth: density.variableCount)
    logProbabilities = density.logProbabilities(of: rows)
  }

  func agrees(_ row: Int, with evidence: PartialRows, row evidenceRow: Int) -> Bool {
    (0..<rows.columnCount).allSatisfy { column in
      evidence[evidenceRow, column].map { $0 == rows[row, column] } ?? true
    }
  }

  /// log p(x_known).
  func logMarginal(_ evidence: PartialRows, row: Int) -> Double {
    let terms = (0..<rows.rowCount).filter { agrees($0, with: evidence, row: row) }.map {
      logProbabilities[$0]
    }
    let largest = terms.max() ?? 0
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
  }
}

extension PartialRows {
  /// Rows of which each cell is known with a probability of a half, and the first and last with nothing and everything.
  static func random(_ rowCount: Int, _ columnCount: Int, seed: UInt64) -> PartialRows {
    var rows = PartialRows(
      values: .random(rowCount, columnCount, probability: 0.5, seed: seed),
      known: .random(rowCount, columnCount, probability: 0.5, seed: seed &+ 1000))
    for column in 0..<columnCount {
      rows[0, column] = nil
      rows[rowCount - 1, column] = column % 2 == 0
    }
    return rows
  }
}
