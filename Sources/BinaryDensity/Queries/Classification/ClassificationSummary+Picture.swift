extension ClassificationSummary {
  /// Returns a reliability diagram: for each range of confidence a bar as high as the share of rows that are right.
  ///
  /// Both axes go from 0 to 1; white bars are accuracy, the grey between a bar and the diagonal's level is the gap to the mean
  /// confidence of the range, and calibrated probabilities end at the diagonal. The strip below has how many rows each
  /// range has, the fullest at full height.
  /// - Parameter side: the side of the square of the bars, in pixels.
  /// - Precondition: a side of at least 30.
  /// - Source: DeGroot & Fienberg, The Statistician 32, 1983.
  public func reliabilityDiagram(side: Int = 360) -> GreyImage {
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
    let fullest = bins.reduce(1) { max($0, $1.rowCount) }
    for (index, bin) in bins.enumerated() where bin.rowCount > 0 {
      let columns =
        index * side / bins.count + 1..<max(index * side / bins.count + 2, (index + 1) * side / bins.count)
      let accuracy = Int((bin.accuracy * Double(side)).rounded())
      let confidence = Int((bin.confidence * Double(side)).rounded())
      paint(columns, above: floor, 0..<max(accuracy, confidence), 110)
      paint(columns, above: floor, 0..<accuracy, confidence < accuracy ? 180 : 230)
      if confidence < accuracy { paint(columns, above: floor, 0..<confidence, 230) }
      let share = (Double(bin.rowCount) / Double(fullest) * Double(strip)).rounded(.up)
      paint(columns, above: stripFloor, 0..<Int(share), 230)
    }
    for step in 0..<side { paint(step..<step + 1, above: floor, step..<step + 1, step % 6 < 3 ? 255 : 0) }
    return GreyImage(width: width, height: height, pixels: pixels)
  }
}
