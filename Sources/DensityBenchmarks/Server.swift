import Arguments
import BinaryDensity
import Kernels

/// Measures one operation each time it is asked to: what two builds that are compared both run.
///
/// It prepares the operation, measures once without counting it, and prints the figure's label. For each line of standard
/// input, the number of threads, it then prints a line with the rows a second of one measurement, until the input ends.
/// With one thread the time is that of the process on the processor, which what else the machine does hardly touches;
/// with several it is that of the wall.
struct Server {
  /// The figure's label, whole.
  let label: String
  /// How long a measurement repeats the operation, in seconds.
  let seconds: Double
  /// The processor that a measurement with one thread stays on, if the system lets it.
  let processor: Int?
  let data: BenchmarkData

  func run() throws {
    let figures = Subject.all(variableCount: data.rows.columnCount).flatMap { subject in
      subject.operations.map { (subject: subject, operation: $0) }
    }
    guard let (subject, operation) = figures.first(where: { $0.subject.label($0.operation) == label }) else {
      throw UsageError("--serve: no figure is called '\(label)'")
    }
    let density = try subject.density().withMarginals(of: data.rows)
    let measure = try operation.prepared(
      density, rows: data.rows, configuration: subject.configuration, batchSize: subject.batchSize(operation))
    let everywhere = Affinity.current
    let pinned = processor.flatMap { Affinity(processor: $0) }
    Threads.count = 1
    _ = try measure(seconds, .processor)
    try Terminal.print(label)
    while let line = readLine() {
      guard let count = Int(line), (1...256).contains(count) else {
        throw UsageError(
          "--serve: expected a number of threads from 1 to 256 on standard input, found '\(line)'")
      }
      Threads.count = count
      // Threads start with the processors of the one that starts them, so it is let go before it asks for others.
      _ = (count == 1 ? pinned : everywhere)?.apply()
      try Terminal.print(try measure(seconds, count == 1 ? .processor : .wall))
    }
  }
}
