import Arguments
import Autodiff
import BinaryDensity
import Foundation
import Kernels

/// Which learning rate suits which batch: NADE and MADE, trained for the same number of epochs with each size of batch and
/// each of several rates, measured on validation rows.
///
/// The rates are powers of two times that which is recommended for a batch of 100 rows, and the rate that is recommended for
/// the batch itself.
package struct BatchRates {
  /// The validation figures of one size of batch.
  package struct Line {
    package let batchSize: Int
    /// The rate that is recommended for it.
    package let recommendedRate: Double
    /// The rates, ascending, and the figures in nats, infinite where training diverged.
    package let points: [(rate: Double, nll: Double)]

    package init(batchSize: Int, recommendedRate: Double, points: [(rate: Double, nll: Double)]) {
      self.batchSize = batchSize
      self.recommendedRate = recommendedRate
      self.points = points
    }

    /// The least figure, and its rate.
    package var best: (rate: Double, nll: Double)? {
      points.filter { $0.nll.isFinite }.min { $0.nll < $1.nll }
    }

    /// How much worse the recommended rate is than the best of those measured, in nats.
    package var loss: Double {
      let own = points.first { $0.rate == recommendedRate }?.nll ?? .infinity
      return best.map { own - $0.nll } ?? .infinity
    }

    /// The rate at the vertex of the parabola through the least figure and its neighbours, over the logarithm of the rate;
    /// nil where the least stands at an end, or beside a training that diverged.
    package var optimum: Double? {
      guard let best, let place = points.firstIndex(where: { $0.rate == best.rate }),
        place > 0, place + 1 < points.count
      else { return nil }
      let near = points[place - 1...place + 1]
      guard near.allSatisfy({ $0.nll.isFinite }) else { return nil }
      let x = near.map { log($0.rate) }
      let y = near.map(\.nll)
      let (left, right) = (x[1] - x[0], x[2] - x[1])
      let (falls, rises) = (y[0] - y[1], y[2] - y[1])
      let curvature = left * rises + right * falls
      guard curvature > 0 else { return nil }
      return exp(x[1] + (right * right * falls - left * left * rises) / (2 * curvature))
    }
  }

  /// A model on a table.
  package struct Panel {
    package let title: String
    package let lines: [Line]

    package init(title: String, lines: [Line]) {
      self.title = title
      self.lines = lines
    }

    /// The power of the batch that the best rate grows with; nil where fewer than three of the best rates are
    /// known, for a line meets two exactly.
    package var law: PowerLaw? {
      let points = lines.compactMap { line in
        line.optimum.map { (x: Double(line.batchSize), y: $0) }
      }
      return points.count > 2 ? PowerLaw(points) : nil
    }
  }

  /// The tables to learn from, each with validation rows.
  let tables: [DataSplits]
  let words: [String]
  let isJSON: Bool
  /// Where the plot goes, if one is wanted.
  let path: String?

  static let batchSizes = [25, 100, 400, 1000]
  private static let factors = (-2...3).map { exp2(Double($0)) }
  /// Trainings take at least so many epochs, and so many that there are at least so many steps of the recommended batch.
  private static let leastStepCount = 1600
  private static let leastEpochCount = 20
  private static let hiddenCount = 50

  /// The first rows of MNIST and its validation rows, in the fixed binarization.
  static func mnist(_ directory: String) throws(DensityError) -> DataSplits {
    let data = try DataSplits.mnist(directory: directory)
    return DataSplits(
      name: "MNIST", train: data.train.rows(0..<2000), validation: data.validation?.rows(0..<1000))
  }

  /// Measures everything, prints a table for each model and table, and writes the plot if one is wanted.
  func run() throws {
    var panels: [Panel] = []
    for data in tables {
      for kind in [ModelKind.nade, .made] {
        let name = kind.rawValue.uppercased()
        let title = "\(name) \(Self.hiddenCount), \(data.name), \(data.train.rowCount) rows"
        guard words.allSatisfy({ title.contains($0) }) else { continue }
        let lines = try Self.batchSizes.map { try measure(kind, data, batchSize: $0) }
        panels.append(Panel(title: title, lines: lines))
        if !isJSON, let panel = panels.last { try Terminal.print(panel.text + "\n") }
      }
    }
    let note =
      "\(Self.leastEpochCount) epochs, or as many as make \(Self.leastStepCount) steps of "
      + "\(RecommendedSettings.batchSize) rows; the best of them on validation rows"
    if let path { try AtomicFile.write(Array(BatchRatePlot(panels: panels, note: note).svg.utf8), to: path) }
    if isJSON {
      try Terminal.print(JSONValue.array(panels.map(\.json)).indentedDescription)
    } else if let path {
      try Terminal.print("wrote \(path)")
    }
  }

  private func measure(_ kind: ModelKind, _ data: DataSplits, batchSize: Int) throws -> Line {
    var training = TrainingConfiguration.recommended(
      for: kind, rowCount: data.train.rowCount, batchSize: batchSize)
    let stepsPerEpoch = Double(data.train.rowCount) / Double(RecommendedSettings.batchSize)
    training.epochCount = max(
      Self.leastEpochCount, Int((Double(Self.leastStepCount) / stepsPerEpoch).rounded(.up)))
    training.seed = 1
    training.validationInterval = 4
    let recommended = training.learningRate
    let base = TrainingConfiguration.recommended(for: kind, rowCount: data.train.rowCount).learningRate
    let rates = Set(Self.factors.map { base * $0 } + [recommended]).sorted()
    return try Line(
      batchSize: batchSize, recommendedRate: recommended,
      points: rates.map { rate in
        training.learningRate = rate
        return (rate, try figure(kind, data, training))
      })
  }

  /// Returns the best validation figure of a training; infinity if it diverges.
  private func figure(_ kind: ModelKind, _ data: DataSplits, _ training: TrainingConfiguration) throws
    -> Double
  {
    func trained(_ model: some TrainableDensity) throws -> Double {
      let trainer = try Trainer(model, data: data, configuration: training)
      do throws(DensityError) {
        _ = try trainer.run()
      } catch {
        guard case .diverged = error else { throw error }
        return .infinity
      }
      return trainer.progress.bestValidationNLL ?? .infinity
    }
    let (count, hidden) = (data.variableCount, Self.hiddenCount)
    guard kind == .made else {
      return try trained(NADE(NADE.Configuration(variableCount: count, hiddenCount: hidden), seed: 1))
    }
    return try trained(
      MADE(MADE.Configuration(variableCount: count, hiddenCounts: [hidden], seed: 1), seed: 1))
  }
}

