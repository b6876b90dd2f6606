import Kernels
import Testing
import _TestSupport

@Suite struct ProductTests {
  @Test(
    arguments: InstructionSet.available, [Transposition.none, .left, .right])
  func matchesReference(set: InstructionSet, transposing: Transposition) {
    for (rows, inner) in [(1, 5), (3, 0), (8, 17), (13, 100), (33, 1), (140, 31), (0, 4)] {
      for columns in sizesAroundVectors + [65] {
        let a = Matrix<Float>.uniform(
          transposing == .left ? inner : rows, transposing == .left ? rows : inner, seed: 1)
        let b = Matrix<Float>.uniform(
          transposing == .right ? columns : inner, transposing == .right ? inner : columns, seed: 2)
        for accumulating in [false, true] {
          var c = Matrix<Float>.uniform(rows, columns, seed: 3)
          let (exactA, exactB) = (a.inDouble, b.inDouble)
          let (sizeA, sizeB) = (exactA.magnitudes, exactB.magnitudes)
          var expected = c.inDouble
          var magnitude = expected.magnitudes
          set.run {
            Float.product(
              a.view, b.view, transposing: transposing, into: c.mutableView, accumulating: accumulating)
          }
          Double.product(
            exactA.view, exactB.view, transposing: transposing, into: expected.mutableView,
            accumulating: accumulating)
          Double.product(
            sizeA.view, sizeB.view, transposing: transposing,
            into: magnitude.mutableView, accumulating: accumulating)
          let mismatch = firstMismatch(c, expected, sumOf: inner + 1, magnitude: magnitude)
          #expect(mismatch == nil, "\(rows) × \(inner) × \(columns)")
        }
      }
    }
  }

  /// Sums longer than one piece of a panel are cut at fixed places and still are sums.
  @Test(arguments: InstructionSet.available)
  func sumsManyTerms(set: InstructionSet) {
    let a = Matrix<Float>.uniform(5, 2500, seed: 4)
    let b = Matrix<Float>.uniform(2500, 37, seed: 5)
    let (exactA, exactB) = (a.inDouble, b.inDouble)
    let (sizeA, sizeB) = (exactA.magnitudes, exactB.magnitudes)
    var c = Matrix<Float>(rowCount: 5, columnCount: 37)
    var expected = c.inDouble
    var magnitude = c.inDouble
    set.run { Float.product(a.view, b.view, transposing: .none, into: c.mutableView, accumulating: false) }
    Double.product(
      exactA.view, exactB.view, transposing: .none, into: expected.mutableView, accumulating: false)
    Double.product(
      sizeA.view, sizeB.view, transposing: .none,
      into: magnitude.mutableView, accumulating: false)
    #expect(firstMismatch(c, expected, sumOf: 2500, magnitude: magnitude) == nil)
  }

  @Test(arguments: InstructionSet.available)
  func notANumberSpreadsToItsRow(set: InstructionSet) {
    var a = Matrix<Float>.uniform(9, 20, seed: 6)
    a[4, 7] = .nan
    let b = Matrix<Float>.uniform(20, 33, seed: 7)
    var c = Matrix<Float>(rowCount: 9, columnCount: 33)
    set.run { Float.product(a.view, b.view, transposing: .none, into: c.mutableView, accumulating: false) }
    for row in 0..<9 {
      let isAsExpected = c[row: row].allSatisfy { $0.isNaN == (row == 4) }
      #expect(isAsExpected, "row \(row)")
    }
  }
}
