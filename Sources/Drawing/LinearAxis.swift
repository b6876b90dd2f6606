import Essentials

/// An axis whose marks are evenly spread.
package struct LinearAxis {
  package let range: ClosedRange<Double>
  package let start: Double
  package let length: Double

  /// Creates an axis; where the range begins it is at `start`, and a length below zero goes up the page.
  ///
  /// - Precondition: the range is not empty.
  package init(_ range: ClosedRange<Double>, from start: Double, length: Double) {
    precondition(range.lowerBound < range.upperBound, "an axis from \(range.lowerBound) to itself")
    (self.range, self.start, self.length) = (range, start, length)
  }

  package func position(_ value: Double) -> Double {
    start + length * (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// Round numbers on the axis, four to eight of them.
  package var ticks: [Double] { Self.ticks(range) }

  /// Round numbers in a range, four to eight of them.
  package static func ticks(_ range: ClosedRange<Double>) -> [Double] {
    let width = range.upperBound - range.lowerBound
    let power = pow(10, (log10(width / 4)).rounded(.down))
    let step = [5, 2, 1].map { $0 * power }.first { width / $0 >= 4 } ?? power
    return stride(from: (range.lowerBound / step).rounded(.up) * step, through: range.upperBound, by: step)
      .map { $0 }
  }

  /// A tick in as many decimals as tell it from the next.
  package func label(_ tick: Double) -> String {
    let ticks = ticks
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : 1
    let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    return printed(tick == 0 ? 0 : tick, "%.\(decimals)f")
  }
}
