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
            c.withUnsafeMutableView(reading: a, b) { c, a, b in
              Float.product(
                a, b, transposing: transposing, into: c, accumulating: accumulating)
            }
          }
          expected.withUnsafeMutableView(reading: exactA, exactB) { expected, exactA, exactB in
            Double.product(
              exactA, exactB, transposing: transposing, into: expected,
              accumulating: accumulating)
          }
          magnitude.withUnsafeMutableView(reading: sizeA, sizeB) { magnitude, sizeA, sizeB in
            Double.product(
              sizeA, sizeB, transposing: transposing,
              into: magnitude, accumulating: accumulating)
          }
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
    set.run {
      c.withUnsafeMutableView(reading: a, b) { c, a, b in
        Float.product(a, b, transposing: .none, into: c, accumulating: false)
      }
    }
    expected.withUnsafeMutableView(reading: exactA, exactB) { expected, exactA, exactB in
      Double.product(
        exactA, exactB, transposing: .none, into: expected, accumulating: false)
    }
    magnitude.withUnsafeMutableView(reading: sizeA, sizeB) { magnitude, sizeA, sizeB in
      Double.product(
        sizeA, sizeB, transposing: .none,
        into: magnitude, accumulating: false)
    }
    #expect(firstMismatch(c, expected, sumOf: 2500, magnitude: magnitude) == nil)
  }

  @Test(arguments: InstructionSet.available)
  func notANumberSpreadsToItsRow(set: InstructionSet) {
    var a = Matrix<Float>.uniform(9, 20, seed: 6)
    a[4, 7] = .nan
    let b = Matrix<Float>.uniform(20, 33, seed: 7)
    var c = Matrix<Float>(rowCount: 9, columnCount: 33)
    set.run {
      c.withUnsafeMutableView(reading: a, b) { c, a, b in
        Float.product(a, b, transposing: .none, into: c, accumulating: false)
      }
    }
    for row in 0..<9 {
      let isAsExpected = c[row: row].allSatisfy { $0.isNaN == (row == 4) }
      #expect(isAsExpected, "row \(row)")
    }
  }
}
