import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// One of the baselines, fitted to a table.
enum BaselineCase: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case bernoulli, mixture, tree

  func fit(_ rows: BinaryMatrix, componentCount: Int = 5, seed: UInt64 = 1) throws -> any Density {
    switch self {
    case .bernoulli: try IndependentBernoulli.fit(to: rows)
    case .mixture:
      try BernoulliMixture.fit(
        to: rows, componentCount: componentCount, pseudoCount: 0.5, iterationLimit: 10, seed: seed)
    case .tree: try ChowLiuTree.fit(to: rows)
    }
  }

  /// Fits a table whose columns depend on each other.
  func density(_ variableCount: Int, seed: UInt64) throws -> any Density {
    try fit(.dependent(200, variableCount, seed: seed), seed: seed)
  }

  var testDescription: String { rawValue }
}

extension BinaryMatrix {
  /// Creates a table in which each column mostly repeats an earlier one.
  static func dependent(_ rowCount: Int, _ columnCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed, stream: 0x7AB1E)
    let sources = (0..<columnCount).map { $0 == 0 ? 0 : Int.random(in: 0..<$0, using: &generator) }
    var rows = BinaryMatrix(rowCount: rowCount, columnCount: columnCount)
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        let isDrawn = column == 0 || Double.random(in: 0..<1, using: &generator) < 0.4
        rows[row, column] = isDrawn ? Bool.random(using: &generator) : rows[row, sources[column]]
      }
    }
    return rows
  }

  /// The table with every bit flipped.
  var complement: BinaryMatrix {
    BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { !self[$0, $1] }
  }
}

/// A baseline by its definition, in Double, from what it shows of its parameters.
struct PlainBaseline {
  private let density: any Density

  init(_ density: any Density) { self.density = density }

  private func logSigmoid(_ z: Float) -> Double { min(Double(z), 0) - log1p(exp(-abs(Double(z)))) }

  private func term(_ z: Float, _ bit: Bool) -> Double { logSigmoid(bit ? z : -z) }

  /// Returns log p(x), and by how much the fast computation may differ from it.
  ///
  /// The independent variables and the tree are sums of at most 4·D terms in Double. A mixture's joint
  /// log-probabilities are sums of D + 1 terms in Float of a magnitude of |c| + Σ|z|, c rounded once; the largest of
  /// their errors bounds that of their log-sum-exp, whose own is a few ulp.
  func logProbability(_ row: [Bool]) -> Bounded {
    let count = Double(row.count)
    switch density {
    case let model as IndependentBernoulli:
      let terms = row.indices.map { term(model.logits[0, $0], row[$0]) }
      let magnitude = model.logits.elements.reduce(0) { $0 + 2 * abs(Double($1)) + 1 }
      return Bounded(value: terms.reduce(0, +), error: 1.01 * (4 * count + 4) * 0x1p-52 * magnitude)
    case let model as ChowLiuTree:
      let terms = row.indices.map { i in
        term(model.logits[model.parents[i].map { row[$0] ? 1 : 0 } ?? 0, i], row[i])
      }
      let magnitude = model.logits.elements.reduce(0) { $0 + 4 * abs(Double($1)) + 4 }
      return Bounded(value: terms.reduce(0, +), error: 1.01 * (4 * count + 4) * 0x1p-52 * magnitude)
    case let model as BernoulliMixture:
      var sum = 0.0
      var magnitude = 1.0
      for (k, weight) in model.weights.enumerated() {
        let c = row.indices.reduce(log(weight)) { $0 + logSigmoid(-model.logits[$1, k]) }
        magnitude = max(magnitude, row.indices.reduce(-c) { $0 + abs(Double(model.logits[$1, k])) })
        sum += weight * exp(row.indices.reduce(0) { $0 + term(model.logits[$1, k], row[$1]) })
      }
      return Bounded(value: log(sum), error: 1.01 * (count + 5 + 8) * roundoff * magnitude)
    default:
      Issue.record("\(type(of: density)) is no baseline")
      return Bounded(value: 0, error: 0)
    }
  }
}
