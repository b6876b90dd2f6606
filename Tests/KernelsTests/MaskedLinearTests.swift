import Kernels
import Testing
import _TestSupport

/// Shapes around the tiles of every variant: rows, inputs, outputs.
private let shapes = [
  (1, 1, 1), (3, 7, 16), (8, 16, 17), (13, 33, 100), (33, 100, 31), (2, 0, 5), (5, 8, 0), (0, 4, 4),
  (7, 15, 8), (140, 65, 131), (17, 31, 15),
]

private func masks(_ inputs: Int, _ outputs: Int, seed: UInt64) -> [Staircase] {
  [
    .random(inputCount: inputs, outputCount: outputs, seed: seed),
    .ascending(inputCount: inputs, outputCount: outputs),
    Staircase(denseInputCount: inputs, outputCount: outputs),
    // Nothing is permitted.
    Staircase(
      inputDegrees: Array(repeating: 1, count: inputs), outputDegrees: Array(repeating: 0, count: outputs)),
  ]
}

/// Random weights, NaN wherever the mask forbids them.
private func weights(_ mask: Staircase, seed: UInt64) -> Matrix<Float> {
  let w = Matrix<Float>.uniform(mask.inputCount, mask.outputCount, seed: seed)
  return Matrix(rowCount: mask.inputCount, columnCount: mask.outputCount) {
    mask.permits($0, $1) ? w[$0, $1] : .nan
  }
}

