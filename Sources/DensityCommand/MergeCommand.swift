import Arguments
import BinaryDensity
import Essentials

/// The command `density merge`.
enum MergeCommand {
  static let command = Command(
    name: "merge",
    summary: "Put together what was computed in parts, by --shard.",
    discussion: """
      The parts are named in any order: what 'density logprob', 'score', 'sample' and 'compress' wrote with --shard, or \
      the figures that 'density evaluate --shard --json' printed. They are put in their order; parts that are missing, there twice, \
      damaged, or of another table, model or options are refused.

      Log-probabilities, scores and compressed rows are those of one run, to the last bit, and so are the mean and the standard \
      error of evaluate, which are summed without rounding. Draws differ from those of one run: each part has random numbers of \
      its own. Compressed rows of several parts take some bytes more than those of one run, and give the same rows back.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path",
        help: "Where to write; its name says the form, as it does for the parts. Not for figures."),
      CommonOptions.json("figures"),
    ],
    positionals: [Positional("parts", arity: .oneOrMore, help: "The parts.")],
    examples: [
      Command.Example("density merge part-*.npy -o logprob.npy", "log-probabilities of all rows"),
      Command.Example("density merge part-*.json", "the likelihood of all rows"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let paths = try arguments.values("parts", as: .path)
    let output = try arguments.optionalValue("output", as: .path)
    // A record may be named with its file, as by part-*, or in its place.
    let end = ShardRecord.path(besides: "")
    let named = paths.map { $0.hasSuffix(end) ? (String($0.dropLast(end.count)), true) : ($0, false) }
    let files =
      named.filter { !$0.1 }.map(\.0)
      + named.filter { record in record.1 && !named.contains { !$0.1 && $0.0 == record.0 } }.map(\.0)
    let parts = try ordered(files.map(Part.init))
    guard parts[0].record.output != nil else {
      if output != nil { throw UsageError("--output is for files; figures are printed") }
      try MergedFigures(parts.map { ($0.path, $0.record, $0.figures) }).report(asJSON: arguments.flag("json"))
      return .success
    }
    if arguments.flag("json") { throw UsageError("--json is for figures; these parts are files") }
    guard let output else { throw UsageError("missing option --output <path>") }
    try AtomicFile.checkWritable(output, besides: files + files.map(ShardRecord.path))
    Interrupt.install()
    for part in parts { try part.check() }
    try MergedFiles(parts: parts.map { ($0.path, $0.record) }).write(to: output)
    ProgressLine().print("\(parts[0].record.tableRowCount) rows in \(output)")
    return .success
  }

  /// One of the parts.
  private struct Part {
    let path: String
    let record: ShardRecord
    /// All that was printed, of figures.
    let figures: JSONValue

    init(_ path: String) throws {
      self.path = path
      let recordPath = ShardRecord.path(besides: path)
      let isFile = FileManager.default.fileExists(atPath: recordPath)
      let blanks: [UInt8] = [0x09, 0x0A, 0x0D, 0x20]
      let start = try ByteSource(path: path).peek(64).first { !blanks.contains($0) }
      guard isFile || start == 0x7B else {
        throw DensityError.mismatch(
          path: path, expected: "a part of a result",
          found: "no record \(recordPath): the part is not done, or was not computed with --shard")
      }
      let place = isFile ? recordPath : path
      let json = try JSONValue(parsing: AtomicFile.read(place)[...], path: place)
      guard let record = (isFile ? json : json["shard"]).flatMap({ ShardRecord($0) }),
        isFile == (record.output != nil), isFile != (record.command == EvaluateCommand.command.name)
      else {
        throw DensityError.malformed(
          path: place, at: .byte(0), expected: "the record of a part of a result", found: "something else")
      }
      (self.record, figures) = (record, json)
    }

    /// Makes sure that the file is what its record says.
    func check() throws {
      let found = try FileCheck.text(ofWhole: path)
      guard record.output != found else { return }
      throw DensityError.mismatch(
        path: path, expected: "\(record.output ?? "a file"), as its record says", found: found)
    }
  }

  /// Returns the parts in their order.
  ///
  /// - Throws: `DensityError.mismatch` where they do not make a whole.
  private static func ordered(_ parts: [Part]) throws -> [Part] {
    let first = parts[0]
    var byNumber: [Int: Part] = [:]
    for part in parts {
      if let (expected, found) = part.record.difference(from: first.record) {
        throw DensityError.mismatch(
          path: part.path, expected: "\(expected), as in \(first.path)", found: found)
      }
      if let other = byNumber.updateValue(part, forKey: part.record.shard.number) {
        throw DensityError.mismatch(
          path: part.path, expected: "each part once",
          found:
            "part \(part.record.shard) \(part.path == other.path ? "twice" : "again, which is also \(other.path)")"
        )
      }
    }
    let missing = (1...first.record.shard.count).filter { byNumber[$0] == nil }
    guard missing.isEmpty else {
      let some = missing.prefix(8).map(String.init).joined(separator: ", ")
      throw DensityError.mismatch(
        path: first.path, expected: "all \(first.record.shard.count) parts",
        found: "none of number \(some)\(missing.count > 8 ? " and \(missing.count - 8) others" : "")")
    }
    return byNumber.sorted { $0.key < $1.key }.map(\.value)
  }
}
