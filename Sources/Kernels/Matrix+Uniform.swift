extension Matrix where Scalar == Float {
  /// Fills the matrix with uniform numbers in [0, 1), row by row.
  ///
  /// A `Philox` gives one 32-bit word an element, many at a time; any other generator its upper 32 bits of one draw
  /// an element. Resolution 2⁻³² near 0 (see `unitFloat`), so that improbable events are drawn with their
  /// probability.
  package mutating func fillUniform<Generator: RandomNumberGenerator>(using generator: inout Generator) {
    if var philox = generator as? Philox {
      withUnsafeMutableView { philox.fill($0) }
      if let advanced = philox as? Generator { generator = advanced }
      return
    }
    self = Matrix(rowCount: rowCount, columnCount: columnCount) { _, _ in
      unitFloat(UInt32(truncatingIfNeeded: generator.next() >> 32))
    }
  }
}
