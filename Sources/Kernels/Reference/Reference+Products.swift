extension Reference {
  static func product<S: KernelScalar>(
    _ a: UnsafeMatrixView<S>, _ b: UnsafeMatrixView<S>, transposing: Transposition,
    into c: UnsafeMutableMatrixView<S>,
    accumulating: Bool
  ) {
    let inner = transposing == .left ? a.rowCount : a.columnCount
    for row in 0..<c.rowCount {
      for column in 0..<c.columnCount {
        var sum: S = accumulating ? c[row, column] : 0
        for k in 0..<inner {
          let left = transposing == .left ? a[k, row] : a[row, k]
          let right = transposing == .right ? b[column, k] : b[k, column]
          sum += left * right
        }
        c[row, column] = sum
      }
    }
  }

  static func maskedLinear<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, weights w: UnsafeMatrixView<S>, bias: UnsafeMatrixView<S>?, mask: Staircase,
    into y: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<x.rowCount {
      for output in 0..<w.columnCount { y[row, output] = bias.map { $0[0, output] } ?? 0 }
      for input in 0..<w.rowCount where x[row, input] != 0 {
        let factor = x[row, input]
        for output in 0..<w.columnCount where mask.permits(input, output) {
          y[row, output] += factor * w[input, output]
        }
      }
    }
  }

  static func maskedLinearInputGradient<S: KernelScalar>(
    _ dy: UnsafeMatrixView<S>, weights w: UnsafeMatrixView<S>, mask: Staircase,
    into dx: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<dy.rowCount {
      for input in 0..<w.rowCount {
        var sum: S = 0
        for output in 0..<w.columnCount where mask.permits(input, output) {
          sum += dy[row, output] * w[input, output]
        }
        dx[row, input] += sum
      }
    }
  }

  static func maskedLinearWeightGradient<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, _ dy: UnsafeMatrixView<S>, mask: Staircase, into dw: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<x.rowCount {
      for input in 0..<dw.rowCount where x[row, input] != 0 {
        let factor = x[row, input]
        for output in 0..<dw.columnCount where mask.permits(input, output) {
          dw[input, output] += factor * dy[row, output]
        }
      }
    }
  }

  static func linear<S: KernelScalar>(
    onBits: UnsafeOnBits, weights w: UnsafeMatrixView<S>, bias: UnsafeMatrixView<S>?,
    into y: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<y.rowCount {
      for output in 0..<w.columnCount { y[row, output] = bias.map { $0[0, output] } ?? 0 }
      onBits.forEach(inList: row) { input in
        for output in 0..<w.columnCount { y[row, output] += w[input, output] }
      }
    }
  }

  static func accumulateListed<S: KernelScalar>(
    _ dy: UnsafeMatrixView<S>, lists: UnsafeOnBits, places: UnsafeBufferPointer<Int32>,
    into dw: UnsafeMutableMatrixView<S>
  ) {
    for (list, place) in places.enumerated() {
      lists.forEach(inList: list) { row in
        for output in 0..<dw.columnCount { dw[Int(place), output] += dy[row, output] }
      }
    }
  }
}
