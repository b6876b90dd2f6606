extension Matrix where Scalar == Float {
  /// Fills the matrix with uniform numbers in [0, 1), row by row.
  ///
  /// A `Philox` gives one 32-bit word an element, many at a time; any other generator its upper 32 bits of one draw
  /// an element. Resolution 2⁻³² near 0 (see `unitFloat`), so that improbable events are drawn with their
  /// probability.
  package mutating func fillUniform<Generator: RandomNumberGenerator>(using generator: inout Generator) {
    let target = mutableView
    if var philox = generator as? Philox {
      philox.fill(target)
      if let advanced = philox as? Generator { generator = advanced }
      return
    }
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        target[row, column] = unitFloat(UInt32(truncatingIfNeeded: generator.next() >> 32))
      }
    }
  }
}
