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
  return Matrix(nanPaddedRowCount: mask.inputCount, columnCount: mask.outputCount) {
    mask.permits($0, $1) ? w[$0, $1] : .nan
  }
}

/// A matrix that is mostly zero, with values of every size.
private func sparse(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Float> {
  let bits = Matrix<Float>.bits(rows, columns, probability: 0.2, seed: seed)
  let values = Matrix<Float>.uniform(rows, columns, seed: seed + 1)
  return Matrix(nanPaddedRowCount: rows, columnCount: columns) { bits[$0, $1] * values[$0, $1] }
}

/// What rounding may do to a sum of `terms` products, as a share of the sum of their magnitudes.
///
/// An operand rounded to 8 bits is within 2⁻⁸ of itself, a product of two within 2⁻⁷ and a little.
private func share(_ terms: Int, _ method: ProductMethod, _ set: InstructionSet) -> Double {
  let isRounded = method == .bf16 && set.run { method.isAvailable }
  return 1.01 * (Double(terms + 2) * roundoff + (isRounded ? 0x1p-7 : 0))
}

@Suite struct MaskedLinearTests {
  @Test(arguments: InstructionSet.available, ProductMethod.allCases)
  func forward(set: InstructionSet, method: ProductMethod) {
    for (rows, inputs, outputs) in shapes {
      for mask in masks(inputs, outputs, seed: 11) {
        let x = method == .sparse ? sparse(rows, inputs, seed: 12) : .uniform(rows, inputs, seed: 12)
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
            bias.withUnsafeView { bias in
              y.withUnsafeMutableView(reading: x, w) { y, x, w in
                Float.maskedLinear(
                  x, weights: w, bias: bias, mask: mask, method: method, into: y)
              }
            }
          }
          exactBias.withUnsafeView { exactBias in
            expected.withUnsafeMutableView(reading: exactX, exactW) { expected, exactX, exactW in
              Double.maskedLinear(
                exactX, weights: exactW, bias: exactBias, mask: mask,
                method: method, into: expected)
            }
          }
          sizeBias.withUnsafeView { sizeBias in
            magnitude.withUnsafeMutableView(reading: sizeX, sizeW) { magnitude, sizeX, sizeW in
              Double.maskedLinear(
                sizeX, weights: sizeW, bias: sizeBias, mask: mask, method: method,
                into: magnitude)
            }
          }
          let mismatch = firstMismatch(y, expected) { share(inputs + 1, method, set) * magnitude[$0, $1] }
          #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available, [ProductMethod.dense, .bf16])
  func inputGradient(set: InstructionSet, method: ProductMethod) {
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
          dx.withUnsafeMutableView(reading: dy, w) { dx, dy, w in
            Float.maskedLinearInputGradient(
              dy, weights: w, mask: mask, method: method, into: dx)
          }
        }
        expected.withUnsafeMutableView(reading: exactDy, exactW) { expected, exactDy, exactW in
          Double.maskedLinearInputGradient(
            exactDy, weights: exactW, mask: mask, method: method, into: expected)
        }
        magnitude.withUnsafeMutableView(reading: sizeDy, sizeW) { magnitude, sizeDy, sizeW in
          Double.maskedLinearInputGradient(
            sizeDy, weights: sizeW, mask: mask, method: method,
            into: magnitude)
        }
        let mismatch = firstMismatch(dx, expected) { share(outputs + 1, method, set) * magnitude[$0, $1] }
        #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  @Test(arguments: InstructionSet.available, ProductMethod.allCases)
  func weightGradient(set: InstructionSet, method: ProductMethod) {
    for (rows, inputs, outputs) in shapes {
      for mask in masks(inputs, outputs, seed: 19) {
        let x = method == .sparse ? sparse(rows, inputs, seed: 20) : .uniform(rows, inputs, seed: 20)
        let dy = Matrix<Float>.uniform(rows, outputs, seed: 21)
        let (exactX, exactDy) = (x.inDouble, dy.inDouble)
        let (sizeX, sizeDy) = (exactX.magnitudes, exactDy.magnitudes)
        var dw = Matrix<Float>.uniform(inputs, outputs, seed: 22)
        let before = dw
        var expected = dw.inDouble
        var magnitude = expected.magnitudes
        set.run {
          dw.withUnsafeMutableView(reading: x, dy) { dw, x, dy in
            Float.maskedLinearWeightGradient(
              x, dy, mask: mask, method: method, into: dw)
          }
        }
        expected.withUnsafeMutableView(reading: exactX, exactDy) { expected, exactX, exactDy in
          Double.maskedLinearWeightGradient(
            exactX, exactDy, mask: mask, method: method, into: expected)
        }
        magnitude.withUnsafeMutableView(reading: sizeX, sizeDy) { magnitude, sizeX, sizeDy in
          Double.maskedLinearWeightGradient(
            sizeX, sizeDy, mask: mask, method: method,
            into: magnitude)
        }
        let mismatch = firstMismatch(dw, expected) { share(rows + 1, method, set) * magnitude[$0, $1] }
        #expect(mismatch == nil, "\(rows) × \(inputs) × \(outputs)")
        let isUntouched = (0..<inputs).allSatisfy { input in
          (0..<outputs).allSatisfy { mask.permits(input, $0) || dw[input, $0] == before[input, $0] }
        }
        #expect(isUntouched, "forbidden weights, \(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  /// A gradient that is spent in registers moves weights and state by the same bits as one that is stored.
  @Test(arguments: InstructionSet.available, ProductMethod.allCases)
  func spentGradient(set: InstructionSet, method: ProductMethod) {
    let step = AdamStep<Float>(
      rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, stepNumber: 3)
    for (rows, inputs, outputs) in shapes {
      for (mask, everywhere) in masks(inputs, outputs, seed: 30).flatMap({ [($0, true), ($0, false)] })
      where everywhere || mask.hasSortedOutputs {
        let x = method == .sparse ? sparse(rows, inputs, seed: 31) : .uniform(rows, inputs, seed: 31)
        let dy = Matrix<Float>.uniform(rows, outputs, seed: 32)
        var (w, m) = (weights(mask, seed: 33), weights(mask, seed: 34))
        var v = Matrix<Float>.uniform(inputs, outputs, in: 0...1, seed: 35)
        let (wBefore, mBefore, vBefore) = (w, m, v)
        var (wStored, mStored, vStored) = (w, m, v)
        var dw = Matrix<Float>(rowCount: inputs, columnCount: outputs)
        set.run {
          dw.withUnsafeMutableView(reading: x, dy) { dw, x, dy in
            Float.maskedLinearWeightGradient(
              x, dy, mask: mask, method: method, into: dw)
          }
          wStored.withUnsafeMutableView { wStored in
            mStored.withUnsafeMutableView { mStored in
              vStored.withUnsafeMutableView(reading: dw) { vStored, dw in
                Float.adam(
                  wStored, gradient: dw, scaledBy: 1, step: step, mean: mStored,
                  variance: vStored)
              }
            }
          }
          w.withUnsafeMutableView { w in
            m.withUnsafeMutableView { m in
              v.withUnsafeMutableView(reading: x, dy) { v, x, dy in
                Float.maskedLinearAdam(
                  x, dy, mask: mask, method: method, everywhere: everywhere, step: step,
                  weights: w,
                  mean: m, variance: v)
              }
            }
          }
        }
        for (found, stored, before) in [(w, wStored, wBefore), (m, mStored, mBefore), (v, vStored, vBefore)] {
          let expected = Matrix(nanPaddedRowCount: inputs, columnCount: outputs) {
            everywhere || mask.permits($0, $1) ? stored[$0, $1] : before[$0, $1]
          }
          #expect(found.bitPatterns == expected.bitPatterns, "\(rows) × \(inputs) × \(outputs)")
        }
      }
    }
  }

  /// The spent gradient's step is that of the reference in Double.
  @Test(arguments: InstructionSet.available)
  func spentGradientFollowsTheReference(set: InstructionSet) {
    let mask = Staircase.ascending(inputCount: 40, outputCount: 50)
    let (x, dy) = (Matrix<Float>.uniform(20, 40, seed: 36), Matrix<Float>.uniform(20, 50, seed: 37))
    var w = Matrix<Float>.uniform(40, 50, seed: 38)
    var (m, v) = (
      Matrix<Float>.uniform(40, 50, seed: 39), Matrix<Float>.uniform(40, 50, in: 0.5...1, seed: 40)
    )
    var (exactW, exactM, exactV) = (w.inDouble, m.inDouble, v.inDouble)
    set.run {
      w.withUnsafeMutableView { w in
        m.withUnsafeMutableView { m in
          v.withUnsafeMutableView(reading: x, dy) { v, x, dy in
            Float.maskedLinearAdam(
              x, dy, mask: mask, method: .dense, everywhere: false,
              step: AdamStep(
                rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, stepNumber: 3),
              weights: w, mean: m, variance: v)
          }
        }
      }
    }
    let (exactX, exactDy) = (x.inDouble, dy.inDouble)
    exactW.withUnsafeMutableView { exactW in
      exactM.withUnsafeMutableView { exactM in
        exactV.withUnsafeMutableView(reading: exactX, exactDy) { exactV, exactX, exactDy in
          Double.maskedLinearAdam(
            exactX, exactDy, mask: mask, method: .dense, everywhere: false,
            step: AdamStep(
              rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, stepNumber: 3),
            weights: exactW, mean: exactM, variance: exactV)
        }
      }
    }
    // The gradient is a sum of 20 products of at most 1, and no later rounding is of anything larger.
    let bound = 1.01 * 24 * roundoff * 20
    #expect(firstMismatch(m, exactM) { _, _ in bound } == nil)
    #expect(firstMismatch(v, exactV) { _, _ in 40 * bound } == nil)
    #expect(firstMismatch(w, exactW) { _, _ in bound } == nil)
  }

  /// Changing an input leaves every output that may not see it bit for bit the same.
  @Test(arguments: InstructionSet.available, ProductMethod.allCases)
  func forbiddenInputsLeaveNoTrace(set: InstructionSet, method: ProductMethod) {
    let mask = Staircase.random(inputCount: 50, outputCount: 70, seed: 23)
    let w = weights(mask, seed: 24)
    var x = Matrix<Float>.bits(9, 50, seed: 25)
    func result() -> Matrix<Float> {
      var y = Matrix<Float>(rowCount: 9, columnCount: 70)
      set.run {
        y.withUnsafeMutableView(reading: x, w) { y, x, w in
          Float.maskedLinear(
            x, weights: w, bias: nil, mask: mask, method: method, into: y)
        }
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
  @Test(arguments: InstructionSet.available, ProductMethod.allCases)
  func rowsAreIndependent(set: InstructionSet, method: ProductMethod) {
    let mask = Staircase.random(inputCount: 90, outputCount: 75, seed: 26)
    let w = weights(mask, seed: 27)
    let bias = Matrix<Float>.uniform(1, 75, seed: 28)
    let x = Matrix<Float>.bits(150, 90, seed: 29)
    func result(_ x: Matrix<Float>) -> Matrix<Float> {
      var y = Matrix<Float>(rowCount: x.rowCount, columnCount: 75)
      set.run {
        y.withUnsafeMutableView(reading: x, w, bias) { y, x, w, bias in
          Float.maskedLinear(
            x, weights: w, bias: bias, mask: mask, method: method, into: y)
        }
      }
      return y
    }
    let all = result(x)
    for range in [0..<1, 3..<10, 77..<150, 149..<150] {
      #expect(result(x.rows(range)).bitPatterns == all.rows(range).bitPatterns)
    }
  }

  @Test("of rows as lists the sums have the bits of the sparse method", arguments: InstructionSet.available)
  func lists(set: InstructionSet) {
    for (rows, inputs, outputs) in shapes where inputs > 0 {
      let x = Matrix<Float>.bits(rows, inputs, probability: 0.2, seed: 31)
      let mask = Staircase(denseInputCount: inputs, outputCount: outputs)
      let (w, bias) = (
        Matrix<Float>.uniform(inputs, outputs, seed: 32), Matrix<Float>.uniform(1, outputs, seed: 33)
      )
      let dy = Matrix<Float>.uniform(rows, outputs, seed: 34)
      var expected = Matrix<Float>(rowCount: rows, columnCount: outputs)
      var gradient = Matrix<Float>.uniform(inputs, outputs, seed: 35)
      let start = gradient
      set.run {
        expected.withUnsafeMutableView(reading: w, bias) { y, w, bias in
          x.withUnsafeView {
            Float.maskedLinear($0, onBits: nil, weights: w, bias: bias, mask: mask, method: .sparse, into: y)
          }
        }
        gradient.withUnsafeMutableView(reading: x, dy) {
          Float.maskedLinearWeightGradient($1, $2, mask: mask, method: .sparse, into: $0)
        }
      }
      func expect<Scalar: KernelScalar>(
        _ type: Scalar.Type, _ isSame: (_ sums: Matrix<Scalar>, _ gradient: Matrix<Scalar>) -> Bool
      ) {
        var (columns, rowStarts) = Self.lists(rows, inputs) { x[$0, $1] == 1 }
        var sums = Matrix<Scalar>(rowCount: rows, columnCount: outputs)
        let (w, bias, dy) = (w.converted(to: type), bias.converted(to: type), dy.converted(to: type))
        UnsafeOnBits.withLists(&columns, &rowStarts) { lists in
          guard let lists else { return }
          sums.withUnsafeMutableView(reading: w, bias) { y, w, bias in
            set.run { Scalar.linear(onBits: lists, weights: w, bias: bias, mask: mask, into: y) }
          }
        }
        // The columns that are on in any row, the last first.
        let places = (0..<inputs).reversed().filter { column in (0..<rows).contains { x[$0, column] == 1 } }
        var (members, starts) = Self.lists(places.count, rows) { x[$1, places[$0]] == 1 }
        var sum = start.converted(to: type)
        let numbers = places.map { Int32($0) }
        UnsafeOnBits.withLists(&members, &starts) { lists in
          guard let lists else { return }
          sum.withUnsafeMutableView(reading: dy) { dw, dy in
            numbers.withUnsafeBufferPointer { numbers in
              set.run { Scalar.accumulateListed(dy, lists: lists, places: numbers, into: dw) }
            }
          }
        }
        #expect(isSame(sums, sum), "\(Scalar.self), \(rows) × \(inputs) × \(outputs)")
      }
      expect(Float.self) { $0 == expected && $1 == gradient }
      expect(Double.self) { sums, sum in
        zip(sums.elements, expected.elements).allSatisfy { abs($0 - Double($1)) < 1e-4 }
          && zip(sum.elements, gradient.elements).allSatisfy { abs($0 - Double($1)) < 1e-4 }
      }
    }
  }

  /// Lists of where something holds, each with its end.
  private static func lists(
    _ count: Int, _ length: Int, _ isOn: (Int, Int) -> Bool
  ) -> (numbers: [Int32], starts: [Int]) {
    var (numbers, starts): ([Int32], [Int]) = ([], [])
    for list in 0..<count {
      starts.append(numbers.count)
      numbers += (0..<length).filter { isOn(list, $0) }.map { Int32($0) } + [.max]
    }
    return (numbers, starts)
  }
}