/// A matrix that is mostly zero, with values of every size.
private func sparse(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Float> {
  let bits = Matrix<Float>.bits(rows, columns, probability: 0.2, seed: seed)
  let values = Matrix<Float>.uniform(rows, columns, seed: seed + 1)
  return Matrix(rowCount: rows, columnCount: columns) { bits[$0, $1] * values[$0, $1] }
}

@Suite struct MaskedLinearTests {
  @Test(arguments: InstructionSet.available, [false, true])
  func forward(set: InstructionSet, isSparse: Bool) {
    for (rows, inputs, outputs) in shapes {
      for mask in masks(inputs, outputs, seed: 11) {
        let x = isSparse ? sparse(rows, inputs, seed: 12) : .uniform(rows, inputs, seed: 12)
        let w = weights(mask, seed: 13)
        let bias = Matrix<Float>.uniform(1, outputs, seed: 14)
        let (exactX, exactW) = (x.inDouble, w.inDouble)
        let (sizeX, sizeW) = (exactX.magnitudes, exactW.magnitudes)
        for bias in [bias, nil] {
          let exactBias = bias?.inDouble
          let sizeBias = exactBias?.magnitudes
          var y = Matrix<Float>(rowCount: rows, columnCount: outputs, repeating: .nan)
          var expected = y.inDouble
          var magnitude = expected
          set.run {
            Float.maskedLinear(
              x.view, weights: w.view, bias: bias?.view, mask: mask, isSparse: isSparse, into: y.mutableView)
          }
          Double.maskedLinear(
            exactX.view, weights: exactW.view, bias: exactBias?.view, mask: mask,
            isSparse: isSparse, into: expected.mutableView)
          Double.maskedLinear(
            sizeX.view, weights: sizeW.view, bias: sizeBias?.view, mask: mask, isSparse: isSparse,
            into: magnitude.mutableView)
          let mismatch = firstMismatch(y, expected, sumOf: inputs + 1, magnitude: magnitude)
          #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func inputGradient(set: InstructionSet) {
    for (rows, inputs, outputs) in shapes {
      for mask in masks(inputs, outputs, seed: 15) {
        let dy = Matrix<Float>.uniform(rows, outputs, seed: 16)
        let w = weights(mask, seed: 17)
        let (exactDy, exactW) = (dy.inDouble, w.inDouble)
        let (sizeDy, sizeW) = (exactDy.magnitudes, exactW.magnitudes)
        var dx = Matrix<Float>.uniform(rows, inputs, seed: 18)
        var expected = dx.inDouble
        var magnitude = expected.magnitudes
        set.run {
          Float.maskedLinearInputGradient(dy.view, weights: w.view, mask: mask, into: dx.mutableView)
        }
        Double.maskedLinearInputGradient(
          exactDy.view, weights: exactW.view, mask: mask, into: expected.mutableView)
        Double.maskedLinearInputGradient(
          sizeDy.view, weights: sizeW.view, mask: mask,
          into: magnitude.mutableView)
        let mismatch = firstMismatch(dx, expected, sumOf: outputs + 1, magnitude: magnitude)
        #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func weightGradient(set: InstructionSet, isSparse: Bool) {
    for (rows, inputs, outputs) in shapes {
      for mask in masks(inputs, outputs, seed: 19) {
        let x = isSparse ? sparse(rows, inputs, seed: 20) : .uniform(rows, inputs, seed: 20)
        let dy = Matrix<Float>.uniform(rows, outputs, seed: 21)
        let (exactX, exactDy) = (x.inDouble, dy.inDouble)
        let (sizeX, sizeDy) = (exactX.magnitudes, exactDy.magnitudes)
        var dw = Matrix<Float>.uniform(inputs, outputs, seed: 22)
        let before = dw
        var expected = dw.inDouble
        var magnitude = expected.magnitudes
        set.run {
          Float.maskedLinearWeightGradient(
            x.view, dy.view, mask: mask, isSparse: isSparse, into: dw.mutableView)
        }
        Double.maskedLinearWeightGradient(
          exactX.view, exactDy.view, mask: mask, isSparse: isSparse, into: expected.mutableView)
        Double.maskedLinearWeightGradient(
          sizeX.view, sizeDy.view, mask: mask, isSparse: isSparse,
          into: magnitude.mutableView)
        let mismatch = firstMismatch(dw, expected, sumOf: rows + 1, magnitude: magnitude)
        #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
        let isUntouched = (0..<inputs).allSatisfy { input in
          (0..<outputs).allSatisfy { mask.permits(input, $0) || dw[input, $0] == before[input, $0] }
        }
        #expect(isUntouched, "forbidden weights, \(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  /// Changing an input leaves every output that may not see it bit for bit the same.
  @Test(arguments: InstructionSet.available, [false, true])
  func forbiddenInputsLeaveNoTrace(set: InstructionSet, isSparse: Bool) {
    let mask = Staircase.random(inputCount: 50, outputCount: 70, seed: 23)
    let w = weights(mask, seed: 24)
    var x = Matrix<Float>.bits(9, 50, seed: 25)
    func result() -> Matrix<Float> {
      var y = Matrix<Float>(rowCount: 9, columnCount: 70)
      set.run {
        Float.maskedLinear(
          x.view, weights: w.view, bias: nil, mask: mask, isSparse: isSparse, into: y.mutableView)
      }
      return y
    }
    let before = result()
    for input in 0..<50 {
      for row in 0..<9 { x[row, input] = 1 - x[row, input] }
      let after = result()
      for row in 0..<9 {
        for output in 0..<70 where !mask.permits(input, output) {
          #expect(before[row, output].bitPattern == after[row, output].bitPattern)
        }
      }
      for row in 0..<9 { x[row, input] = 1 - x[row, input] }
    }
  }

  /// A row's outputs have the same bits alone and in any batch.
  @Test(arguments: InstructionSet.available, [false, true])
  func rowsAreIndependent(set: InstructionSet, isSparse: Bool) {
    let mask = Staircase.random(inputCount: 90, outputCount: 75, seed: 26)
    let w = weights(mask, seed: 27)
    let bias = Matrix<Float>.uniform(1, 75, seed: 28)
    let x = Matrix<Float>.bits(150, 90, seed: 29)
    func result(_ x: Matrix<Float>) -> Matrix<Float> {
      var y = Matrix<Float>(rowCount: x.rowCount, columnCount: 75)
      set.run {
        Float.maskedLinear(
          x.view, weights: w.view, bias: bias.view, mask: mask, isSparse: isSparse, into: y.mutableView)
      }
      return y
    }
    let all = result(x)
    for range in [0..<1, 3..<10, 77..<150, 149..<150] {
      #expect(result(x.rows(range)).bitPatterns == all.rows(range).bitPatterns)
    }
  }
}
