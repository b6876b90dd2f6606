extension Reference {
  static func apply<S: KernelScalar>(
    _ f: Activation, _ x: UnsafeMatrixView<S>, into y: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<x.rowCount {
      for column in 0..<x.columnCount { y[row, column] = value(of: f, x[row, column]) }
    }
  }

  static func accumulateGradient<S: KernelScalar>(
    of f: Activation, output y: UnsafeMatrixView<S>, _ dy: UnsafeMatrixView<S>,
    into dx: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<y.rowCount {
      for column in 0..<y.columnCount {
        dx[row, column] += derivative(of: f, output: y[row, column]) * dy[row, column]
      }
    }
  }

  static func accumulate<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, scaledBy scale: S, into y: UnsafeMutableMatrixView<S>, keeping keep: S
  ) {
    for row in 0..<x.rowCount {
      for column in 0..<x.columnCount { y[row, column] = keep * y[row, column] + scale * x[row, column] }
    }
  }

  static func multiply<S: KernelScalar>(
    _ a: UnsafeMatrixView<S>, _ b: UnsafeMatrixView<S>, into y: UnsafeMutableMatrixView<S>, accumulating: Bool
  ) {
    for row in 0..<a.rowCount {
      for column in 0..<a.columnCount {
        y[row, column] = a[row, column] * b[row, column] + (accumulating ? y[row, column] : 0)
      }
    }
  }

  static func dropout<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, rate: Double, scaledBy scale: S, bits: Philox,
    into y: UnsafeMutableMatrixView<S>,
    accumulating: Bool
  ) {
    let threshold = UInt32(rate * 0x1p32)
    let blocksPerRow = (x.columnCount + 3) / 4
    for row in 0..<x.rowCount {
      for block in 0..<blocksPerRow {
        let words = bits.words(at: UInt64(row * blocksPerRow + block))
        for column in block * 4..<min(block * 4 + 4, x.columnCount) {
          let kept = words[column - block * 4] >= threshold
          let value = kept ? scale * x[row, column] : 0
          y[row, column] = accumulating ? y[row, column] + value : value
        }
      }
    }
  }

  static func accumulateRow<S: KernelScalar>(
    _ row: UnsafeMatrixView<S>, scaledBy scale: S, into y: UnsafeMutableMatrixView<S>
  ) {
    for r in 0..<y.rowCount {
      for column in 0..<y.columnCount { y[r, column] += scale * row[0, column] }
    }
  }

  static func accumulateColumn<S: KernelScalar>(
    _ column: UnsafeMatrixView<S>, scaledBy scale: S, into y: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<y.rowCount {
      for c in 0..<y.columnCount { y[row, c] += scale * column[row, 0] }
    }
  }

  static func accumulateSumOfRows<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, scaledBy scale: S, into row: UnsafeMutableMatrixView<S>
  ) {
    for column in 0..<x.columnCount {
      var sum: S = 0
      for r in 0..<x.rowCount { sum += x[r, column] }
      row[0, column] += scale * sum
    }
  }

  static func accumulateSumOfColumns<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, scaledBy scale: S, into column: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<x.rowCount {
      var sum: S = 0
      for c in 0..<x.columnCount { sum += x[row, c] }
      column[row, 0] += scale * sum
    }
  }

  static func logMeanExp<S: KernelScalar>(_ x: UnsafeMatrixView<S>, into y: UnsafeMutableMatrixView<S>) {
    for row in 0..<x.rowCount {
      var largest = -S.infinity
      for column in 0..<x.columnCount { largest = max(largest, x[row, column]) }
      guard largest.isFinite else {
        y[row, 0] = largest
        continue
      }
      var sum: S = 0
      for column in 0..<x.columnCount { sum += S.exponential(x[row, column] - largest) }
      y[row, 0] = largest + S.logarithm(sum / S(x.columnCount))
    }
  }

  static func accumulateLogMeanExpGradient<S: KernelScalar>(
    _ x: UnsafeMatrixView<S>, output y: UnsafeMatrixView<S>, _ dy: UnsafeMatrixView<S>,
    into dx: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<x.rowCount where y[row, 0].isFinite {
      for column in 0..<x.columnCount {
        dx[row, column] += dy[row, 0] * S.exponential(x[row, column] - y[row, 0]) / S(x.columnCount)
      }
    }
  }

  static func bernoulliLogLikelihood<S: KernelScalar>(
    logits z: UnsafeMatrixView<S>, targets t: UnsafeMatrixView<S>, into y: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<z.rowCount {
      var sum = 0.0
      for i in 0..<z.columnCount { sum += Double(t[row, i] * z[row, i] - softplus(z[row, i])) }
      y[row, 0] = S(sum)
    }
  }

  static func accumulateBernoulliGradient<S: KernelScalar>(
    logits z: UnsafeMatrixView<S>, targets t: UnsafeMatrixView<S>, _ dy: UnsafeMatrixView<S>,
    into dz: UnsafeMutableMatrixView<S>
  ) {
    for row in 0..<z.rowCount {
      for i in 0..<z.columnCount { dz[row, i] += dy[row, 0] * (t[row, i] - sigmoid(z[row, i])) }
    }
  }

  static func expandBits<S: KernelScalar>(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?,
    places: UnsafePointer<Int32>?, into y: UnsafeMutableMatrixView<S>, listing onBits: UnsafeOnBits?
  ) {
    var next = 0
    for row in 0..<y.rowCount {
      let bits = words + (rows?[row] ?? row) * wordsPerRow
      for column in 0..<y.columnCount {
        let place = places.map { Int($0[column]) } ?? column
        y[row, place] = bits[column / 64] >> UInt64(column % 64) & 1 == 1 ? 1 : 0
      }
      guard let onBits else { continue }
      onBits.starts[row] = next
      for place in 0..<y.columnCount where y[row, place] == 1 {
        onBits.base[next] = Int32(place)
        next += 1
      }
      onBits.base[next] = .max
      next += 1
    }
  }
}
