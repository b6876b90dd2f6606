import Arguments
import BinaryDensity
import Kernels

/// Measures one model after another and prints a line for each operation and number of threads.
struct Benchmark {
  /// How long each measurement repeats its operation, in seconds.
  let seconds: Double
  /// How many measurements each figure is the median of.
  let repetitions: Int
  /// The numbers of threads, measured in turn.
  let threadCounts: [Int]
  /// Words of which one must be in the model and operation measured; empty for all.
  let words: [String]
  /// Whether to print JSON.
  let isJSON: Bool
  let data: BenchmarkData

  private var subjects: [Subject] { Subject.all(variableCount: data.rows.columnCount) }

  /// What the figures that are wanted are called.
  var labels: [String] {
    subjects.flatMap { subject in subject.operations.map(subject.label).filter(isWanted) }
  }

  func run() throws {
    guard !labels.isEmpty else {
      throw UsageError("--only: no figure has the words '\(words.joined(separator: "' or '"))'")
    }
    let peaks = threadCounts.map { Peak(threadCount: $0) }
    let table = Figure.table(comparingThreads: threadCounts.count > 1)
    if !isJSON {
      try Terminal.print(
        "\(Machine.current.description)\n\(InstructionSet.current); \(data.description)\n"
          + peaks.map { "peak of \($0.description)" }.joined(separator: "\n") + "\n\n" + table.heading)
    }
    var figures: [Figure] = []
    for subject in subjects {
      let operations = subject.operations.filter { isWanted(subject.label($0)) }
      guard !operations.isEmpty else { continue }
      let density = try subject.density().withMarginals(of: data.rows)
      for operation in operations {
        let group = try measure(operation, density, subject, peaks)
        figures += group
        if !isJSON { for figure in group { try Terminal.print(table.line(figure.fields(beside: group))) } }
      }
    }
    if isJSON {
      try Terminal.print(
        JSONValue.object([
          .init(key: "machine", value: Machine.current.json),
          .init(key: "instructions", value: .string(InstructionSet.current.rawValue)),
          .init(key: "data", value: data.json),
          .init(key: "peaks", value: .array(peaks.map(\.json))),
          .init(key: "figures", value: .array(figures.map(\.json))),
        ]).indentedDescription)
    }
  }

  private func isWanted(_ label: String) -> Bool {
    words.isEmpty || words.contains { label.lowercased().contains($0.lowercased()) }
  }

  /// Measures one operation with each number of threads in turn, so that what else the machine does meets all alike.
  private func measure(
    _ operation: Operation, _ density: any Density, _ subject: Subject, _ peaks: [Peak]
  ) throws -> [Figure] {
    let before = Threads.count
    defer { Threads.count = before }
    let batchSize = subject.batchSize(operation)
    let measure = try operation.prepared(
      density, rows: data.rows, configuration: subject.configuration, batchSize: batchSize)
    var rates = threadCounts.map { _ in [Double]() }
    for repetition in 0...repetitions {
      for (index, count) in threadCounts.enumerated() {
        Threads.count = count
        // The first measurement warms up.
        let rate = try measure(repetition == 0 ? seconds / 5 : seconds, .wall)
        if repetition > 0 { rates[index].append(rate) }
      }
    }
    var generator = Philox(seed: 4)
    let counted = operation == .sample ? try density.sample(count: batchSize, using: &generator) : data.rows
    let work = Work(operation, density, rows: counted, batchSize: batchSize)
    return zip(peaks, rates).map { peak, rates in
      Figure(
        model: subject.name, operation: operation, batchSize: batchSize, rates: rates.sorted(), work: work,
        peak: peak)
    }
  }
}
