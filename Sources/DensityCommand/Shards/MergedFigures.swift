import Arguments
import BinaryDensity

/// The figures of all parts of a table, of those of each.
struct MergedFigures {
  private let parts: [(path: String, record: ShardRecord, figures: JSONValue)]

  init(_ parts: [(path: String, record: ShardRecord, figures: JSONValue)]) { self.parts = parts }

  func report(asJSON: Bool) throws {
    let first = parts[0].figures
    var (likelihood, differences) = (LikelihoodTally(), LikelihoodTally())
    var (seconds, largest) = (0.0, nil as Double?)
    for (path, record, figures) in parts {
      try likelihood.add(tally(of: figures, "tally", path, record))
      if first["difference"] != nil {
        try differences.add(tally(of: figures, "difference_tally", path, record))
      }
      seconds += figures["seconds"]?.number ?? 0
      if let difference = figures["largest_difference"]?.number { largest = max(largest ?? 0, difference) }
    }
    guard likelihood.rowCount > 0 else {
      throw DensityError.mismatch(path: parts[0].path, expected: "at least one row", found: "none")
    }
    func isAny(_ key: String) -> Bool { parts.contains { $0.figures[key]?.bool == true } }
    let measurement = LikelihoodMeasurement(
      name: first["split"]?.string ?? "rows", summary: likelihood.summary, seconds: seconds,
      isOfKnownCells: isAny("of_known_cells"), isEstimated: isAny("estimated"))
    let advantage = first["difference"].map { _ in LikelihoodDifference(differences) }
    guard asJSON else {
      try Terminal.print(measurement.line)
      if let advantage {
        try Terminal.print(advantage.line(against: first["against"]?.string ?? "the other"))
      }
      if let largest { try Terminal.print(EvaluateCommand.referenceLine(largest)) }
      return
    }
    let kept = ["model", "configuration", "parameters"].compactMap { key in
      first[key].map { JSONValue.Member(key: key, value: $0) }
    }
    var object = kept + measurement.members + [.init(key: "parts", value: .integer(parts.count))]
    if let advantage { object += advantage.members(against: first["against"]?.string ?? "") }
    if let largest { object.append(.init(key: "largest_difference", value: .real(largest))) }
    try printJSON(MergeCommand.command, object)
  }

  private func tally(
    of figures: JSONValue, _ key: String, _ path: String, _ record: ShardRecord
  ) throws -> LikelihoodTally {
    let rowCount = record.rows.count
    // Rows of which nothing is known are in no figure.
    let isPartial = figures["of_known_cells"]?.bool == true
    guard let tally = figures[key].flatMap({ LikelihoodTally($0) }),
      isPartial ? tally.rowCount <= rowCount : tally.rowCount == rowCount,
      (0...rowCount * record.columnCount).contains(tally.cellCount)
    else {
      throw DensityError.malformed(
        path: path, at: .field(key), expected: "sums of \(rowCount) rows", found: "something else")
    }
    return tally
  }
}

extension LikelihoodTally {
  /// The sums, each as numbers whose sum it is exactly.
  var json: JSONValue {
    [
      "rows": .integer(rowCount), "cells": .integer(cellCount), "sum": .array(sums.sum.map(JSONValue.real)),
      "squares": .array(sums.squares.map(JSONValue.real)), "impossible": .bool(sums.infinity < 0),
    ]
  }

  init?(_ json: JSONValue) {
    func numbers(_ key: String) -> [Double]? {
      guard let elements = json[key]?.elements else { return nil }
      let numbers = elements.compactMap(\.number).filter { abs($0) < 1e200 }
      return numbers.count == elements.count ? numbers : nil
    }
    guard let rowCount = json["rows"]?.integer, let cellCount = json["cells"]?.integer, rowCount >= 0,
      let sum = numbers("sum"), let squares = numbers("squares"), let isImpossible = json["impossible"]?.bool
    else { return nil }
    self.init(
      rowCount: rowCount, cellCount: cellCount,
      sums: (sum: sum, squares: squares, infinity: isImpossible ? -.infinity : 0))
  }
}
