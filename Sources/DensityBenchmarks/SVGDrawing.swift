import Foundation

/// What pictures are drawn with: elements of an SVG document as text, coordinates to a tenth.
protocol SVGDrawing {}

extension SVGDrawing {
  func text(
    _ content: String, x: Double, y: Double, _ style: String, anchor: String = "start",
    superscript: String = ""
  ) -> String {
    let escaped =
      content
      .replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;")
    return "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">"
      + escaped
      + (superscript.isEmpty ? "" : "<tspan dy=\"-4\" font-size=\"10\">\(superscript)</tspan>") + "</text>"
  }

  func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" "
      + "y2=\"\(number(y2))\"/>"
  }

  /// A coordinate, to a tenth.
  func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// A logarithmic axis.
struct LogAxis {
  let range: ClosedRange<Double>
  let start: Double
  let length: Double

  /// Creates the axis of some values, with a little room on both sides; nil without positive values.
  init?(_ values: [Double], from start: Double, length: Double) {
    guard let least = values.min(), let most = values.max(), least > 0 else { return nil }
    let margin = max(log(most / least), 0.1) * 0.04
    range = (log(least) - margin)...(log(most) + margin)
    self.start = start
    self.length = length
  }

  func position(_ value: Double) -> Double {
    start + length * (log(value) - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// The powers of ten on the axis; with fewer than three, the numbers 1, 2 and 5 times them.
  var powers: [Double] {
    func marks(_ digits: [Double]) -> [Double] {
      (-12...12).flatMap { power in digits.map { $0 * pow(10, Double(power)) } }
        .filter { range.contains(log($0)) }
    }
    let tens = marks([1])
    return tens.count >= 3 ? tens : marks([1, 2, 5])
  }
}
