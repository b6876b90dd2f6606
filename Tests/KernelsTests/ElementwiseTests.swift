import Kernels
import Testing
import _TestSupport

/// Calls `body` with every shape: a few numbers of rows, and columns around the vector widths.
private func forEachShape(_ body: (_ rows: Int, _ columns: Int) -> Void) {
  for rows in [0, 1, 3, 9] {
    for columns in sizesAroundVectors { body(rows, columns) }
  }
}

@Suite struct ElementwiseTests {
  /// Two products and one sum: three roundings of numbers of at most 2.
  @Test(arguments: InstructionSet.available)
  func accumulates(set: InstructionSet) {
    forEachShape { rows, columns in
      let x = Matrix<Float>.uniform(rows, columns, seed: 61)
      let row = Matrix<Float>.uniform(1, columns, seed: 62)
      let column = Matrix<Float>.uniform(rows, 1, seed: 63)
      let (exactX, exactRow, exactColumn) = (x.inDouble, row.inDouble, column.inDouble)
      let scale: Float = -0.3
      var y = Matrix<Float>.uniform(rows, columns, seed: 64)
      var expected = y.inDouble
      let keep: Float = 0.9
      set.run {
        y.withUnsafeMutableView(reading: x) { y, x in
          Float.accumulate(x, scaledBy: scale, into: y, keeping: keep)
        }
      }
      expected.withUnsafeMutableView(reading: exactX) { expected, exactX in
        Double.accumulate(
          exactX, scaledBy: Double(scale), into: expected, keeping: Double(keep))
      }
      #expect(firstMismatch(y, expected) { _, _ in 4 * roundoff } == nil)

      set.run {
        y.withUnsafeMutableView(reading: row) { y, row in
          Float.accumulateRow(row, scaledBy: scale, into: y)
        }
      }
      expected.withUnsafeMutableView(reading: exactRow) { expected, exactRow in
        Double.accumulateRow(exactRow, scaledBy: Double(scale), into: expected)
      }
      #expect(firstMismatch(y, expected) { _, _ in 8 * roundoff } == nil)

      set.run {
        y.withUnsafeMutableView(reading: column) { y, column in
          Float.accumulateColumn(column, scaledBy: scale, into: y)
        }
      }
      expected.withUnsafeMutableView(reading: exactColumn) { expected, exactColumn in
        Double.accumulateColumn(exactColumn, scaledBy: Double(scale), into: expected)
      }
      #expect(firstMismatch(y, expected) { _, _ in 12 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func multiplies(set: InstructionSet, accumulating: Bool) {
    forEachShape { rows, columns in
      let a = Matrix<Float>.uniform(rows, columns, seed: 65)
      let b = Matrix<Float>.uniform(rows, columns, seed: 66)
      let (exactA, exactB) = (a.inDouble, b.inDouble)
      var y = Matrix<Float>.uniform(rows, columns, seed: 67)
      var expected = y.inDouble
      set.run {
        y.withUnsafeMutableView(reading: a, b) { y, a, b in
          Float.multiply(a, b, into: y, accumulating: accumulating)
        }
      }
      expected.withUnsafeMutableView(reading: exactA, exactB) { expected, exactA, exactB in
        Double.multiply(exactA, exactB, into: expected, accumulating: accumulating)
      }
      #expect(firstMismatch(y, expected) { _, _ in 4 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available)
  func sums(set: InstructionSet) {
    for (rows, columns) in [(0, 5), (4, 0), (1, 1), (9, 33), (100, 17), (7, 500), (300, 130)] {
      let x = Matrix<Float>.uniform(rows, columns, seed: 68)
      let exact = x.inDouble
      let sizes = exact.magnitudes
      var row = Matrix<Float>.uniform(1, columns, seed: 69)
      var expected = row.inDouble
      var magnitude = expected.magnitudes
      set.run {
        row.withUnsafeMutableView(reading: x) { row, x in
          Float.accumulateSumOfRows(x, scaledBy: 0.5, into: row)
        }
      }
      expected.withUnsafeMutableView(reading: exact) { expected, exact in
        Double.accumulateSumOfRows(exact, scaledBy: 0.5, into: expected)
      }
      magnitude.withUnsafeMutableView(reading: sizes) { magnitude, sizes in
        Double.accumulateSumOfRows(sizes, scaledBy: 0.5, into: magnitude)
      }
      #expect(firstMismatch(row, expected, sumOf: rows + 1, magnitude: magnitude) == nil)

      var column = Matrix<Float>.uniform(rows, 1, seed: 70)
      expected = column.inDouble
      magnitude = expected.magnitudes
      set.run {
        column.withUnsafeMutableView(reading: x) { column, x in
          Float.accumulateSumOfColumns(x, scaledBy: 0.5, into: column)
        }
      }
      expected.withUnsafeMutableView(reading: exact) { expected, exact in
        Double.accumulateSumOfColumns(exact, scaledBy: 0.5, into: expected)
      }
      magnitude.withUnsafeMutableView(reading: sizes) { magnitude, sizes in
        Double.accumulateSumOfColumns(sizes, scaledBy: 0.5, into: magnitude)
      }
      // The sum is taken in double, so that only its rounding and the addition count.
      #expect(firstMismatch(column, expected, sumOf: 1, magnitude: magnitude) == nil)
    }
  }

  /// exp errs by 2 ulp, the differences it is taken of by 40·u or less, the sum of N terms by N·u, the
  /// logarithm by an ulp: all relative to a sum of at least 1, hence absolute in its logarithm.
  @Test(arguments: InstructionSet.available)
  func logMeanExp(set: InstructionSet) {
    for columns in sizesAroundVectors where columns > 0 {
      for offset in [0.0, 300, -300] {
        let x = Matrix<Float>.uniform(6, columns, in: offset - 20...offset + 20, seed: 71)
        let exact = x.inDouble
        var y = Matrix<Float>(rowCount: 6, columnCount: 1)
        var expected = y.inDouble
        set.run {
          y.withUnsafeMutableView(reading: x) { y, x in
            Float.logMeanExp(x, into: y)
          }
        }
        expected.withUnsafeMutableView(reading: exact) { expected, exact in
          Double.logMeanExp(exact, into: expected)
        }
        let bound = roundoff * (50 + Double(columns) + 3 * abs(offset))
        #expect(firstMismatch(y, expected) { _, _ in bound } == nil)

        let dy = Matrix<Float>.uniform(6, 1, seed: 72)
        let exactDy = dy.inDouble
        var dx = Matrix<Float>.uniform(6, columns, seed: 73)
        var expectedDx = dx.inDouble
        set.run {
          dx.withUnsafeMutableView(reading: x, y, dy) { dx, x, y, dy in
            Float.accumulateLogMeanExpGradient(x, output: y, dy, into: dx)
          }
        }
        expectedDx.withUnsafeMutableView(reading: exact, expected, exactDy) {
          expectedDx, exact, expected, exactDy in
          Double.accumulateLogMeanExpGradient(
            exact, output: expected, exactDy, into: expectedDx)
        }
        #expect(firstMismatch(dx, expectedDx) { _, _ in 2 * bound + 8 * roundoff } == nil)
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func logMeanExpOfExtremes(set: InstructionSet) {
    let x = Matrix<Float>(
      rowCount: 5, columnCount: 3,
      elements: [
        -.infinity, -.infinity, -.infinity, -.infinity, 0, -.infinity, 1, .nan, 2, -.infinity, .nan,
        -.infinity,
        1e30, 1e30, 1e30,
      ])
    var y = Matrix<Float>(rowCount: 5, columnCount: 1)
    set.run {
      y.withUnsafeMutableView(reading: x) { y, x in
        Float.logMeanExp(x, into: y)
      }
    }
    #expect(y[0, 0] == -.infinity)
    #expect(abs(y[1, 0] + 1.0986123) < 1e-6)
    #expect(y[2, 0].isNaN)
    #expect(y[3, 0].isNaN)
    #expect(y[4, 0] == 1e30)
  }
}
