extension Matrix where Scalar == Float {
  /// Fills the matrix with uniform numbers in [0, 1), row by row, one 64-bit draw each.
  ///
  /// Resolution 2⁻³² near 0 (see `unitFloat`), so that improbable events are drawn with their probability.
  package mutating func fillUniform(using generator: inout some RandomNumberGenerator) {
    let target = mutableView
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        target[row, column] = unitFloat(UInt32(truncatingIfNeeded: generator.next() >> 32))
      }
    }
  }
}
