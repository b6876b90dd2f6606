import Arguments
import BinaryDensity
import Foundation
import Kernels

/// Measures lossless compression of MNIST's test rows beside sampling as many: times, their ratios, and bits.
struct Coding {
  /// Words of which one must be in the name of a model; empty for all.
  let words: [String]
  let repetitions: Int
  let dataDirectory: String

  func run() throws {
    try Terminal.print(Machine.current.description)
    let data = try DataSplits.mnist(directory: dataDirectory)
    guard let rows = data.test else { return }
    let table = TextTable([
      .left("model", 22), .right("compress ms", 11), .right("decompress", 10), .right("sample", 8),
      .right("log p", 8), .right("compress :", 10), .right("decompress :", 12), .right("bytes", 8),
      .right("of ideal", 9),
    ])
    try Terminal.print("\(rows.rowCount) rows; models of one epoch; times are the medians of \(repetitions)")
    try Terminal.print(table.heading)
    for subject in try Self.subjects {
      guard words.isEmpty || words.contains(where: { subject.name.contains($0) }) else { continue }
      try Terminal.print(table.line(try measure(subject, try trained(subject.model, data), rows)))
    }
  }

  private typealias Subject = (name: String, model: any TrainableDensity, isMixture: Bool)

  private static var subjects: [Subject] {
    get throws {
      func made(_ maskCount: Int) throws -> MADE {
        try MADE(
          MADE.Configuration(
            variableCount: 784, hiddenCounts: [500], maskCount: maskCount, ordering: .resampled, seed: 1),
          seed: 1)
      }
      return [
        ("NADE 500", try NADE(NADE.Configuration(variableCount: 784, hiddenCount: 500), seed: 1), false),
        ("MADE [500]", try made(1), false), ("MADE [500], 4 orders", try made(4), true),
      ]
    }
  }

  private func trained(_ model: any TrainableDensity, _ data: DataSplits) throws -> any Density {
    func train(_ model: some TrainableDensity) throws -> any Density {
      let trainer = try Trainer(
        model, data: data,
        configuration: TrainingConfiguration(
          epochCount: 1, learningRate: 0.001, seed: 1, startsAtMarginals: true))
      _ = try trainer.run()
      return trainer.model
    }
    return try train(model)
  }

  /// The times in milliseconds, and what they are to be compared with: a sample, of a mixture a likelihood besides.
  private func measure(_ subject: Subject, _ model: any Density, _ rows: BinaryMatrix) throws -> [String] {
    let coder = try model.coder()
    let evaluator = model.evaluator()
    var generator = Philox(seed: 1, stream: .sampling)
    let bytes = coder.compress(rows)
    guard try coder.decompress(bytes) == rows else { preconditionFailure("other rows came back") }
    let bits = evaluator.logProbabilities(of: rows).reduce(0) { $0 - $1 / log(2) }
    let compress = milliseconds { _ = coder.compress(rows) }
    let decompress = try milliseconds { _ = try coder.decompress(bytes) }
    let sample = try milliseconds { _ = try evaluator.sample(count: rows.rowCount, using: &generator) }
    let likelihood = milliseconds { _ = evaluator.logProbabilities(of: rows) }
    let base = sample + (subject.isMixture ? likelihood : 0)
    return [
      subject.name, significant(compress), significant(decompress), significant(sample),
      significant(likelihood),
      significant(compress / base), significant(decompress / base), "\(bytes.count)",
      "\((Double(8 * bytes.count) / bits * 1e5).rounded() / 1e5)",
    ]
  }

  private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    // One thread's time is that of the processor, which other work does not disturb.
    let clock = Threads.count == 1 ? Stopwatch.processor : .wall
    var times: [Double] = []
    for _ in 0..<repetitions {
      let start = clock.now
      try body()
      times.append(1000 * (clock.now - start))
    }
    return median(ofSorted: times.sorted())
  }
}
