import Essentials

/// A number that is exact but for rounding, or a mean over draws with its standard error.
///
///     let entropy = try density.entropy()
///     print(entropy)  // 85.46 ± 0.05, or 1.6704 (exact)
public struct Measured: Hashable, Sendable, Codable {
  /// The number, or its estimate.
  public let value: Double
  /// The standard error of the estimate, in the number's unit; nil of what is exact.
  public let standardError: Double?

  /// Creates a number from draws; an exact one without a standard error.
  public init(_ value: Double, standardError: Double? = nil) {
    self.value = value
    self.standardError = standardError
  }

  /// Whether the number is exact but for rounding.
  public var isExact: Bool { standardError == nil }
}

extension Measured: CustomStringConvertible {
  /// The number and how it is known, such as `1.6704 (exact)`, or `85.463 ± 0.014`.
  ///
  /// An error is rounded to two digits where these are below 36, else to one, and the number to as many decimals.
  /// - Source: Particle Data Group, Review of Particle Physics, Introduction, section 5.3.
  public var description: String {
    guard let standardError else { return printed(value, "%.4f") + " (exact)" }
    guard value.isFinite, standardError.isFinite else { return "\(value) ± \(standardError)" }
    guard standardError > 0 else { return printed(value, "%.4f") + " ± 0" }
    guard standardError > 1e-9, abs(value) < 1e15 else {
      return printed(value, "%.10g") + " ± " + printed(standardError, "%.2g")
    }
    let exponent = log10(standardError).rounded(.down)
    let digits = standardError / pow(10, exponent) < 3.55 ? 2.0 : 1
    let decimals = Int(min(15, max(0, digits - 1 - exponent)))
    return printed(value, "%.\(decimals)f") + " ± " + printed(standardError, "%.\(decimals)f")
  }
}
