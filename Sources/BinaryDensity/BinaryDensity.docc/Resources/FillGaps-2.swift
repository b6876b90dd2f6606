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
}
