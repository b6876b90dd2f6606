/// A range of forecasts in a reliability diagram: how many there are, their mean, and the share that came true.
struct ReliabilityBar {
  let count: Int
  let predicted: Double
  let observed: Double
}

extension GreyImage {
  /// Draws a reliability diagram: for each range of forecasts, from 0 to 1, a bar as high as the share that came true.
  ///
  /// Both axes go from 0 to 1; white bars are what was observed, the grey between a bar and the diagonal's level is the gap to
  /// the mean forecast of the range, and calibrated probabilities end at the diagonal. The strip below has how many forecasts
  /// each range has, the fullest at full height; of counts that differ by orders of magnitude their square roots are wanted.
  /// - Precondition: a side of at least 30 pixels, and a range.
  /// - Source: DeGroot & Fienberg, The Statistician 32, 1983.
  init(reliability bars: [ReliabilityBar], side: Int, hasRootCounts: Bool = false) {
    precondition(side >= 30, "a diagram of \(side) pixels shows nothing")
    let margin = side / 20
    let strip = side / 5
    let width = side + 2 * margin
    let height = side + strip + 3 * margin
    var pixels = [UInt8](repeating: 16, count: width * height)
    /// Paints a rectangle whose lower left corner is so far right and above a floor, a line of the picture.
    func paint(_ x: Range<Int>, above floor: Int, _ y: Range<Int>, _ level: UInt8) {
      for row in y {
        for column in x { pixels[(floor - 1 - row) * width + margin + column] = level }
      }
    }
    let (floor, stripFloor) = (margin + side, 2 * margin + side + strip)
    paint(0..<side, above: floor, 0..<side, 40)
    paint(0..<side, above: stripFloor, 0..<strip, 40)
    let fullest = bars.reduce(1) { max($0, $1.count) }
    for (index, bar) in bars.enumerated() where bar.count > 0 {
      let columns =
        index * side / bars.count + 1..<max(index * side / bars.count + 2, (index + 1) * side / bars.count)
      let observed = Int((bar.observed * Double(side)).rounded())
      let predicted = Int((bar.predicted * Double(side)).rounded())
      paint(columns, above: floor, 0..<max(observed, predicted), 110)
      paint(columns, above: floor, 0..<observed, predicted < observed ? 180 : 230)
      if predicted < observed { paint(columns, above: floor, 0..<predicted, 230) }
      let share = Double(bar.count) / Double(fullest)
      let height = ((hasRootCounts ? share.squareRoot() : share) * Double(strip)).rounded(.up)
      paint(columns, above: stripFloor, 0..<Int(height), 230)
    }
    for step in 0..<side { paint(step..<step + 1, above: floor, step..<step + 1, step % 6 < 3 ? 255 : 0) }
    self.init(width: width, height: height, pixels: pixels)
  }
}

extension ClassificationSummary {
  /// Returns a reliability diagram: for each range of confidence a bar as high as the share of rows that are right, and below
  /// how many rows each range has.
  ///
  /// - Parameter side: the side of the square of the bars, in pixels.
  /// - Precondition: a side of at least 30.
  public func reliabilityDiagram(side: Int = 360) -> GreyImage {
    GreyImage(
      reliability: bins.map {
        ReliabilityBar(count: $0.rowCount, predicted: $0.confidence, observed: $0.accuracy)
      },
      side: side)
  }
}
