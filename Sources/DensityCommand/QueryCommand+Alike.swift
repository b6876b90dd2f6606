import Arguments
import BinaryDensity
import Kernels

extension QueryCommand {
  /// Names the rows of a table that the model finds most alike to one of them.
  static func printAlike(
    _ arguments: ParsedArguments, _ checkpoint: Checkpoint, table path: String
  ) throws -> ExitStatus {
    let number = try arguments.value("row", as: .integer(in: 1...Int.max))
    let count = try arguments.value("count", as: .integer(in: 1...1_000_000))
    let (rows, name, source) = try DataOptions.rows(arguments, path: path, for: checkpoint)
    guard number <= rows.rowCount else {
      throw UsageError("--row \(number): \(name) has \(rows.rowCount) rows")
    }
    let likeness = try RowLikeness(to: rows.rows(number - 1..<number), under: checkpoint.model)
    let progress = ProgressLine()
    var nearest = NearestRows(count: count)
    Interrupt.install()
    for start in stride(from: 0, to: rows.rowCount, by: blockLength) {
      if Interrupt.isRequested { throw DensityError.interrupted }
      let block = rows.rows(start..<min(start + blockLength, rows.rowCount))
      for (offset, divergence) in likeness.divergences(of: block).enumerated() {
        let row = start + offset
        guard row != number - 1 else { continue }
        let equal = (0..<rows.columnCount).count { rows[number - 1, $0] == rows[row, $0] }
        nearest.note(.init(number: row + 1, divergence: divergence, equalBitCount: equal))
      }
      progress.update("comparing", fraction: Double(start + block.rowCount) / Double(rows.rowCount))
    }
    progress.finish()
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
    if arguments.flag("json") {
      let found = nearest.rows.map { row in
        [
          "row": .integer(row.number), "divergence": .real(row.divergence),
          "equal_bits": .integer(row.equalBitCount),
        ] as JSONValue
      }
      try printJSON(
        command, [.init(key: "table", value: .string(path)), .init(key: "row", value: .integer(number))],
        rows: "alike", found)
    } else {
      try Terminal.print("row         J (nats)  equal bits of \(rows.columnCount)")
      for row in nearest.rows {
        let figure = fixed(row.divergence, 4)
        let blanks = String(repeating: " ", count: max(1, 20 - "\(row.number)".count - figure.count))
        try Terminal.print("\(row.number)\(blanks)\(figure)  \(row.equalBitCount)")
      }
    }
    return .success
  }

  private static let blockLength = 4096
}

/// The rows of the least divergences so far; of equal ones those of more equal bits, then the earlier ones.
private struct NearestRows {
  struct Row {
    let number: Int
    let divergence: Double
    let equalBitCount: Int

    func isBefore(_ other: Row) -> Bool {
      (divergence, -equalBitCount, number) < (other.divergence, -other.equalBitCount, other.number)
    }
  }

  let count: Int
  private(set) var rows: [Row] = []

  init(count: Int) { self.count = count }

  mutating func note(_ row: Row) {
    if rows.count == count, let last = rows.last, !row.isBefore(last) { return }
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if row.isBefore(rows[middle]) { high = middle } else { low = middle + 1 }
    }
    rows.insert(row, at: low)
    if rows.count > count { rows.removeLast() }
  }
}
