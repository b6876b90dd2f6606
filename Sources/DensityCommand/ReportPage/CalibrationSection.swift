import BinaryDensity
import Drawing

/// Whether the probabilities of single cells fit the values that these have.
enum CalibrationSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard let table = material.table, !table.wholeRows.isEmpty else { return nil }
    let content =
      material.diagnosis?.calibration.map { shown($0, table) }
      ?? .paragraph(
        """
        To forecast so many cells would take long under this model, the more where it mixes several orders, since a cell is \
        then forecast given all others of its row: see 'density calibration'.
        """)
    return ReportSection(name: "calibration", title: "Calibration", content: content)
  }

  private static func shown(_ calibration: ConditionalCalibration, _ table: ReportTable) -> HTML {
    let chance = calibration.calibrationErrorByChance
    let error = withError(calibration.calibrationError, calibration.calibrationErrorStandardError, 5)
    let ranges = calibration.bins.enumerated().filter { $0.element.cellCount > 0 }
    let lines = ranges.map { index, bin -> HTML in
      let count = Double(ConditionalCalibration.binCount)
      return .line(
        "\(fixed(Double(index) / count, 3)) to \(fixed(Double(index + 1) / count, 3))",
        [
          "\(bin.cellCount)", "\(fixed(bin.predicted, 4))", "\(fixed(bin.observed, 4))",
          "\(withError(bin.gap, bin.gapStandardError, 5))",
        ])
    }
    return .paragraph(
      """
      Each cell is a forecast, given \(calibration.conditioning.words), of being on: of those that the model \
      gives 0.3, three in ten should be. Of \(table.words(calibration.rowCount)), \(calibration.cellCount) \
      cells.
      """
    )
      + .paragraph(
        """
        The calibration error, how far what is observed is from the forecast on the mean over cells, is \
        \(error). It is never 0: a calibrated model's would be \
        \(withError(chance.mean, chance.standardDeviation, 5)) by chance alone.
        """
      )
      + .element(
        "figure", [:],
        diagram(ranges.map(\.element), error)
          + .element(
            "figcaption", [:],
            """
            Reliability diagram: a disc for each fifteenth of the forecasts, with two standard errors either \
            way; the dashed line is perfect. Below, how many cells each has, as square roots.
            """
          ))
      + .element(
        "details", [:],
        .element("summary", [:], "The numbers")
          + .table(
            caption: "Forecasts and what came of them",
            head: ["forecast", "cells", "predicted", "observed", "observed − predicted"],
            .element("tbody", [:], lines.joined())))
  }

  private static func diagram(_ bins: [ConditionalCalibration.Bin], _ error: String) -> HTML {
    let (width, height) = (420, 440)
    let x = LinearAxis(0...1, from: 50, length: 350)
    let y = LinearAxis(0...1, from: 350, length: -330)
    var pieces: [String] = []
    for tick in [0, 0.2, 0.4, 0.6, 0.8, 1] {
      pieces.append(SVG.line("grid", x.start, y.position(tick), x.position(1), y.position(tick)))
      pieces.append(SVG.line("grid", x.position(tick), y.position(1), x.position(tick), y.start))
      pieces.append(SVG.text("\(tick)", x: 44, y: y.position(tick) + 4, "faint", anchor: "end"))
      pieces.append(SVG.text("\(tick)", x: x.position(tick), y: y.start + 16, "faint", anchor: "middle"))
    }
    pieces.append(SVG.line("ideal", x.start, y.start, x.position(1), y.position(1)))
    pieces.append(SVG.text("share on", x: 4, y: 12, "faint"))
    pieces.append(SVG.text("forecast", x: x.position(1), y: 384, "faint", anchor: "end"))
    let most = Double(bins.map(\.cellCount).max() ?? 1).squareRoot()
    for bin in bins {
      let centre = x.position(bin.predicted)
      let reach = 2 * (bin.gapStandardError ?? 0)
      let ends = (y.position(max(0, bin.observed - reach)), y.position(min(1, bin.observed + reach)))
      pieces.append(SVG.line("error", centre, ends.0, centre, ends.1))
      pieces.append(SVG.mark(.disc, "first", x: centre, y: y.position(bin.observed)))
      let rise = 40 * Double(bin.cellCount).squareRoot() / most
      pieces.append(SVG.bar("count", x: centre - 6, y: 434 - rise, width: 12, height: rise))
    }
    return .drawing(
      title: "Reliability diagram",
      description: "calibration error \(error); the table below has the numbers",
      width: width, height: height, pieces)
  }
}
