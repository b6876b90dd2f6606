import Arguments
import BinaryDensity

extension DensitySearch.Choice {
  /// What there is to choose from as a table for people; the chosen one is marked.
  static func lines(_ choices: [DensitySearch.Choice], figure: String) -> [String] {
    guard !choices.isEmpty else { return [] }
    let rows =
      [[figure, "size", "rows/s", "could be kept; > was written"]]
      + choices.map { choice in
        [
          estimate(fixed(choice.validationNLL, 4), if: choice.isEstimated), byteCountText(choice.byteCount),
          choice.rowsPerSecond.map(rate) ?? "",
          "\(choice.isChosen ? ">" : " ") \(choice.name)",
        ]
      }
    let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
      return (cells + [row[3]]).joined(separator: "  ")
    }
  }

  /// A rate as people read it: a hundredth more or less is noise.
  private static func rate(_ rowsPerSecond: Double) -> String {
    switch rowsPerSecond {
    case 1e7...: "\(Int(rowsPerSecond / 1e6)) M"
    case 1e4...: "\(Int(rowsPerSecond / 1e3)) k"
    default: "\(Int(rowsPerSecond))"
    }
  }

  /// The choice as JSON.
  func json(figure: String = "validation NLL") -> JSONValue {
    .object(
      [
        .init(key: "kind", value: .string(kind.rawValue)), .init(key: "name", value: .string(name)),
        .init(key: "validation_nll", value: figure == "validation NLL" ? .real(validationNLL) : .null),
        .init(key: "bytes", value: .integer(byteCount)),
        .init(key: "rows_per_second", value: JSONValue(rowsPerSecond)),
        .init(key: "written", value: .bool(isChosen)),
      ] + estimatedMembers(isEstimated))
  }
}
