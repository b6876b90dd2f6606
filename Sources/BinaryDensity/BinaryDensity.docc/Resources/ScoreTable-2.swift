import BinaryDensity

/// Learns what the rows of a table are like, writes log p of each row
/// of a new one, and returns its oddest rows.
func scoreTable(
  _ newPath: String, trainedOn path: String,
  writingTo output: String, top count: Int
) throws -> [(row: Int, score: AnomalyScore)] {
  let table = try DataTable.read(path)
  let rows = try table.rows(split: .train)
  print("\(rows.rowCount) rows of \(rows.columnCount) columns")

  // A quarter of the rows trains nothing: new rows are compared with it.
  let data = try DataSplits(name: path, train: rows)
    .holdingOutValidation(fraction: 0.25, seed: 1)
  guard let heldOut = data.validation else { return [] }
}
