import Kernels

/// Half an ulp of 1 in single precision: what one rounding may err by, relatively.
package let roundoff = 0x1p-24

/// Returns how many representable numbers lie between two floats; 0 for equal ones, and for two NaNs.
package func ulpDistance(_ a: Float, _ b: Float) -> Int64 {
  if a == b || (a.isNaN && b.isNaN) { return 0 }
  if a.isNaN || b.isNaN { return .max }
  func ordinal(_ x: Float) -> Int64 {
    let bits = Int64(x.bitPattern)
    return bits < 0x8000_0000 ? bits : 0x8000_0000 - bits
  }
  return abs(ordinal(a) - ordinal(b))
}

/// Returns where a result first is farther from the reference than its bound, as a sentence, or nil.
package func firstMismatch(
  _ result: Matrix<Float>, _ reference: Matrix<Double>, within bound: (Int, Int) -> Double
) -> String? {
  guard result.rowCount == reference.rowCount, result.columnCount == reference.columnCount else {
    return "shapes differ"
  }
  for row in 0..<result.rowCount {
    for column in 0..<result.columnCount {
      let value = Double(result[row, column])
      let expected = reference[row, column]
      if value.isNaN && expected.isNaN || value == expected { continue }
      let allowed = bound(row, column)
      if !(abs(value - expected) <= allowed) {
        return "(\(row), \(column)) is \(value), not \(expected) ± \(allowed)"
      }
    }
  }
  return nil
}

/// Returns where a sum of `terms` products first errs by more than rounding explains, or nil.
///
/// However they are ordered, n products summed with n roundings or fewer each err by at most
/// (n + 2)·u·Σ|a·b| to first order, u = 2⁻²⁴; `magnitude` is Σ|a·b|, the same kernel on absolute values. The
/// factor of 1.01 covers the higher orders.
package func firstMismatch(
  _ result: Matrix<Float>, _ reference: Matrix<Double>, sumOf terms: Int, magnitude: Matrix<Double>
) -> String? {
  firstMismatch(result, reference) { 1.01 * Double(terms + 2) * roundoff * magnitude[$0, $1] }
}
