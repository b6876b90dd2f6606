import Kernels

/// A few numbers of columns or rows around the vector widths of 4, 8 and 16 lanes, and one well beyond.
package let sizesAroundVectors = [0, 1, 7, 8, 15, 16, 17, 31, 33, 100]

extension Matrix {
  /// Creates a matrix whose elements come from a function of row and column, and whose padding is NaN, so
  /// that a kernel that takes padding for data is found out.
  package init(nanPaddedRowCount rowCount: Int, columnCount: Int, _ element: (Int, Int) -> Scalar) {
    self.init(rowCount: rowCount, columnCount: columnCount, repeating: .nan)
    for row in 0..<rowCount {
      for column in 0..<columnCount { self[row, column] = element(row, column) }
    }
  }

  /// Creates a matrix of numbers drawn evenly from a range.
  package static func uniform(
    _ rowCount: Int, _ columnCount: Int, in range: ClosedRange<Double> = -1...1, seed: UInt64
  ) -> Matrix {
    var generator = Philox(seed: seed, stream: 0x7E57)
    return Matrix(nanPaddedRowCount: rowCount, columnCount: columnCount) { _, _ in
      Scalar(
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(unitFloat(generator.nextWord())))
    }
  }

  /// Creates a matrix of zeros and ones, ones with a given probability.
  package static func bits(
    _ rowCount: Int, _ columnCount: Int, probability: Double = 0.3, seed: UInt64
  ) -> Matrix {
    var generator = Philox(seed: seed, stream: 0xB175)
    return Matrix(nanPaddedRowCount: rowCount, columnCount: columnCount) { _, _ in
      Double(unitFloat(generator.nextWord())) < probability ? 1 : 0
    }
  }

  /// The matrix of absolute values.
  package var magnitudes: Matrix {
    Matrix(nanPaddedRowCount: rowCount, columnCount: columnCount) { abs(self[$0, $1]) }
  }

  /// The same numbers in double precision, with NaN padding.
  package var inDouble: Matrix<Double> {
    Matrix<Double>(nanPaddedRowCount: rowCount, columnCount: columnCount) { Double(self[$0, $1]) }
  }

  /// Some of the rows as a matrix of their own.
  package func rows(_ range: Range<Int>) -> Matrix {
    Matrix(nanPaddedRowCount: range.count, columnCount: columnCount) { self[range.lowerBound + $0, $1] }
  }
}

extension Matrix<Float> {
  /// The bits of every element, row by row: what two results must share to be the same.
  package var bitPatterns: [UInt32] { elements.map(\.bitPattern) }
}

extension Staircase {
  /// Creates a mask with random degrees in no order; some outputs see nothing and some everything.
  package static func random(inputCount: Int, outputCount: Int, seed: UInt64) -> Staircase {
    var generator = Philox(seed: seed, stream: 0x57A1)
    let top = max(2, inputCount)
    return Staircase(
      inputDegrees: (0..<inputCount).map { _ in Int.random(in: 1...top, using: &generator) },
      outputDegrees: (0..<outputCount).map { _ in Int.random(in: 0...top, using: &generator) })
  }

  /// Creates a mask whose degrees ascend in the caller's order, as those of a natural ordering do.
  package static func ascending(inputCount: Int, outputCount: Int) -> Staircase {
    Staircase(
      inputDegrees: (0..<inputCount).map { $0 + 1 },
      outputDegrees: (0..<outputCount).map { $0 * max(1, inputCount) / max(1, outputCount) })
  }
}
