import CKernels

/// Loops that do nothing but keep the machine busy, to measure what it can do at most.
///
/// They run on the calling thread alone, in the instruction set that is current for it.
package enum MachinePeak {
  /// Repeats x ← x · a + b in registers, and returns how many multiply-adds that were.
  ///
  /// The numbers begin as `x`, which is updated where it took part. With |a| < 1 they stay near b / (1 − a).
  /// - Precondition: `x` has at least `chainElementCount` columns.
  package static func multiplyAdds(
    rounds: Int, _ a: Float, _ b: Float, _ x: UnsafeMutableMatrixView<Float>
  ) -> Int {
    precondition(x.rowCount > 0 && x.columnCount >= chainElementCount, "\(x.shape) are too few chains")
    return rounds * kernels.pointee.multiply_adds(rounds, a, b, x.base)
  }

  /// The most numbers that the chains of `multiplyAdds` hold.
  package static let chainElementCount = Int(CK_CHAIN_ELEMENTS)

  /// Adds `a` to every number: 4 bytes are read and 4 written each.
  package static func stream(_ x: UnsafeMutableMatrixView<Float>, adding a: Float) {
    kernels.pointee.stream(x.raw, a)
  }
}
