extension Reference {
  static func sumOfSquares<S: KernelScalar>(_ x: UnsafeMatrixView<S>) -> Double {
    var sum = 0.0
    for row in 0..<x.rowCount {
      for column in 0..<x.columnCount { sum += Double(x[row, column]) * Double(x[row, column]) }
    }
    return sum
  }

  static func isFinite<S: KernelScalar>(_ x: UnsafeMatrixView<S>) -> Bool {
    for row in 0..<x.rowCount {
      for column in 0..<x.columnCount where !x[row, column].isFinite { return false }
    }
    return true
  }

  static func descend<S: KernelScalar>(
    _ w: UnsafeMutableMatrixView<S>, gradient g: UnsafeMatrixView<S>, scaledBy scale: S, rate: S, momentum: S,
    velocity v: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<w.rowCount {
      for column in 0..<w.columnCount {
        v[row, column] = momentum * v[row, column] + scale * g[row, column]
        w[row, column] -= rate * v[row, column]
      }
    }
  }

  static func adagrad<S: KernelScalar>(
    _ w: UnsafeMutableMatrixView<S>, gradient g: UnsafeMatrixView<S>, scaledBy scale: S, rate: S, epsilon: S,
    squares s: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<w.rowCount {
      for column in 0..<w.columnCount {
        let slope = scale * g[row, column]
        s[row, column] += slope * slope
        w[row, column] -= rate * slope / (s[row, column].squareRoot() + epsilon)
      }
    }
  }

  static func adam<S: KernelScalar>(
    _ w: UnsafeMutableMatrixView<S>, gradient g: UnsafeMatrixView<S>, scaledBy scale: S, step: AdamStep<S>,
    mean m: UnsafeMutableMatrixView<S>,
    variance v: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<w.rowCount {
      for column in 0..<w.columnCount {
        adam(w, row, column, slope: scale * g[row, column], step: step, mean: m, variance: v)
      }
    }
  }

  static func maskedLinearAdam<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, _ dy: UnsafeMatrixView<S>, mask: Staircase, everywhere: Bool, step: AdamStep<S>,
    weights w: UnsafeMutableMatrixView<S>, mean m: UnsafeMutableMatrixView<S>,
    variance v: UnsafeMutableMatrixView<S>
  ) {
    for input in 0..<w.rowCount {
      for output in 0..<w.columnCount where everywhere || mask.permits(input, output) {
        var slope: S = 0
        for row in 0..<x.rowCount where mask.permits(input, output) {
          slope += x[row, input] * dy[row, output]
        }
        adam(w, input, output, slope: slope, step: step, mean: m, variance: v)
      }
    }
  }

  private static func adam<S: KernelScalar>(
    _ w: UnsafeMutableMatrixView<S>, _ row: Int, _ column: Int, slope: S, step: AdamStep<S>,
    mean m: UnsafeMutableMatrixView<S>,
    variance v: UnsafeMutableMatrixView<S>
  ) {
    m[row, column] = step.beta1 * m[row, column] + (1 - step.beta1) * slope
    v[row, column] = step.beta2 * v[row, column] + (1 - step.beta2) * slope * slope
    let direction =
      m[row, column] * step.meanCorrection
      / ((v[row, column] * step.varianceCorrection).squareRoot() + step.epsilon)
    w[row, column] -= step.rate * (direction + step.weightDecay * w[row, column])
  }
}
