import Kernels
import Testing
import _TestSupport

/// Shapes around the vectors, and one that is shared out to several threads.
private let shapes = sizesAroundVectors.map { (3, $0) } + [(0, 4), (200, 300)]

@Suite struct OptimizerTests {
  @Test(arguments: InstructionSet.available)
  func sumOfSquares(set: InstructionSet) {
    for (rows, columns) in shapes {
      let x = Matrix<Float>.uniform(rows, columns, seed: 101)
      let exact = x.inDouble
      let sum = set.run { x.withUnsafeView { x in Float.sumOfSquares(x) } }
      let expected = exact.withUnsafeView { exact in Double.sumOfSquares(exact) }
      // Both sum exact squares in double.
      #expect(abs(sum - expected) <= Double(rows * columns) * 0x1p-52 * expected)
    }
  }

  @Test(arguments: InstructionSet.available)
  func isFinite(set: InstructionSet) {
    for (rows, columns) in shapes where rows * columns > 0 {
      for bad in [Float.infinity, -.infinity, .nan] {
        var x = Matrix<Float>.uniform(rows, columns, in: -1e38...1e38, seed: 102)
        #expect(set.run { x.withUnsafeView { x in Float.isFinite(x) } })
        x[rows - 1, columns - 1] = bad
        #expect(!set.run { x.withUnsafeView { x in Float.isFinite(x) } })
        x[rows - 1, columns - 1] = .greatestFiniteMagnitude
        #expect(set.run { x.withUnsafeView { x in Float.isFinite(x) } })
      }
    }
    let empty = Matrix<Float>(rowCount: 0, columnCount: 0)
    #expect(set.run { empty.withUnsafeView { empty in Float.isFinite(empty) } })
  }

  /// A step is at most five rounded operations on numbers of at most 2.
  @Test(arguments: InstructionSet.available)
  func descend(set: InstructionSet) {
    for (rows, columns) in shapes {
      let g = Matrix<Float>.uniform(rows, columns, seed: 103)
      let exactG = g.inDouble
      var (w, v) = (
        Matrix<Float>.uniform(rows, columns, seed: 104), Matrix<Float>.uniform(rows, columns, seed: 105)
      )
      var (exactW, exactV) = (w.inDouble, v.inDouble)
      set.run {
        w.withUnsafeMutableView { w in
          v.withUnsafeMutableView(reading: g) { v, g in
            Float.descend(
              w, gradient: g, scaledBy: 0.5, rate: 0.25, momentum: 0.75,
              velocity: v)
          }
        }
      }
      exactW.withUnsafeMutableView { exactW in
        exactV.withUnsafeMutableView(reading: exactG) { exactV, exactG in
          Double.descend(
            exactW, gradient: exactG, scaledBy: 0.5, rate: 0.25, momentum: 0.75,
            velocity: exactV)
        }
      }
      #expect(firstMismatch(w, exactW) { _, _ in 10 * roundoff } == nil)
      #expect(firstMismatch(v, exactV) { _, _ in 10 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available)
  func adagrad(set: InstructionSet) {
    for (rows, columns) in shapes {
      let g = Matrix<Float>.uniform(rows, columns, seed: 106)
      let exactG = g.inDouble
      var (w, s) = (
        Matrix<Float>.uniform(rows, columns, seed: 107),
        Matrix<Float>.uniform(rows, columns, in: 0...1, seed: 108)
      )
      var (exactW, exactS) = (w.inDouble, s.inDouble)
      set.run {
        w.withUnsafeMutableView { w in
          s.withUnsafeMutableView(reading: g) { s, g in
            Float.adagrad(
              w, gradient: g, scaledBy: 0.5, rate: 0.25, epsilon: 0x1p-10,
              squares: s)
          }
        }
      }
      exactW.withUnsafeMutableView { exactW in
        exactS.withUnsafeMutableView(reading: exactG) { exactS, exactG in
          Double.adagrad(
            exactW, gradient: exactG, scaledBy: 0.5, rate: 0.25, epsilon: 0x1p-10,
            squares: exactS)
        }
      }
      // |g| / √(s + g²) is at most 1 and good to five roundings.
      #expect(firstMismatch(w, exactW) { _, _ in 10 * roundoff } == nil)
      #expect(firstMismatch(s, exactS) { _, _ in 10 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available, [1, 1000])
  func adam(set: InstructionSet, stepNumber: Int) {
    for (rows, columns) in shapes {
      let g = Matrix<Float>.uniform(rows, columns, seed: 109)
      let exactG = g.inDouble
      var w = Matrix<Float>.uniform(rows, columns, seed: 110)
      var m = Matrix<Float>.uniform(rows, columns, in: -0.1...0.1, seed: 111)
      var v = Matrix<Float>.uniform(rows, columns, in: 0.1...1, seed: 112)
      var (exactW, exactM, exactV) = (w.inDouble, m.inDouble, v.inDouble)
      // Constants that single precision holds exactly, so that only the arithmetic differs.
      let step = AdamStep<Float>(
        rate: 0x1p-7, beta1: 0.875, beta2: 0.9375, epsilon: 0x1p-20, weightDecay: 0x1p-6,
        stepNumber: stepNumber)
      let exactStep = AdamStep<Double>(
        rate: 0x1p-7, beta1: 0.875, beta2: 0.9375, epsilon: 0x1p-20, weightDecay: 0x1p-6,
        stepNumber: stepNumber)
      set.run {
        w.withUnsafeMutableView { w in
          m.withUnsafeMutableView { m in
            v.withUnsafeMutableView(reading: g) { v, g in
              Float.adam(
                w, gradient: g, scaledBy: 0.5, step: step, mean: m,
                variance: v)
            }
          }
        }
      }
      exactW.withUnsafeMutableView { exactW in
        exactM.withUnsafeMutableView { exactM in
          exactV.withUnsafeMutableView(reading: exactG) { exactV, exactG in
            Double.adam(
              exactW, gradient: exactG, scaledBy: 0.5, step: exactStep, mean: exactM,
              variance: exactV)
          }
        }
      }
      // The direction is at most 8·0.2 / √(16·0.09) < 4 at the first step, the rest is below 1.
      #expect(firstMismatch(w, exactW) { _, _ in (2 + 4 * 10 * 0x1p-7) * roundoff } == nil)
      #expect(firstMismatch(m, exactM) { _, _ in 4 * roundoff } == nil)
      #expect(firstMismatch(v, exactV) { _, _ in 4 * roundoff } == nil)
    }
  }
}
