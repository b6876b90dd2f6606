import Essentials

/// A number ≥ 0 with the precision of a Double and a range that products of probabilities do not leave.
///
///     value = significand · 2^(512 · exponent),   2⁻²⁵⁶ ≤ significand < 2²⁵⁶, or both are those of zero
///
/// So probabilities of many thousand variables are multiplied and added as they stand in a formula: without logarithms,
/// which cost more and lose digits, and without a scale to be carried beside them. Each operation errs by at most half
/// an ulp of a Double, relatively 2⁻⁵³.
package struct WideDouble: Hashable, Sendable {
  private var significand: Double
  private var exponent: Int

  /// The exponent of zero: below any other, so that numbers compare by exponents first.
  private static let exponentOfZero = Int.min / 4
  private static let logarithmOfUnit = 512 * log(2.0)

  package static let zero = WideDouble(0)
  package static let one = WideDouble(1)

  private init(significand: Double, exponent: Int) {
    self.significand = significand
    self.exponent = exponent
    if significand >= 0x1p256 || significand < 0x1p-256 { normalize() }
  }

  /// Creates a number from a Double.
  ///
  /// - Precondition: it is ≥ 0 and finite.
  package init(_ value: Double) { self.init(significand: value, exponent: 0) }

  /// Creates the number e^`logarithm`; zero below e^(−10¹⁷), which no sum notices.
  package init(exponentOf logarithm: Double) {
    guard logarithm > -1e17 else {
      self = .zero
      return
    }
    let units = (logarithm / Self.logarithmOfUnit).rounded()
    self.init(significand: exp(logarithm - units * Self.logarithmOfUnit), exponent: Int(units))
  }

  @inline(never) private mutating func normalize() {
    guard significand > 0 else {
      exponent = Self.exponentOfZero
      return
    }
    while significand >= 0x1p256 {
      significand *= 0x1p-512
      exponent += 1
    }
    while significand < 0x1p-256 {
      significand *= 0x1p512
      exponent -= 1
    }
  }

  /// The natural logarithm; −∞ of zero.
  package var logarithm: Double {
    significand > 0 ? log(significand) + Double(exponent) * Self.logarithmOfUnit : -.infinity
  }

  /// The nearest Double: zero or infinity beyond its range.
  package var double: Double { scalbn(significand, 512 * max(-4, min(exponent, 4))) }

  package static func * (a: Self, b: Self) -> Self {
    Self(significand: a.significand * b.significand, exponent: a.exponent &+ b.exponent)
  }

  /// Multiplies by a Double.
  ///
  /// - Precondition: it is zero, or from 2⁻⁷⁶⁶ to 2⁷⁶⁶.
  package static func * (a: Self, b: Double) -> Self {
    Self(significand: a.significand * b, exponent: a.exponent)
  }

  /// Divides.
  ///
  /// - Precondition: `b` is not zero.
  package static func / (a: Self, b: Self) -> Self {
    precondition(b.significand > 0, "a number is divided by zero")
    return Self(significand: a.significand / b.significand, exponent: a.exponent &- b.exponent)
  }

  package static func + (a: Self, b: Self) -> Self {
    if a.exponent == b.exponent {
      return Self(significand: a.significand + b.significand, exponent: a.exponent)
    }
    let (large, small) = a.exponent > b.exponent ? (a, b) : (b, a)
    // Two units farther down it is less than 2⁻⁵¹² of the sum.
    guard large.exponent - small.exponent == 1 else { return large }
    return Self(significand: large.significand + small.significand * 0x1p-512, exponent: large.exponent)
  }

  package static func *= (a: inout Self, b: Self) { a = a * b }
  package static func *= (a: inout Self, b: Double) { a = a * b }
  package static func += (a: inout Self, b: Self) { a = a + b }
}

extension WideDouble: Comparable {
  package static func < (a: Self, b: Self) -> Bool {
    a.exponent == b.exponent ? a.significand < b.significand : a.exponent < b.exponent
  }
}

/// Returns the uniform number in [0, 1) that the upper 53 of 64 random bits stand for.
func unitDouble(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

/// Draws an index with a probability in proportion to its weight.
///
/// - Returns: nil if all weights are zero.
func drawIndex(
  weights: [WideDouble], using generator: inout some RandomNumberGenerator
) -> Int? {
  let total = weights.reduce(.zero, +)
  guard total > .zero else { return nil }
  var u = unitDouble(generator.next())
  for (index, weight) in weights.enumerated() {
    u -= (weight / total).double
    if u < 0 { return index }
  }
  // The last with a weight takes what rounding leaves.
  return weights.lastIndex { $0 > .zero }
}
