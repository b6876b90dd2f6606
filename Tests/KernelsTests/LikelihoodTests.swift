import Kernels
import Testing
import _TestSupport

@Suite struct LikelihoodTests {
  /// Every term is within 4 ulp, and sums in double: the row errs by 8·u·Σ|term| and its own rounding.
  @Test(arguments: InstructionSet.available)
  func logLikelihood(set: InstructionSet) {
    for columns in sizesAroundVectors + [784] {
      for rows in [0, 1, 7] {
        for scale in [0.5, 6, 60] {
          let z = Matrix<Float>.uniform(rows, columns, in: -scale...scale, seed: 81)
          let t = Matrix<Float>.bits(rows, columns, seed: 82)
          let (exactZ, exactT) = (z.inDouble, t.inDouble)
          var y = Matrix<Float>(rowCount: rows, columnCount: 1)
          var expected = y.inDouble
          set.run {
            y.withUnsafeMutableView(reading: z, t) { y, z, t in
              Float.bernoulliLogLikelihood(logits: z, targets: t, into: y)
            }
          }
          expected.withUnsafeMutableView(reading: exactZ, exactT) { expected, exactZ, exactT in
            Double.bernoulliLogLikelihood(logits: exactZ, targets: exactT, into: expected)
          }
          // All terms are negative, so that Σ|term| is the sum itself. The plain reference cancels: it errs
          // by a rounding of z a term.
          let cancellation = Double(columns) * scale * 0x1p-52
          let mismatch = firstMismatch(y, expected) { row, _ in
            9 * roundoff * abs(expected[row, 0]) + cancellation
          }
          #expect(mismatch == nil)
        }
      }
    }
  }

  /// With weights between 0 and 1, as soft targets have, only t·z − max(0, z) is rounded besides.
  @Test(arguments: InstructionSet.available)
  func softTargets(set: InstructionSet) {
    let z = Matrix<Float>.uniform(3, 100, in: -5...5, seed: 83)
    let t = Matrix<Float>.uniform(3, 100, in: 0...1, seed: 84)
    let (exactZ, exactT) = (z.inDouble, t.inDouble)
    var y = Matrix<Float>(rowCount: 3, columnCount: 1)
    var expected = y.inDouble
    set.run {
      y.withUnsafeMutableView(reading: z, t) { y, z, t in
        Float.bernoulliLogLikelihood(logits: z, targets: t, into: y)
      }
    }
    expected.withUnsafeMutableView(reading: exactZ, exactT) { expected, exactZ, exactT in
      Double.bernoulliLogLikelihood(logits: exactZ, targets: exactT, into: expected)
    }
    #expect(firstMismatch(y, expected) { _, _ in 100 * 5 * 9 * roundoff } == nil)
  }

  @Test(arguments: InstructionSet.available)
  func gradient(set: InstructionSet) {
    for columns in sizesAroundVectors {
      let z = Matrix<Float>.uniform(5, columns, in: -20...20, seed: 85)
      let t = Matrix<Float>.bits(5, columns, seed: 86)
      let dy = Matrix<Float>.uniform(5, 1, seed: 87)
      let (exactZ, exactT, exactDy) = (z.inDouble, t.inDouble, dy.inDouble)
      var dz = Matrix<Float>.uniform(5, columns, seed: 88)
      var expected = dz.inDouble
      set.run {
        dz.withUnsafeMutableView(reading: z, t, dy) { dz, z, t, dy in
          Float.accumulateBernoulliGradient(logits: z, targets: t, dy, into: dz)
        }
      }
      expected.withUnsafeMutableView(reading: exactZ, exactT, exactDy) { expected, exactZ, exactT, exactDy in
        Double.accumulateBernoulliGradient(
          logits: exactZ, targets: exactT, exactDy, into: expected)
      }
      // 3 ulp of a sigmoid below 1, a difference, a product and a sum below 2.
      #expect(firstMismatch(dz, expected) { _, _ in 12 * roundoff } == nil)
    }
  }

  @Test(arguments: InstructionSet.available)
  func notANumberIsSeen(set: InstructionSet) {
    var z = Matrix<Float>.uniform(2, 20, seed: 89)
    z[1, 19] = .nan
    let t = Matrix<Float>.bits(2, 20, seed: 90)
    var y = Matrix<Float>(rowCount: 2, columnCount: 1)
    set.run {
      y.withUnsafeMutableView(reading: z, t) { y, z, t in
        Float.bernoulliLogLikelihood(logits: z, targets: t, into: y)
      }
    }
    #expect(y[0, 0].isFinite)
    #expect(y[1, 0].isNaN)
  }
}
