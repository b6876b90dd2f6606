import Arguments
import BinaryDensity
import Kernels

/// Draws of rows of which something is wanted: some cells, a number of ones, or another temperature.
struct ConditionalSampling {
  private let inference: Inference
  private let evidence: PartialRows
  private let method: CompletionMethod
  private let onBitCount: Int?
  private let temperature: Double
  /// What is to be said of the columns that are taken for one variable.
  let notes: [String]

  /// Reads the options of `density sample`; nil if they ask for nothing but rows.
  ///
  /// - Throws: `UsageError` for options that do not go together; `DensityError.invalidConfiguration` for cells that are no
  ///   columns of the model.
  init?(_ arguments: ParsedArguments, for checkpoint: Checkpoint) throws {
    let count = checkpoint.model.variableCount
    temperature = try arguments.value("temperature", as: .number(in: 1e-6...1e6))
    onBitCount = try arguments.optionalValue("on-bits", as: .integer(in: 0...count))
    let given = try arguments.optionalValue("given", as: .string)
    let tries = try arguments.optionalValue("exact", as: .integer(in: 1...1 << 40))
    if tries != nil, given == nil || onBitCount != nil {
      throw UsageError("--exact goes with --given, and not with --on-bits")
    }
    if onBitCount != nil, temperature != 1 {
      throw UsageError("--on-bits and --temperature do not go together")
    }
    let options = try InferenceArguments.options(arguments, forDraws: true)
    let isAsked = given != nil || onBitCount != nil || temperature != 1
    if !isAsked, let option = InferenceArguments.drawOptions.first(where: { arguments.isGiven($0.name) }) {
      throw UsageError("--\(option.name) says nothing without --given, --on-bits or --temperature")
    }
    guard isAsked else { return nil }
    method = tries.map { .rejection(tryLimit: $0) } ?? .particles
    inference = try Inference(checkpoint.model, options)
    let vocabulary = QueryVocabulary.suggesting(checkpoint)
    let list = try given.map { try CellList($0, vocabulary, option: "--given") }
    var evidence = PartialRows(rowCount: 1, columnCount: count)
    // As in a query, a column by itself is on.
    for column in list?.columns ?? [] { evidence[0, column] = true }
    for (column, value) in list?.values ?? [] { evidence[0, column] = value }
    self.evidence = evidence
    notes = (list?.categories ?? []).map(vocabulary.note)
  }

  /// Draws rows, and says what is to be known of them.
  func sample(
    count: Int, using generator: inout Philox
  ) throws(DensityError) -> (rows: BinaryMatrix, note: String?) {
    func goesOn(_ fraction: Double) throws(DensityError) -> Bool {
      if Interrupt.isRequested { throw .interrupted }
      return true
    }
    let found =
      if let onBitCount {
        try inference.sample(
          given: evidence, onBitCount: onBitCount, count: count, using: &generator, observing: goesOn)
      } else {
        try inference.sample(
          given: evidence, count: count, method: method, temperature: temperature, using: &generator,
          observing: goesOn)
      }
    guard let found else { throw .interrupted }
    if temperature != 1 { return (found.rows, "at a temperature of \(temperature): not drawn from p") }
    let note = found.effectiveSampleSizes[0].map {
      InferenceArguments.note($0)
        + (onBitCount == nil ? "; --exact TRIES draws by rejection" : "")
    }
    return (found.rows, note)
  }
}

/// Different rows, and how often each has come up.
struct DistinctRows {
  private let columnCount: Int
  private var counts: [[Bool]: Int] = [:]

  init(columnCount: Int) { self.columnCount = columnCount }

  mutating func add(_ rows: BinaryMatrix) {
    for row in 0..<rows.rowCount { counts[rows[row: row], default: 0] += 1 }
  }

  /// Writes a line a row: how often it came up, then its cells; the most frequent first.
  func write(to output: String, names: [String]?, values: TableOptions.Values?) throws(DensityError) {
    let names = ["count"] + (names ?? (1...columnCount).map { "column\($0)" })
    let rows = counts.sorted { a, b in
      a.value == b.value ? b.key.map(\.bit).lexicographicallyPrecedes(a.key.map(\.bit)) : a.value > b.value
    }
    var bytes = TableFile.csvLine(names)
    let (off, on) = (TableFile.csvCell(values?.off ?? "0"), TableFile.csvCell(values?.on ?? "1"))
    for (row, count) in rows {
      bytes += Array("\(count)".utf8)
      for isOn in row { bytes += [0x2C] + (isOn ? on : off) }
      bytes.append(0x0A)
    }
    if output == "-" {
      _ = try StandardOutput.write(bytes)
    } else {
      try AtomicFile.write(output.hasSuffix(".gz") ? Gzip.compress(bytes) : bytes, to: output)
    }
  }
}

extension Bool {
  fileprivate var bit: Int { self ? 1 : 0 }
}
