// Finds the rows of a table that look least like those of another:
//
//     OddRows TRAIN.csv NEW.csv [COUNT]
//
// Cells may be missing in both: log p is then that of what is known of a row. A quarter of the training rows trains
// nothing; beside these each new row has a p-value, which for a row like them is below α with a probability of α at most.

import BinaryDensity
import Foundation

/// Reads a table as rows of which cells may be missing.
func readRows(_ path: String, like names: [String]?) throws -> (rows: PartialRows, names: [String]?) {
  let table = try DataTable.read(path)
  let rows: PartialRows
  if case .partial(let partial) = table.contents {
    rows = partial
  } else {
    let whole = try table.rows(split: .test)
    rows = PartialRows(whole, knownColumns: 0..<whole.columnCount)
  }
  guard let columns = try ColumnMatching.columns(of: table.columnNames, matching: names, path: path) else {
    return (rows, table.columnNames)
  }
  let values = rows.values.selecting(columns: columns)
  return (PartialRows(values: values, known: rows.known.selecting(columns: columns)), names)
}

func run(_ arguments: [String]) throws {
  guard arguments.count == 2 || arguments.count == 3,
    let count = Int(arguments.count == 3 ? arguments[2] : "5")
  else {
    print("usage: OddRows TRAIN.csv NEW.csv [COUNT]")
    exit(2)
  }
  let (all, names) = try readRows(arguments[0], like: nil)
  let (new, _) = try readRows(arguments[1], like: names)

  // What the model learns from, and what new rows are compared with. Every fourth row is held out.
  let heldOut = all.selecting((0..<all.rowCount).filter { $0 % 4 == 3 })
  let train = all.selecting((0..<all.rowCount).filter { $0 % 4 != 3 })
  let density = try BernoulliMixture.fit(to: train, componentCount: 8, seed: 1)

  // log p of what is known of each row.
  let inference = try density.inference()
  let usual = try inference.logMarginals(of: heldOut) ?? []
  let found = try inference.logMarginals(of: new) ?? []
  let reference = try AnomalyReference(logProbabilities: usual.map(\.value))
  let scores = found.map { reference.score(ofLogProbability: $0.value) }

  let oddest = scores.indices.sorted { scores[$0].logProbability < scores[$1].logProbability }.prefix(count)
  // log p of each known cell given the other known ones of its row: the least says what is odd.
  let cells = try inference.logConditionalsGivenAllOthers(of: new.selecting(oddest)) ?? []
  print("row,log p,p-value,strangest cell")
  for (row, answers) in zip(oddest, cells) {
    let known = answers.indices.filter { answers[$0] != nil }
    let strangest = known.min { (answers[$0]?.value ?? 0) < (answers[$1]?.value ?? 0) } ?? 0
    let name = names?[strangest] ?? "#\(strangest + 1)"
    let numbers = String(format: "%.4f,%.4f", scores[row].logProbability, scores[row].pValue)
    print("\(row + 1),\(numbers),\(name)=\(new[row, strangest] == true ? 1 : 0)")
  }
}

do {
  try run(Array(CommandLine.arguments.dropFirst()))
} catch {
  FileHandle.standardError.write(Data("OddRows: \(error)\n".utf8))
  exit(1)
}
