import BinaryDensity
import Foundation
import Kernels

/// What became of a table with missing cells.
struct FilledTable {
  /// log p of what is known of each row.
  let marginals: [LogProbability]
  /// The missing cells, and p of a 1 in each.
  let cells: [(row: Int, column: Int, probability: Double)]
  /// The most probable completion of each row.
  let mostProbable: Modes
  /// Five draws of what is missing, for each row.
  let draws: Completions
}

/// Learns from the known cells of a table, answers what can be asked of
/// the others, and writes the table filled.
func fillGaps(
  in path: String, writingTo output: String
) throws -> FilledTable? {
  let table = try DataTable.read(path)
  guard case .partial(let rows) = table.contents else { return nil }
  print(rows)

  let density = try BernoulliMixture.fit(
    to: rows, componentCount: 8, seed: 1)

  let inference = try density.inference()
  guard let marginals = try inference.logMarginals(of: rows)
  else { return nil }
  print(marginals[0], marginals.allSatisfy(\.isExact))

  // Of each missing cell: log p(it is 1 | what is known of its row).
  var missing: [(row: Int, column: Int)] = []
  for row in 0..<rows.rowCount {
    for column in 0..<rows.columnCount where rows[row, column] == nil {
      missing.append((row, column))
    }
  }
  var questions = PartialRows(
    rowCount: missing.count, columnCount: rows.columnCount)
  for (place, cell) in missing.enumerated() {
    questions[place, cell.column] = true
  }
  let evidence = rows.selecting(missing.map(\.row))
  guard
    let answers = try inference.logConditionals(
      of: questions, given: evidence)
  else { return nil }
  let cells = zip(missing, answers).map { cell, answer in
    (cell.row, cell.column, exp(answer.value))
  }

  // The one completion of each row that is the most probable.
  guard let mostProbable = try ModeSearch(density).completions(of: rows)
  else { return nil }
  print("proved for all rows:", mostProbable.areProved)
}
