/// One-hot groups: bits of which exactly one of each group is on.
extension KernelScalar {
  /// The logit of a bit that is certain, 2¹⁰⁰; its negative is that of one that cannot be.
  ///
  /// In either precision σ(±2¹⁰⁰) is exactly 1 or 0, and log σ(2¹⁰⁰) exactly 0, so what is certain costs nothing and has
  /// no gradient. It is finite so that no difference of two becomes a NaN, and so small that the sum over as many bits as
  /// fit into a machine is finite as well; an average of logits with a weight above 2⁻⁹⁰ still leaves it certain.
  public static var forcedLogit: Self { 0x1p100 }

  /// Writes what is certain of bits that the earlier ones of their group decide: after the one that is on `off`, and `on`
  /// for the last of a group none of whose others is on. Everything else of `y` stays.
  ///
  /// Shapes: x (B × D) of zeros and ones, y (B × D). Each group lists its columns in the order in which they are decided.
  package static func force(
    _ groups: [[Int]], of x: UnsafeMatrixView<Self>, on: Self, off: Self,
    in y: UnsafeMutableMatrixView<Self>
  ) {
    precondition(
      x.rowCount == y.rowCount && x.columnCount == y.columnCount,
      "rows of \(x.rowCount) × \(x.columnCount) decide nothing of \(y.rowCount) × \(y.columnCount)")
    for row in 0..<x.rowCount {
      for group in groups {
        var isDecided = false
        for (place, column) in group.enumerated() {
          if isDecided {
            y[row, column] = off
          } else if place == group.count - 1 {
            y[row, column] = on
          } else {
            isDecided = x[row, column] != 0
          }
        }
      }
    }
  }
}
