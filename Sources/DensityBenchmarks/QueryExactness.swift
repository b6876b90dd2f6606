import Arguments
import BinaryDensity
import Foundation
import Kernels

/// Compares exact answers with the sum over all rows that there are: 2^16 and 2^17, or those of a given model.
struct QueryExactness {
  /// A trained model of at most 20 variables and rows that it is asked about; nil for models of random parameters.
  let given: (model: any Density, rows: BinaryMatrix)?

  private static let evidenceCount = 200
  /// How far an exact answer may be from the sum over all rows, in nats.
  private static let tolerance = 1e-5

  func run() throws {
    let table = TextTable([
      .left("model", 31), .right("rows", 7), .right("log Σ p", 9), .right("marginals", 9),
      .right("conditionals", 12), .right("tabulated", 9), .right("ms/row", 7),
    ])
    try Terminal.print(
      "  the largest distance, in nats, from sums over all rows; \(Self.evidenceCount) rows, each cell known by half"
    )
    try Terminal.print(table.heading)
    if let given { return try compare("the given model", given.model, given.rows, table) }
    for variableCount in [16, 17] {
      for (name, model) in try models(variableCount) {
        var generator = Philox(seed: 5)
        let rows = try model.sample(count: Self.evidenceCount, using: &generator)
        try compare("\(name) of \(variableCount)", model, rows, table)
      }
    }
  }

  private func compare(
    _ name: String, _ model: any Density, _ rows: BinaryMatrix, _ table: TextTable
  ) throws {
    let variableCount = model.variableCount
    guard variableCount <= 20 else {
      throw DensityError.unsupported(
        "all rows of \(variableCount) variables cannot be added up; of 20 they can")
    }
    let all = BinaryMatrix(rowCount: 1 << variableCount, columnCount: variableCount) { $0 >> $1 & 1 == 1 }
    let probabilities = model.logProbabilities(of: all).map(exp)
    let asked = rows.rows(0..<min(Self.evidenceCount, rows.rowCount))
    let evidence = EvidenceMask.random(share: 0.5).evidence(asked)
    let target = PartialRows(
      values: asked,
      known: BinaryMatrix(rowCount: asked.rowCount, columnCount: variableCount) { !evidence.known[$0, $1] })
    let known = (0..<asked.rowCount).map { row -> Double in
      var (mask, values) = (0, 0)
      for column in 0..<variableCount where evidence.known[row, column] {
        mask |= 1 << column
        if asked[row, column] { values |= 1 << column }
      }
      return log(probabilities.indices.reduce(0) { $1 & mask == values ? $0 + probabilities[$1] : $0 })
    }
    let whole = model.logProbabilities(of: asked)

    var enumerated = Inference.Options(enumerationSeconds: 60)
    enumerated.tabulationLimit = 0
    let inference = try model.inference(enumerated)
    let start = Stopwatch.wall.now
    let marginals = try inference.logMarginals(of: evidence) ?? []
    let seconds = Stopwatch.wall.now - start
    let conditionals = try inference.logConditionals(of: target, given: evidence) ?? []
    let tabulated = try model.inference().logMarginals(of: evidence) ?? []

    func worst(_ answers: [LogProbability], _ truth: [Double]) throws -> String {
      guard answers.count == truth.count, answers.allSatisfy(\.isExact) else {
        throw DensityError.unsupported("\(name) has answers that are not exact")
      }
      let distance = zip(answers, truth).map { abs($0.value - $1) }.max() ?? 0
      guard distance <= Self.tolerance else {
        throw DensityError.unsupported("\(name) is \(distance) nats from the sum over all rows")
      }
      return String(format: "%.0e", distance)
    }
    try Terminal.print(
      table.line([
        name, "\(all.rowCount)", String(format: "%.0e", log(probabilities.reduce(0, +))),
        worst(marginals, known), worst(conditionals, zip(whole, known).map { $0 - $1 }),
        worst(tabulated, known), significant(1000 * seconds / Double(asked.rowCount)),
      ]))
  }

  /// A model of each family, its parameters drawn from −1 to 1; baselines of rows that one of them drew.
  private func models(_ variableCount: Int) throws -> [(String, any Density)] {
    var nade = try NADE(
      .init(variableCount: variableCount, hiddenCount: 24, ordering: .random, seed: 1), seed: 1)
    var made = try MADE(
      .init(variableCount: variableCount, hiddenCounts: [24, 24], hasDirectWeights: true), seed: 2)
    var masks = try MADE(
      .init(variableCount: variableCount, hiddenCounts: [24], maskCount: 4), seed: 3)
    var fvsbn = try FVSBN(.init(variableCount: variableCount, ordering: .random), seed: 4)
    var eonade = try EoNADE(
      .init(variableCount: variableCount, hiddenCounts: [24], orderCount: 4), seed: 5)
    randomize(&nade)
    randomize(&made)
    randomize(&masks)
    randomize(&fvsbn)
    randomize(&eonade)
    var generator = Philox(seed: 6)
    let rows = nade.sample(count: 2000, using: &generator)
    let tree = try ChowLiuTree.fit(to: rows)
    return [
      ("NADE", nade), ("MADE", made), ("MADE, 4 mask sets", masks), ("FVSBN", fvsbn),
      ("EoNADE, 4 orders", eonade), ("Chow-Liu tree", tree),
      ("mixture of Bernoullis", try BernoulliMixture.fit(to: rows, componentCount: 8, iterationLimit: 20)),
      ("mixture of NADE and tree", Mixture([nade, tree], weights: [0.7, 0.3])),
    ]
  }
}

/// Draws a model's parameters uniformly from ±`range`.
func randomize(_ model: inout some TrainableDensity, range: Float = 1) {
  for (index, name) in model.parameters.names.enumerated() {
    var generator = Philox(seed: 2, stream: UInt64(index))
    let matrix = model.parameters[name]
    model.parameters[name] = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount) { _, _ in
      Float.random(in: -range...range, using: &generator)
    }
  }
}
