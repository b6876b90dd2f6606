import Essentials

/// A logarithmic axis.
package struct LogAxis {
  package let range: ClosedRange<Double>
  package let start: Double
  package let length: Double

  /// Creates the axis of some values, with a little room on both sides; nil without positive values.
  package init?(_ values: [Double], from start: Double, length: Double) {
    guard let least = values.min(), let most = values.max(), least > 0 else { return nil }
    let margin = max(log(most / least), 0.1) * 0.04
    range = (log(least) - margin)...(log(most) + margin)
    self.start = start
    self.length = length
  }

  package func position(_ value: Double) -> Double {
    start + length * (log(value) - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// The powers of ten on the axis; with fewer than three, the numbers 1, 2 and 5 times them.
  package var powers: [Double] {
    func marks(_ digits: [Double]) -> [Double] {
      (-12...12).flatMap { power in digits.map { $0 * pow(10, Double(power)) } }
        .filter { range.contains(log($0)) }
    }
    let tens = marks([1])
    return tens.count >= 3 ? tens : marks([1, 2, 5])
  }
}
