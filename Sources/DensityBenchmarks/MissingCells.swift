import Arguments
import BinaryDensity
import Foundation
import Kernels

/// What missing cells cost: models fitted to a table some of whose training cells are removed at random, measured on
/// complete rows.
///
/// Cell c of training row r is removed where the c-th number of the row's sequence is below the share: what is removed at
/// 10 % is removed at 30 % too. Validation and test rows are complete.
struct MissingCells {
  let train: String
  let validation: String
  let test: String
  let words: [String]
  let isJSON: Bool

  private static let shares = [0, 0.1, 0.3, 0.5]

  /// What is done about what is missing.
  private enum Way: String, CaseIterable {
    case known = "known cells"
    case dropped = "complete rows only"
    case zeros = "missing is 0"
  }

  private static let kinds: [(name: String, kind: ModelKind)] = [
    ("Chow-Liu tree", .chowLiu), ("mixture of 50 Bernoullis", .bernoulliMixture), ("EoNADE 200", .eonade),
    ("NADE 100", .nade), ("MADE 100", .made),
  ]

  /// Fits all, and prints a line each: test NLL in nats at each share.
  func run() throws {
    let data = try DataSplits.load(train: train, validation: validation, test: test)
    guard let held = data.validation, let test = data.test else {
      preconditionFailure("a path was given for each part")
    }
    let table = TextTable(
      [.left("model", 24), .left("learns from", 18)]
        + Self.shares.flatMap {
          [TextTable.Column.right("\(Int(100 * $0)) %", 8), .right("seconds", 8)]
        })
    var figures: [JSONValue] = []
    if !isJSON {
      try print(
        "\(data.name): \(data.train.rowCount) training rows of \(data.variableCount) variables; "
          + "test NLL in nats with so many of the training cells removed at random")
      try print(table.heading)
    }
    for (name, kind) in Self.kinds {
      for way in Way.allCases {
        guard words.allSatisfy({ "\(name) \(way.rawValue)".contains($0) }) else { continue }
        var fields = [name, way.rawValue]
        for share in Self.shares {
          guard share > 0 || way == .known else {
            fields += ["", ""]
            continue
          }
          let partial = Self.removing(share, of: data.train)
          guard let rows = Self.rows(partial, way) else {
            fields += ["no rows", ""]
            continue
          }
          let start = ContinuousClock.now
          let density = try Self.fit(kind, DataSplits(name: data.name, train: rows, validation: .whole(held)))
          let seconds = start.duration(to: .now).seconds
          let nll = -density.logProbabilities(of: test).reduce(0, +) / Double(test.rowCount)
          fields += ["\((nll * 1000).rounded() / 1000)", "\((seconds * 10).rounded() / 10)"]
          figures.append([
            "model": .string(name), "learns_from": .string(way.rawValue), "removed": .real(share),
            "test_nll": .real(nll), "seconds": .real(seconds), "rows": .integer(rows.rowCount),
          ])
        }
        if !isJSON { try print(table.line(fields)) }
      }
    }
    if isJSON {
      let report: JSONValue = ["data": .string(data.name), "figures": .array(figures)]
      try print(report.indentedDescription)
    }
  }

  private func print(_ line: String) throws { try Terminal.print(line) }

  /// Removes cells by the rule above.
  private static func removing(_ share: Double, of rows: BinaryMatrix) -> PartialRows {
    var known = BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount)
    for row in 0..<rows.rowCount {
      var generator = Philox(seed: 1, stream: UInt64(row))
      for column in 0..<rows.columnCount {
        known[row, column] = Double(unitFloat(generator.nextWord())) >= share
      }
    }
    return PartialRows(values: rows, known: known)
  }

  /// Returns what is learnt from; nil if no row is left.
  private static func rows(_ partial: PartialRows, _ way: Way) -> PartialRows? {
    switch way {
    case .known: return partial
    case .zeros: return .whole(partial.values)
    case .dropped:
      let complete = (0..<partial.rowCount).filter {
        partial.known.onBitCount(ofRow: $0) == partial.columnCount
      }
      return complete.isEmpty ? nil : .whole(partial.values.selecting(complete))
    }
  }

  private static func fit(_ kind: ModelKind, _ data: DataSplits) throws -> any Density {
    let rows = data.partialRows(.train) ?? .whole(data.train)
    switch kind {
    case .chowLiu: return try ChowLiuTree.fit(to: rows)
    case .bernoulliMixture:
      return try BernoulliMixture.fit(
        to: rows, validation: data.validation.map(PartialRows.whole), componentCount: 50)
    case .eonade:
      let model = try EoNADE(
        EoNADE.Configuration(variableCount: data.variableCount, hiddenCounts: [200], orderCount: 8), seed: 1)
      return try train(model, data, steps: 12_000, rate: 0.002, decay: 0.01)
    case .nade:
      let model = try NADE(
        NADE.Configuration(variableCount: data.variableCount, hiddenCount: 100), seed: 1)
      return try train(model, data, steps: 6000, rate: 0.001, decay: 0.1)
    default:
      let model = try MADE(
        MADE.Configuration(variableCount: data.variableCount, hiddenCounts: [100], hasDirectWeights: true),
        seed: 1)
      return try train(model, data, steps: 6000, rate: 0.001, decay: 0.1)
    }
  }

  /// Trains for about so many steps, and keeps what does best on the validation rows.
  private static func train(
    _ model: some TrainableDensity, _ data: DataSplits, steps: Int, rate: Double, decay: Double
  ) throws -> any Density {
    let batches = max(1, (data.train.rowCount + 99) / 100)
    let trainer = try Trainer(
      model, data: data,
      configuration: TrainingConfiguration(
        epochCount: max(1, steps / batches), learningRate: rate, optimizer: .adam(weightDecay: decay),
        seed: 1,
        validationInterval: max(1, steps / batches / 30), startsAtMarginals: true))
    _ = try trainer.run()
    return trainer.best
  }
}

extension PartialRows {
  /// Rows of which all is known.
  fileprivate static func whole(_ rows: BinaryMatrix) -> PartialRows {
    PartialRows(rows, knownColumns: 0..<rows.columnCount)
  }
}
