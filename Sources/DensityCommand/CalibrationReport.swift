import Arguments
import BinaryDensity

/// What `density calibration` prints.
struct CalibrationReport {
  let table: DiagnosedTable
  let calibration: ConditionalCalibration

  /// The ends of a bin.
  private func ends(_ index: Int) -> (Double, Double) {
    let count = Double(ConditionalCalibration.binCount)
    return (Double(index) / count, Double(index + 1) / count)
  }

  /// The variable whose gap is the largest beside what chance makes of it; nil where there is no chance.
  private var mostBiased: (column: Int, gap: ConditionalCalibration.VariableGap, z: Double)? {
    calibration.variableGaps.enumerated().compactMap { index, gap in gap.z.map { (index, gap, $0) } }
      .max { abs($0.2) < abs($1.2) }
  }

  func printText() throws {
    let (error, chance) = (calibration.calibrationError, calibration.calibrationErrorByChance)
    try Terminal.print(
      "cells              \(calibration.cellCount) of \(calibration.rowCount) rows of \(table.name), each given "
        + calibration.conditioning.words)
    try Terminal.print(
      "calibration error  \(withError(error, calibration.calibrationErrorStandardError, 5))")
    try Terminal.print(
      "by chance          \(withError(chance.mean, chance.standardDeviation, 5)), were the model calibrated")
    if let (column, gap, z) = mostBiased {
      try Terminal.print(
        "most biased        \(Terminal.visible(table.columnNames[column])), on \(gap.gap < 0 ? "less" : "more") often than forecast by "
          + "\(fixed(abs(gap.gap), 5)); by chance ± \(fixed(gap.chanceDeviation, 5)) (z \(fixed(z, 1)), the largest of \(calibration.variableCount))"
      )
    }
    try Terminal.print(line(["forecast", "cells", "predicted", "observed", "observed - predicted"]))
    for (index, bin) in calibration.bins.enumerated() where bin.cellCount > 0 {
      let (low, high) = ends(index)
      try Terminal.print(
        line([
          "\(fixed(low, 3)) to \(fixed(high, 3))", "\(bin.cellCount)", fixed(bin.predicted, 4),
          fixed(bin.observed, 4), withError(bin.gap, bin.gapStandardError, 5),
        ]))
    }
  }

  private func line(_ fields: [String]) -> String {
    zip(fields, [14, 12, 11, 10, 22]).map { field, width in
      String(repeating: " ", count: max(1, width - field.count)) + field
    }.joined()
  }

  func printAsJSON() throws {
    let chance = calibration.calibrationErrorByChance
    let bins = calibration.bins.enumerated().map { index, bin in
      let (low, high) = ends(index)
      return [
        "from": .real(low), "to": .real(high), "cells": .integer(bin.cellCount),
        "rows": .integer(bin.rowCount),
        "predicted": .real(bin.predicted), "observed": .real(bin.observed),
        "gap_standard_error": JSONValue(bin.gapStandardError),
      ] as JSONValue
    }
    let variables = zip(table.columnNames, calibration.variableGaps).map { name, gap in
      [
        "variable": .string(name), "gap": .real(gap.gap), "standard_error": JSONValue(gap.standardError),
        "chance_deviation": .real(gap.chanceDeviation), "z": JSONValue(gap.z),
      ] as JSONValue
    }
    try printJSON(
      CalibrationCommand.command,
      [
        .init(key: "table", value: .string(table.name)),
        .init(key: "rows", value: .integer(calibration.rowCount)),
        .init(key: "cells", value: .integer(calibration.cellCount)),
        .init(key: "given", value: .string(calibration.conditioning.rawValue)),
        .init(key: "calibration_error", value: .real(calibration.calibrationError)),
        .init(
          key: "calibration_error_standard_error", value: JSONValue(calibration.calibrationErrorStandardError)
        ),
        .init(key: "by_chance", value: .real(chance.mean)),
        .init(key: "by_chance_standard_deviation", value: JSONValue(chance.standardDeviation)),
        .init(key: "bins", value: .array(bins)),
      ], rows: "variables", variables)
  }
}
