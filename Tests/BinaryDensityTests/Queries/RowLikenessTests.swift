import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Rows most alike")
struct RowLikenessTests {
  /// J by its definition, in Double, from conditionals; of a mixture of several orders the mean.
  private func divergence(_ density: any Density, _ x: BinaryMatrix, _ y: BinaryMatrix) -> Double {
    guard let chain = density.autoregressive() else {
      return (density.components ?? []).reduce(0) { $0 + $1.weight * divergence($1.density, x, y) }
    }
    let (a, b) = (chain.conditionalLogits(of: x), chain.conditionalLogits(of: y))
    return (0..<density.variableCount).reduce(0) { sum, i in
      let (z, w) = (Double(a[0, i]), Double(b[0, i]))
      return sum + (1 / (1 + exp(-z)) - 1 / (1 + exp(-w))) * (z - w)
    }
  }

  @Test("is the divergence of Jeffreys between conditionals", arguments: CompositeCase.allCases)
  func definition(_ composite: CompositeCase) throws {
    let density = try composite.density(seed: 3)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    let row = rows.rows(37..<38)
    let found = try RowLikeness(to: row, under: density).divergences(of: rows)
    #expect(found[37] == 0 && found.allSatisfy { $0 >= 0 } && found.contains { $0 > 0.1 })
    for other in stride(from: 0, to: 128, by: 5) {
      let expected = divergence(density, row, rows.rows(other..<other + 1))
      #expect(abs(found[other] - expected) <= 1e-5 * max(1, expected))
      // It is symmetrical.
      let back = try RowLikeness(to: rows.rows(other..<other + 1), under: density).divergences(of: row)
      #expect(abs(found[other] - back[0]) <= 1e-5 * max(1, expected))
    }
  }

  @Test("independent variables take all rows for alike; more rows than a block are no different")
  func independent() throws {
    let rows = BinaryMatrix.dependent(1100, 6, seed: 4)
    let independent = try IndependentBernoulli.fit(to: rows)
    #expect(
      try RowLikeness(to: rows.rows(0..<1), under: independent).divergences(of: rows).allSatisfy { $0 == 0 })
    let tree = try ChowLiuTree.fit(to: rows)
    let likeness = try RowLikeness(to: rows.rows(1099..<1100), under: tree)
    let all = likeness.divergences(of: rows)
    #expect(all.count == 1100 && all[1099] == 0)
    #expect(Array(all[600..<610]) == likeness.divergences(of: rows.rows(600..<610)))
  }

  @Test("what has no conditionals is refused")
  func unsupported() {
    struct Opaque: Density {
      let variableCount = 3
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        Array(repeating: -3 * log(2), count: rows.rowCount)
      }
    }
    #expect(throws: DensityError.self) {
      try RowLikeness(to: BinaryMatrix(rowCount: 1, columnCount: 3), under: Opaque())
    }
  }
}
