import Arguments
import BinaryDensity
import Foundation
import Kernels

/// The command `density marginal`.
enum MarginalCommand {
  static let command = Command(
    name: "marginal",
    summary: "Write log p of the known cells of each row, or of some given others, in nats.",
    discussion: """
      A line a row, in the table's order: log p, its standard error, and how it is known. exact is but for rounding; an \
      estimate is by particles in 32 batches, which double until they agree, reach --error, or are as many as --particles; \
      untrusted where they still disagree by more than half a nat. Then log p less log 20 is not exceeded in more than one \
      run in twenty, and more --particles may help. A missing cell never counts as a probability of 1: it is summed over.

      With --given the known cells of those columns are conditions, and log p is that of the row's other known cells given \
      them. With --others a line has, for each column, log p of its cell given all other cells of the row: exact for every \
      model, and telling which cell is odd.

      Cells are taken to be missing at random: that a value is missing must not say anything about it.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path",
        help: "Where to write: .csv or .txt; .npy or .idx for log p alone. Default: standard output."),
      .value("given", placeholder: "columns", help: "Condition on these, by name or number: a,b,7-20."),
      .value("hide", placeholder: "cells", help: "Hide these cells first: as of 'density impute'."),
      .flag("others", help: "Instead, log p of each cell given all others."),
      .value("count", short: "n", placeholder: "rows", help: "Only so many rows. Default: all."),
    ] + InferenceArguments.options + [
      CommonOptions.seed(of: "particles, and of hidden cells"), DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      Positional("table", help: "The rows, of which cells may be missing; - reads standard input."),
    ],
    examples: [
      Command.Example(
        "density marginal model.safetensors gaps.csv", "how likely what is known of each row is"),
      Command.Example(
        "density marginal model.safetensors table.csv --given age,sex",
        "the rest of each row given two columns"),
      Command.Example(
        "density marginal model.safetensors table.csv --others -o odd.csv", "which cell of each row is odd"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.optionalValue("output", as: .path)
    let model = try arguments.value("checkpoint", as: .path)
    let table = try arguments.value("table", as: .path)
    let limit = try arguments.optionalValue("count", as: .integer(in: 1...1_000_000_000))
    let isOthers = arguments.flag("others")
    if isOthers,
      let option = ["given", "error", "particles", "enumerate", "order"].first(where: arguments.isGiven)
    {
      throw UsageError("--\(option) says nothing with --others, whose answers are exact")
    }
    let output = try Output(path: path, isOthers: isOthers)
    if let path { try AtomicFile.checkWritable(path, besides: [model, table]) }
    let options = try InferenceArguments.options(arguments)
    let checkpoint = try Checkpoint(contentsOf: model)
    let inference = try Inference(checkpoint.model, options)
    let evidence = try EvidenceTable(arguments, path: table, for: checkpoint, limit: limit)
    let count = checkpoint.model.variableCount
    let given = try arguments.optionalValue("given", as: .list).map {
      try ColumnSelection.columns($0, option: "--given", evidence.columnNames, count)
    }
    let hidden = try arguments.optionalValue("hide", as: .string).map {
      try HiddenCells($0, columnNames: evidence.columnNames, columnCount: count)
    }
    let seed = options.seed
    Interrupt.install()
    let progress = ProgressLine()
    var report = MarginalReport(isOthers: isOthers)
    let shape = TableWriter.Shape(columnCount: count, names: evidence.columnNames)
    try output.writing(shape) { (write) throws(DensityError) in
      try evidence.forEachBlock(of: 512) { (before, rows, fraction) throws(DensityError) in
        let rows =
          try hidden?.hiding(in: rows, firstRow: before, imageShape: evidence.imageShape, seed: seed) ?? rows
        // A block tells how much of it is done where the table does not.
        func observe(_ part: Double) throws(DensityError) -> Bool {
          if Interrupt.isRequested { throw .interrupted }
          progress.update("asking", fraction: fraction ?? part)
          return true
        }
        if isOthers {
          if let row = (0..<rows.rowCount).first(where: { rows.known.onBitCount(ofRow: $0) < count }) {
            throw .mismatch(
              path: evidence.path, expected: "rows without missing cells, as --others asks for",
              found: "row \(before + row + 1) with a missing cell ('density impute' completes rows)")
          }
          let found = try inference.logConditionalsGivenAllOthers(of: rows.values, observing: observe)
          guard let found else { return false }
          report.add(found)
          return try write(.cells(found))
        }
        let answers: [LogProbability]?
        if let given {
          let (target, condition) = rows.split(byColumns: given)
          answers = try inference.logConditionals(
            of: target, given: condition, firstRow: before, observing: observe)
        } else {
          answers = try inference.logMarginals(of: rows, firstRow: before, observing: observe)
        }
        guard let answers else { return false }
        report.add(answers)
        return try write(.answers(answers))
      }
    }
    progress.finish()
    try evidence.report(arguments, for: checkpoint)
    progress.print(report.summary)
    return .success
  }
}

/// Where answers go.
private enum Output {
  /// Some rows' answers: a line a row.
  enum Part {
    case answers([LogProbability])
    case cells(Matrix<Double>)
  }

  case standardOutput(isOthers: Bool)
  case text(TableFile)
  case numbers(TableFile)
  case cells(NumberTableFile)

  init(path: String?, isOthers: Bool) throws(DensityError) {
    guard let path else {
      self = .standardOutput(isOthers: isOthers)
      return
    }
    if isOthers {
      self = .cells(try NumberTableFile(path: path))
    } else {
      let file = try TableFile(path: path, for: .numbers)
      self = file.format == .text ? .text(file) : .numbers(file)
    }
  }

  /// Writes answers as they come; a file takes its name when all are written.
  func writing(
    _ shape: TableWriter.Shape,
    _ produce: (_ write: (Part) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws(DensityError) {
    switch self {
    case .standardOutput(true):
      let names = TableWriter.standardOutput(shape)
      try produce { (part) throws(DensityError) in
        try names.flush()
        return try StandardOutput.write(Self.cells(part).flatMap { NumberTableFile.line($0) })
      }
    case .standardOutput(false):
      // Nothing is written before there is an answer.
      var heading = Self.heading
      try produce { (part) throws(DensityError) in
        defer { heading = [] }
        return try StandardOutput.write(heading + Self.lines(part))
      }
    case .text(let file):
      var bytes = Self.heading
      try produce { (part) throws(DensityError) in
        bytes += Self.lines(part)
        return true
      }
      try AtomicFile.write(file.isCompressed ? Gzip.compress(bytes) : bytes, to: file.path)
    case .numbers(let file):
      var numbers: [Double] = []
      try produce { (part) throws(DensityError) in
        if case .answers(let answers) = part { numbers += answers.map(\.value) }
        return true
      }
      try file.write(numbers)
    case .cells(let file):
      try file.writing(shape) { (write) throws(DensityError) in
        try produce { (part) throws(DensityError) in
          for numbers in Self.cells(part) { try write(numbers) }
          return true
        }
      }
    }
  }

  private static let heading = Array("log_p,standard_error,certainty\n".utf8)

  private static func lines(_ part: Part) -> [UInt8] {
    guard case .answers(let answers) = part else { return [] }
    return answers.flatMap { answer in
      let certainty = answer.isExact ? "exact" : answer.isTrusted ? "estimate" : "untrusted"
      return Array("\(answer.value),\(answer.standardError),\(certainty)\n".utf8)
    }
  }

  private static func cells(_ part: Part) -> [[Float]] {
    guard case .cells(let matrix) = part else { return [] }
    return (0..<matrix.rowCount).map { matrix[row: $0].map { Float($0) } }
  }
}

/// What is said of the answers at the end.
private struct MarginalReport {
  let isOthers: Bool
  private var (rowCount, exactCount, untrustedCount) = (0, 0, 0)
  private var (sum, squaredErrors, largestError) = (0.0, 0.0, 0.0)

  init(isOthers: Bool) { self.isOthers = isOthers }

  mutating func add(_ answers: [LogProbability]) {
    for answer in answers {
      rowCount += 1
      sum += answer.value
      if answer.isExact { exactCount += 1 }
      if !answer.isTrusted { untrustedCount += 1 }
      largestError = max(largestError, answer.standardError)
      squaredErrors += answer.standardError * answer.standardError
    }
  }

  mutating func add(_ cells: Matrix<Double>) {
    rowCount += cells.rowCount
    sum += cells.elements.reduce(0, +)
  }

  var summary: String {
    let mean = String(format: "%.3f", sum / Double(max(1, rowCount)))
    if isOthers {
      return "\(rowCount) row\(rowCount == 1 ? "" : "s"), mean log-pseudo-likelihood \(mean) nats, exact"
    }
    let estimated = rowCount - exactCount
    guard estimated > 0 else {
      return "\(rowCount) row\(rowCount == 1 ? "" : "s"), mean log p \(mean) nats, all exact"
    }
    // The rows' errors are independent: a row's random numbers follow from its number in the table.
    let error = String(format: "%.3f", squaredErrors.squareRoot() / Double(rowCount))
    var line = "\(rowCount) rows, mean log p \(mean) nats (± \(error) by particles); "
    line += exactCount == 0 ? "all estimated" : "\(exactCount) exact, \(estimated) estimated"
    line += String(format: ", standard error at most %.3f", largestError)
    if untrustedCount > 0 {
      line += "; \(untrustedCount) NOT to be trusted: more --particles, or fewer missing cells, may help"
    }
    return line
  }
}

extension PartialRows {
  /// What is known of some columns, and what of all others.
  fileprivate func split(byColumns columns: [Int]) -> (others: PartialRows, those: PartialRows) {
    let chosen = Set(columns)
    let those = PartialRows(
      values: values,
      known: BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
        known[$0, $1] && chosen.contains($1)
      })
    let others = PartialRows(
      values: values,
      known: BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
        known[$0, $1] && !chosen.contains($1)
      })
    return (others, those)
  }
}
