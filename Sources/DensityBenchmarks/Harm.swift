import Arguments
import BinaryDensity
import Foundation
import Kernels

/// Whether a search is ever worse than counting: small tables of which the truth is known.
///
/// On each table the search is compared, on fresh rows, with the best of the baselines, which are fitted to all rows and of which
/// the best is chosen by the fresh rows themselves. Tables of seed 1 were looked at while the search was made; those of seed 2 were
/// not.
struct Harm {
  /// How many seconds a search may take.
  let budget: Double
  /// What tables are drawn by.
  let seeds: [UInt64]
  /// Words of which each must be in a table's line.
  let words: [String]

  private static let freshCount = 20_000
  /// What is forgiven, in nats.
  private static let tolerance = 0.01

  private struct Outcome {
    let rowCount: Int
    /// NLL above that of the best baseline.
    let regret: Double
    let error: Double
    let aboveTruth: Double
    let seconds: Double
  }

  func run() throws {
    let table = TextTable([
      .left("table", 22), .right("truth", 9), .right("best baseline", 13), .left("", 24), .right("fit", 9),
      .right("regret", 8), .right("±", 7), .right("above truth", 11), .right("s", 6),
    ])
    try Terminal.print(
      "  mean −log p of \(Self.freshCount) fresh rows, in nats; baselines are fitted to all rows, and the best is chosen by the "
        + "fresh ones")
    var all: [Outcome] = []
    for seed in seeds {
      var outcomes: [Outcome] = []
      for drawn in HarmTable.all(seed: seed) {
        let name = "seed \(seed) \(drawn.name)"
        guard words.allSatisfy({ name.contains($0) }) else { continue }
        if outcomes.isEmpty {
          try Terminal.print("seed \(seed)")
          try Terminal.print(table.heading)
        }
        outcomes.append(try measure(drawn, table))
      }
      try summarise(outcomes, "seed \(seed)")
      all += outcomes
    }
    if seeds.count > 1 { try summarise(all, "all seeds") }
  }

  private func measure(_ drawn: HarmTable, _ table: TextTable) throws -> Outcome {
    let (rows, fresh, entropy) = drawn.draw(freshCount: Self.freshCount)
    let baselines: [(String, any Density)] = [
      ("independent Bernoullis", try IndependentBernoulli.fit(to: rows)),
      ("Chow-Liu tree", try ChowLiuTree.fit(to: rows)),
      ("mixture of 5 Bernoullis", try BernoulliMixture.fit(to: rows, componentCount: 5)),
      ("mixture of 30 Bernoullis", try BernoulliMixture.fit(to: rows, componentCount: 30)),
    ]
    let measured = baselines.map { ($0.0, $0.1.logProbabilities(of: fresh)) }
    let start = ContinuousClock.now
    let search = try DensitySearch(
      DataSplits(name: drawn.name, train: rows), budget: .seconds(budget), seed: 0)
    let found = search.run().density
    let seconds = start.duration(to: .now).seconds
    let terms = found.logProbabilities(of: fresh)
    func nll(_ terms: [Double]) -> Double { -terms.reduce(0, +) / Double(terms.count) }
    guard let best = measured.min(by: { nll($0.1) < nll($1.1) }) else { preconditionFailure("no baselines") }
    var regrets = RunningMean()
    regrets.add(zip(best.1, terms).map { $0 - $1 })
    let (regret, error) = (regrets.mean, regrets.standardError)
    func four(_ value: Double) -> String { String(format: "%.4f", value) }
    try Terminal.print(
      table.line([
        drawn.name, four(entropy), four(nll(best.1)), best.0, four(nll(terms)), four(regret), four(error),
        four(nll(terms) - entropy), String(format: "%.1f", seconds),
      ]))
    return Outcome(
      rowCount: drawn.rowCount, regret: regret, error: error, aboveTruth: nll(terms) - entropy,
      seconds: seconds)
  }

  /// Prints what came out of tables of 200 rows or more, and of others.
  private func summarise(_ outcomes: [Outcome], _ name: String) throws {
    try summarise(some: outcomes.filter { $0.rowCount >= 200 }, "\(name), 200 rows or more")
    try summarise(some: outcomes.filter { $0.rowCount < 200 }, "\(name), fewer rows")
  }

  private func summarise(some outcomes: [Outcome], _ name: String) throws {
    guard !outcomes.isEmpty else { return }
    let regrets = outcomes.map(\.regret)
    let count = Double(outcomes.count)
    let harmed = outcomes.filter { $0.regret > Self.tolerance }.count
    func mean(_ values: [Double]) -> String { String(format: "%.4f", values.reduce(0, +) / count) }
    try Terminal.print(
      "\(name): \(outcomes.count) tables, regret at most \(String(format: "%.4f", regrets.max() ?? 0)), mean \(mean(regrets)), "
        + "above \(Self.tolerance) in \(harmed) (\(String(format: "%.1f", 100 * Double(harmed) / count)) %); above the truth by "
        + "\(mean(outcomes.map(\.aboveTruth))) in the mean; \(mean(outcomes.map(\.seconds))) s a table")
  }
}
