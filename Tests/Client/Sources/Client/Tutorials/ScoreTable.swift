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

  let density = try BernoulliMixture.fit(
    to: data.train, componentCount: 8, seed: 1)
  let usual = density.logProbabilities(of: heldOut)
  let summary = LikelihoodSummary(
    logProbabilities: usual, variableCount: rows.columnCount)
  print("nats a row:", summary.negativeLogLikelihood)
  print("standard error:", summary.standardError ?? 0)

  // Where both tables name their columns, they are matched by name.
  let newTable = try DataTable.read(newPath)
  let columns = try ColumnMatching.columns(
    of: newTable.columnNames, matching: table.columnNames, path: newPath)
  let unmatched = try newTable.rows(split: .test)
  let new = columns.map { unmatched.selecting(columns: $0) } ?? unmatched

  let logProbabilities = density.logProbabilities(of: new)
  try TableFile(path: output).write(logProbabilities)

  let reference = try AnomalyReference(logProbabilities: usual)
  let scores = logProbabilities.map { reference.score(ofLogProbability: $0) }
  let ascending = scores.indices.sorted {
    logProbabilities[$0] < logProbabilities[$1]
  }
  let oddest = ascending.prefix(count)
  for row in oddest {
    print("row \(row + 1):", logProbabilities[row], scores[row].pValue)
  }

  // log p of each cell given all others of its row: the least is odd.
  let cells = try density.inference()
    .logConditionalsGivenAllOthers(of: new.selecting(oddest))
  let names = table.columnNames ?? (1...rows.columnCount).map { "#\($0)" }
  for (place, row) in oddest.enumerated() {
    let log = cells[row: place]
    let strangest = log.indices.min { log[$0] < log[$1] } ?? 0
    print("row \(row + 1):", names[strangest], log[strangest])
  }
  return oddest.map { ($0, scores[$0]) }
}
