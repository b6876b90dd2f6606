import Kernels
import Testing
import _TestSupport

/// Arguments of every size: evenly spaced, and of either sign at every binary order of magnitude.
private let arguments: Matrix<Float> = {
  let even = (0..<40_000).map { Float($0) * 0.0055 - 110 }
  let orders = (0..<20_000).map { i in
    Float(sign: i % 2 == 0 ? .plus : .minus, exponent: i % 140 - 133, significand: 1 + Float(i) / 20_001)
  }
  return Matrix(rowCount: 120, columnCount: 500, elements: even + orders)
}()

private let specialValues: [Float] = [
  .infinity, -.infinity, .nan, 0, -0, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
  .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 88.72, 88.73, -87.33, -87.34, -103.9, -104.1, 16.6, 0.625,
]

private func apply(_ f: Activation, _ x: Matrix<Float>, in set: InstructionSet) -> Matrix<Float> {
  var y = Matrix<Float>(rowCount: x.rowCount, columnCount: x.columnCount)
  set.run {
    y.withUnsafeMutableView(reading: x) { y, x in
      Float.apply(f, x, into: y)
    }
  }
  return y
}

@Suite struct ActivationTests {
  /// The bound that the header states: 3 ulp, or 1e-37 absolutely.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func isWithinThreeUlp(set: InstructionSet, f: Activation) {
    let y = apply(f, arguments, in: set)
    let x = arguments.inDouble
    var expected = x
    expected.withUnsafeMutableView(reading: x) { expected, x in
      Double.apply(f, x, into: expected)
    }
    let mismatch = firstMismatch(y, expected) { row, column in
      max(3 * Double(Float(abs(expected[row, column])).ulp), 1e-37)
    }
    #expect(mismatch == nil)
  }

  @Test(arguments: InstructionSet.available, Activation.allCases)
  func specialArguments(set: InstructionSet, f: Activation) {
    let x = Matrix<Float>(rowCount: 1, columnCount: specialValues.count, elements: specialValues)
    let y = apply(f, x, in: set)
    let (below, above): (Float, Float) =
      switch f {
      case .relu, .softplus: (0, .infinity)
      case .sigmoid: (0, 1)
      case .tanh: (-1, 1)
      }
    #expect(y[0, 0] == above)
    #expect(y[0, 1] == below)
    #expect(y[0, 2].isNaN)
    let finite = x.rows(0..<1)
    for (column, value) in specialValues.enumerated() where value.isFinite {
      let exact = Matrix<Double>(rowCount: 1, columnCount: 1, elements: [Double(finite[0, column])])
      var expected = exact
      expected.withUnsafeMutableView(reading: exact) { expected, exact in
        Double.apply(f, exact, into: expected)
      }
      let bound = max(3 * Double(Float(expected[0, 0]).ulp), 1e-37)
      #expect(abs(Double(y[0, column]) - expected[0, 0]) <= bound, "f(\(value))")
    }
  }

  @Test(arguments: InstructionSet.available, Activation.allCases)
  func worksInPlaceAtEverySize(set: InstructionSet, f: Activation) {
    for columns in sizesAroundVectors {
      for rows in [0, 1, 3] {
        var x = Matrix<Float>.uniform(rows, columns, in: -3...3, seed: 51)
        let y = apply(f, x, in: set)
        set.run { x.apply(f) }
        #expect(x.bitPatterns == y.bitPatterns)
      }
    }
  }

  /// The slope is a few operations on y, each rounded: 4 u·max(1, |y|) beside the 3 ulp of e⁻ʸ.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func gradient(set: InstructionSet, f: Activation) {
    for columns in sizesAroundVectors {
      let x = Matrix<Float>.uniform(5, columns, in: -4...4, seed: 52)
      let y = apply(f, x, in: set)
      let dy = Matrix<Float>.uniform(5, columns, seed: 53)
      var dx = Matrix<Float>.uniform(5, columns, seed: 54)
      let (exactY, exactDy) = (y.inDouble, dy.inDouble)
      var expected = dx.inDouble
      set.run {
        dx.withUnsafeMutableView(reading: y, dy) { dx, y, dy in
          Float.accumulateGradient(of: f, output: y, dy, into: dx)
        }
      }
      expected.withUnsafeMutableView(reading: exactY, exactDy) { expected, exactY, exactDy in
        Double.accumulateGradient(of: f, output: exactY, exactDy, into: expected)
      }
      #expect(firstMismatch(dx, expected) { _, _ in 12 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available, Activation.allCases)
  func gradientPassesNotANumberOn(set: InstructionSet, f: Activation) {
    let y = Matrix<Float>(rowCount: 1, columnCount: 2, elements: [.nan, 0.5])
    let dy = Matrix<Float>(rowCount: 1, columnCount: 2, elements: [1, .nan])
    var dx = Matrix<Float>(rowCount: 1, columnCount: 2)
    set.run {
      dx.withUnsafeMutableView(reading: y, dy) { dx, y, dy in
        Float.accumulateGradient(of: f, output: y, dy, into: dx)
      }
    }
    #expect(dx[0, 0].isNaN)
    #expect(dx[0, 1].isNaN)
  }
}
