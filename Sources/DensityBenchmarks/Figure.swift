import BinaryDensity

/// One line of the benchmark: how fast an operation is, and how fast it could be.
struct Figure {
  let model: String
  let operation: Operation
  /// The rows of a step or a call.
  let batchSize: Int
  /// Rows a second, ascending, one a measurement.
  let rates: [Double]
  /// What a call cannot do without.
  let work: Work
  /// What the machine does at most with the number of threads.
  let peak: Peak

  /// The middle of the rates.
  var median: Double { DensityBenchmarks.median(ofSorted: rates) }

  /// The time of a call, in seconds.
  var callSeconds: Double { Double(batchSize) / median }

  /// The share of the multiply-adds' peak that the counted operations make.
  var arithmeticShare: Double { work.flops / callSeconds / peak.flopsPerSecond }
  /// The share of the stream that the counted bytes make.
  var streamShare: Double { work.bytes / callSeconds / peak.stream(for: work).bytesPerSecond }

  var json: JSONValue {
    let floor = peak.floor(of: work)
    let batch = Double(batchSize)
    return [
      "model": .string(model), "operation": .string(operation.rawValue),
      "batch": .integer(batchSize), "threads": .integer(peak.threadCount),
      "rows_per_second": [
        "median": .real(median), "min": JSONValue(rates.first), "max": JSONValue(rates.last),
      ],
      "measurements": .integer(rates.count),
      "flops_per_row": .real(work.flops / batch), "bytes_per_row": .real(work.bytes / batch),
      "floor_seconds_per_row": .real(floor.seconds / batch),
      "share_of_floor": .real(floor.seconds / callSeconds),
      "share_of_arithmetic_peak": .real(arithmeticShare), "share_of_stream": .real(streamShare),
      "limit": .string(floor.limit),
    ]
  }

  // MARK: The table

  static func table(comparingThreads: Bool) -> TextTable {
    TextTable(
      [
        .left("model", 23), .left("operation", 9), .right("batch", 5), .right("threads", 7),
        .right("rows/s", 8), .right("least", 8), .right("most", 8),
        .right("Mflop/row", 9), .right("kB/row", 8), .right("µs/row", 8), .right("floor", 8),
        .right("floor/time", 10), .right("FMA peak", 8), .right("stream", 6), .left("floor set by", 12),
      ] + (comparingThreads ? [.right("÷ first", 7)] : []))
  }

  /// The fields of the figure's line, beside those of the same operation with other numbers of threads.
  func fields(beside group: [Figure]) -> [String] {
    let batch = Double(batchSize)
    let floor = peak.floor(of: work)
    func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
    func microseconds(_ seconds: Double) -> String { significant(1e6 * seconds / batch) }
    var fields = [
      model, operation.rawValue, String(batchSize), String(peak.threadCount), significant(median),
      significant(rates.first ?? 0), significant(rates.last ?? 0), significant(work.flops / batch / 1e6),
      significant(work.bytes / batch / 1e3), microseconds(callSeconds), microseconds(floor.seconds),
      percent(floor.seconds / callSeconds), percent(arithmeticShare), percent(streamShare), floor.limit,
    ]
    if group.count > 1 {
      fields.append(
        peak.threadCount == group[0].peak.threadCount ? "" : significant(median / group[0].median))
    }
    return fields
  }
}
