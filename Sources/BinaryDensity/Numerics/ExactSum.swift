import Essentials

/// A sum of Doubles without any rounding, so that it is the same in whatever order, and in however many parts, it is taken.
///
///     var sum = ExactSum()
///     for number in [1e100, 1, -1e100] { sum.add(number) }
///     print(sum.value)  // 1.0
///
/// It holds a fixed-point number as wide as the range of a Double: digit i, of base 2³², stands for 2^(32 · i − 1074).
/// Digits are signed and may grow for a thousand additions before what is too large is carried on.
///
/// - Source: Neal, Fast Exact Summation Using Small and Large Superaccumulators, arXiv:1505.05571, 2015.
package struct ExactSum: Sendable {
  /// The digits; the last takes the sign.
  private var digits = [Int64](repeating: 0, count: 67)
  /// How many additions there were since digits were last carried.
  private var pendingCount = 0

  private static let base: Int64 = 1 << 32
  /// The exponent of the lowest bit.
  private static let lowestExponent = -1074
  /// An addition changes a digit by less than 2⁵³, so that so many cannot overflow it.
  private static let pendingLimit = 1000

  /// The sum of no numbers: zero.
  package init() {}

  /// The product of two numbers: see `add(_:times:)`.
  package init(_ a: Double, times b: Double) { add(a, times: b) }

  /// Adds a number.
  ///
  /// - Precondition: it is finite.
  package mutating func add(_ number: Double) {
    precondition(number.isFinite, "\(number) has no exact sum")
    guard number != 0 else { return }
    if pendingCount == Self.pendingLimit { carry() }
    pendingCount += 1
    let isNormal = number.exponentBitPattern > 0
    let fraction = Int64(number.significandBitPattern)
    let magnitude = isNormal ? fraction | 1 << 52 : fraction
    // A number whose exponent field is e is its significand times 2^(e − 1) of the lowest bit; e is 1 where it is 0.
    let place = isNormal ? Int(number.exponentBitPattern) - 1 : 0
    let (digit, shift) = (place / 32, Int64(place % 32))
    let low = (magnitude << shift) & (Self.base - 1)
    let high = magnitude >> (32 - shift)
    if number < 0 {
      digits[digit] &-= low
      digits[digit + 1] &-= high
    } else {
      digits[digit] &+= low
      digits[digit + 1] &+= high
    }
  }

  /// Adds the product of two numbers: without any rounding too, if neither it nor its last bits leave the range of a Double.
  ///
  /// - Precondition: the product is finite.
  package mutating func add(_ a: Double, times b: Double) {
    let product = a * b
    add(product)
    add((-product).addingProduct(a, b))
  }

  /// Adds another sum.
  package mutating func add(_ other: ExactSum) {
    var other = other
    carry()
    other.carry()
    for index in digits.indices { digits[index] &+= other.digits[index] }
    carry()
  }

  /// Makes every digit but the last one of 0 ..< 2³².
  private mutating func carry() {
    for index in 0..<digits.count - 1 {
      digits[index + 1] &+= digits[index] >> 32
      digits[index] &= Self.base - 1
    }
    pendingCount = 0
  }

  /// The Double nearest to the sum; infinite where that is beyond its range.
  package var value: Double {
    var sum = self
    sum.carry()
    let isNegative = sum.digits[digits.count - 1] < 0
    if isNegative {
      for index in digits.indices { sum.digits[index] = 0 &- sum.digits[index] }
      sum.carry()
    }
    guard let top = sum.digits.lastIndex(where: { $0 != 0 }) else { return 0 }
    func digit(_ index: Int) -> UInt64 { index < 0 ? 0 : UInt64(sum.digits[index]) }
    // The upper 64 bits. The last of them is on, too, where any bit below is, so that they are rounded as the whole is.
    let upper = digit(top) << 32 | digit(top - 1)
    let shift = UInt64(upper.leadingZeroBitCount)
    var bits = upper << shift | digit(top - 2) >> (32 - shift)
    let below = digit(top - 2) & (1 << (32 - shift) - 1)
    if below != 0 || (0..<max(0, top - 2)).contains(where: { digit($0) != 0 }) { bits |= 1 }
    let magnitude = scalbn(Double(bits), 32 * (top - 1) + Self.lowestExponent - Int(shift))
    return isNegative ? -magnitude : magnitude
  }

  /// Numbers whose sum this is, exactly: the nearest Double, the nearest to what is left, and so on; mostly two or three.
  ///
  /// - Precondition: the sum is in the range of a Double.
  package var parts: [Double] {
    var (parts, rest) = ([Double](), self)
    while case let part = rest.value, part != 0 {
      parts.append(part)
      rest.add(-part)
    }
    return parts
  }
}

extension ExactSum: Hashable {
  /// The digits, of which there is one way to write each sum.
  private var carriedDigits: [Int64] {
    var sum = self
    sum.carry()
    return sum.digits
  }

  package static func == (a: ExactSum, b: ExactSum) -> Bool { a.carriedDigits == b.carriedDigits }

  package func hash(into hasher: inout Hasher) { hasher.combine(carriedDigits) }
}
