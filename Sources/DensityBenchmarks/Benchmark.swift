import Autodiff
import BinaryDensity
import Kernels

/// Measures one model after another and prints a line for each operation.
struct Benchmark {
  /// How long each measurement repeats its operation, in seconds.
  let seconds: Double
  /// How many measurements each figure is the median of.
  let repetitions: Int
  /// A word that the names of the models measured have in them.
  let only: String?
  /// Whether to print JSON.
  let isJSON: Bool
  private let rows: BinaryMatrix

  init(seconds: Double, repetitions: Int, only: String?, isJSON: Bool) {
    self.seconds = seconds
    self.repetitions = repetitions
    self.only = only
    self.isJSON = isJSON
    var generator = Philox(seed: 1)
    // 13 % of MNIST's pixels are on.
    rows = BinaryMatrix(rowCount: 4000, columnCount: 784) { _, _ in
      Float.random(in: 0..<1, using: &generator) < 0.13
    }
  }

  /// One line of the table.
  private struct Figure {
    let model: String
    let operation: String
    /// Rows a second, ascending.
    let rates: [Double]
    var median: Double { rates[rates.count / 2] }
  }

  func run() throws {
    var figures: [Figure] = []
    if !isJSON {
      print("784 variables, 13 % on; threads \(Threads.count), instructions \(InstructionSet.current)")
      print(line("model", "operation", "rows/s", "least", "most"))
    }
    func measure(_ name: String, _ model: some AutoregressiveModel) throws {
      guard only.map({ name.contains($0) }) ?? true else { return }
      for figure in try self.figures(name, model) {
        figures.append(figure)
        guard !isJSON else { continue }
        func text(_ rate: Double?) -> String { String(Int((rate ?? 0).rounded())) }
        print(
          line(
            figure.model, figure.operation, text(figure.median), text(figure.rates.first),
            text(figure.rates.last)))
      }
    }
    try measure("NADE 500", NADE(NADE.Configuration(variableCount: 784, hiddenCount: 500), seed: 1))
    for hidden in [[500], [500, 500], [2000]] {
      try measure(
        "MADE \(hidden)", MADE(MADE.Configuration(variableCount: 784, hiddenCounts: hidden), seed: 1))
    }
    try measure("FVSBN", FVSBN(FVSBN.Configuration(variableCount: 784), seed: 1))
    if isJSON { print(json(figures).indentedDescription) }
  }

  private func figures(_ name: String, _ model: some AutoregressiveModel) throws -> [Figure] {
    // The steps run on past the last epoch that any measurement could reach.
    let trainer = try Trainer(
      model, data: DataSplits(name: "random", train: rows),
      configuration: TrainingConfiguration(epochCount: 1_000_000, schedule: .constant))
    let training = try rates { isOver throws(DensityError) in
      var count = 0
      _ = try trainer.run { (event) throws(DensityError) in
        if case .step = event { count += 100 }
        return !isOver()
      }
      return count
    }
    let evaluator = Evaluator(model, batchCapacity: 1000)
    let batch = rows.rows(0..<1000)
    let likelihood = try rates { isOver throws(DensityError) in
      var count = 0
      repeat { count += evaluator.logProbabilities(of: batch).count } while !isOver()
      return count
    }
    var generator = Philox(seed: 3)
    let sampling = try rates { isOver throws(DensityError) in
      var count = 0
      repeat { count += model.sample(count: 1000, using: &generator).rowCount } while !isOver()
      return count
    }
    return [
      Figure(model: name, operation: "train, 100 a step", rates: training),
      Figure(model: name, operation: "log p, 1000 a call", rates: likelihood),
      Figure(model: name, operation: "sample, 1000 a call", rates: sampling),
    ]
  }

  /// Returns the rates of the measurements, ascending, after one that warms up.
  private func rates(
    _ body: (_ isOver: () -> Bool) throws(DensityError) -> Int
  ) throws(DensityError) -> [Double] {
    let clock = ContinuousClock()
    var rates: [Double] = []
    for repetition in 0...repetitions {
      let start = clock.now
      let end = start + .seconds(repetition == 0 ? seconds / 10 : seconds)
      let count = try body { clock.now >= end }
      if repetition > 0 { rates.append(Double(count) / start.duration(to: clock.now).seconds) }
    }
    return rates.sorted()
  }

  private func json(_ figures: [Figure]) -> JSONValue {
    [
      "threads": .integer(Threads.count), "instructions": .string("\(InstructionSet.current)"),
      "figures": .array(
        figures.map {
          [
            "model": .string($0.model), "operation": .string($0.operation),
            "rows_per_second": .real($0.median), "least": JSONValue($0.rates.first),
            "most": JSONValue($0.rates.last),
          ]
        }),
    ]
  }

  private func line(_ fields: String...) -> String {
    zip(fields, [16, 20, 9, 9, 9]).map { field, width in
      field + String(repeating: " ", count: max(0, width - field.count))
    }.joined(separator: " ")
  }
}