extension BatchRates.Panel {
  /// The panel as a table: a line a batch, a column a rate, and what the rule loses.
  package var text: String {
    let rates = lines.first { $0.batchSize == RecommendedSettings.batchSize }?.points.map(\.rate) ?? []
    let table = TextTable(
      [.left("rows a step", 12)] + rates.map { .right(significant($0), 9) }
        + [.right("best rate", 10), .right("rule", 9), .right("loses", 7)])
    let rows = lines.map { line in
      table.line(
        ["\(line.batchSize)"]
          + rates.map { rate in line.points.first { $0.rate == rate }.map { nats($0.nll) } ?? "" }
          + [
            line.optimum.map(significant) ?? "at an end", significant(line.recommendedRate), nats(line.loss),
          ])
    }
    let exponent = law.map {
      "best rate ∝ rows a step to the \(fixed($0.exponent)) ± \(fixed($0.standardError))"
    }
    return (["\(title): validation NLL, nats", table.heading] + rows + [exponent ?? ""])
      .joined(separator: "\n")
  }

  package var json: JSONValue {
    [
      "title": .string(title),
      "exponent": law.map { .real($0.exponent) } ?? .null,
      "batches": .array(
        lines.map { line in
          [
            "rows": .integer(line.batchSize), "recommended_rate": .real(line.recommendedRate),
            "best_rate": line.optimum.map(JSONValue.real) ?? .null, "loss": .real(line.loss),
            "rates": .array(line.points.map { .real($0.rate) }),
            "validation_nll": .array(line.points.map { .real($0.nll) }),
          ]
        }),
    ]
  }

  private func nats(_ value: Double) -> String {
    value.isFinite ? String((value * 1000).rounded() / 1000) : "diverged"
  }
}
