import Autodiff
import BinaryDensity
import Kernels

/// Measures one model after another and prints a row for each operation.
struct Benchmark {
  /// How long each measurement repeats its operation, in seconds.
  var seconds = 1.0
  /// How many measurements each figure is the median of.
  var repetitions = 7
  let rows: BinaryMatrix

  init(arguments: [String]) {
    var generator = Philox(seed: 1)
    // 13 % of MNIST's pixels are on.
    rows = BinaryMatrix(rowCount: 4000, columnCount: 784) { _, _ in
      Float.random(in: 0..<1, using: &generator) < 0.13
    }
    if arguments.contains("--quick") {
      seconds = 0.2
      repetitions = 3
    }
  }

  func run() {
    print("784 variables, 13 % on; threads: \(Threads.count), instructions: \(InstructionSet.current)")
    print(line("model", "operation", "median", "min", "max", "rows/s"))
    do {
      for hidden in [500] {
        measure(
          "NADE \(hidden)",
          try NADE(NADE.Configuration(variableCount: 784, hiddenCount: hidden), seed: 1))
      }
      for hidden in [[500], [500, 500], [2000]] {
        measure(
          "MADE \(hidden)", try MADE(MADE.Configuration(variableCount: 784, hiddenCounts: hidden), seed: 1))
      }
      measure("FVSBN", try FVSBN(FVSBN.Configuration(variableCount: 784), seed: 1))
    } catch {
      print(error)
    }
  }

  private func measure(_ name: String, _ model: some AutoregressiveModel) {
    do {
      let trainer = try Trainer(
        model, data: DataSplits(name: "random", train: rows),
        configuration: TrainingConfiguration(epochCount: .max / 1_000_000, schedule: .constant))
      report(name, "train, 100 a step") { deadline in
        var count = 0
        _ = try? trainer.run { (event) throws(DensityError) in
          if case .step = event { count += 100 }
          return !deadline.isOver
        }
        return count
      }
      let evaluator = Evaluator(model, batchCapacity: 1000)
      let batch = rows.rows(0..<1000)
      report(name, "log p, 1000 a call") { deadline in
        var count = 0
        repeat { count += evaluator.logProbabilities(of: batch).count } while !deadline.isOver
        return count
      }
      report(name, "sample, 1000 a call") { deadline in
        var count = 0
        var generator = Philox(seed: 3)
        repeat { count += model.sample(count: 1000, using: &generator).rowCount } while !deadline.isOver
        return count
      }
    } catch {
      print("\(name): \(error)")
    }
  }

  private func report(_ name: String, _ operation: String, _ body: (Deadline) -> Int) {
    let clock = ContinuousClock()
    _ = body(Deadline(clock.now + .milliseconds(50)))
    let rates = (0..<repetitions).map { _ in
      let start = clock.now
      let count = body(Deadline(start + .seconds(seconds)))
      return Double(count) / start.duration(to: clock.now).seconds
    }.sorted()
    func text(_ rate: Double) -> String { String(Int(rate.rounded())) }
    print(
      line(name, operation, text(rates[rates.count / 2]), text(rates[0]), text(rates[rates.count - 1]), ""))
  }

  private struct Deadline {
    let instant: ContinuousClock.Instant
    init(_ instant: ContinuousClock.Instant) { self.instant = instant }
    var isOver: Bool { ContinuousClock().now >= instant }
  }

  private func line(_ fields: String...) -> String {
    zip(fields, [16, 20, 10, 10, 10, 0]).map { field, width in
      field + String(repeating: " ", count: max(0, width - field.count))
    }.joined(separator: " ")
  }
}
