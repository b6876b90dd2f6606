import Arguments
import BinaryDensity
import Essentials

/// The rows that a model was trained on, as far as that is known: what tells whether other rows are new to it.
struct ReportTraining {
  /// The rows; nil if they are not known, or cannot be read.
  private(set) var rows: ReportRows?
  /// What is said of the table's rows: whether the model has seen them.
  private(set) var notes: [String] = []

  /// Reads the training rows that the command line names, or else the run.
  ///
  /// - Throws: what reading throws of a table that the command line names; one that the run names may be gone.
  init(
    _ arguments: ParsedArguments, _ subject: ReportSubject, table: ReportTable?, _ work: ReportWork
  ) throws {
    let given = try arguments.optionalValue("training", as: .path)
    guard let path = given ?? subject.trainingPath else {
      notes = table.map { Self.notes(of: $0.rows, by: subject.checkpoint.searchRecord) } ?? []
      return
    }
    let part = ModelTable.Part(path, .train)
    do {
      let source = try ModelTable(arguments, part, for: subject.checkpoint)
      let limit = min(1 << 20, max(1, (ReportWork.cellLimit << 1) / subject.model.variableCount))
      let read = try ReportRows(
        source, limit: limit, seed: work.seed, use: .training,
        observing: work.observer("reading the training rows"))
      if given == nil, read.isWhole, subject.isTrainedOnOtherRows() {
        notes.append(
          "The training rows, \(path), are others now than when the model was trained on them, and are left out."
        )
      } else {
        rows = read
      }
    } catch let error as DensityError where given == nil && error != .interrupted {
      notes.append("The training rows, \(path), cannot be read: \(error).")
    }
    if let table, let rows { notes += Self.notes(of: table.rows, beside: rows) }
    if let chosen = subject.validationPath, let path = table?.rows.source.path,
      AtomicFile.isSameFile(chosen, path)
    {
      notes.append("These rows decided when training stopped, which favours the model a little.")
    }
  }

  /// What is said of rows beside those that the model was trained on.
  private static func notes(of table: ReportRows, beside training: ReportRows) -> [String] {
    let part = table.source.part
    if part == training.source.part { return ["These are the training rows: nothing here is held out."] }
    let both = training.dataSet(test: table)
    let shared = both.sharedTestRowCount
    let some = training.isWhole ? "" : "\(training.rowCount) of "
    let among =
      "\(shared) of \(table.rowCount) rows are among \(some)the training rows, \(training.source.part.name)"
    var notes = [
      shared == 0
        ? "Held out, as far as can be told: none of the rows is among \(some)the training rows, \(training.source.part.name)."
        : both.leakageWarnings().isEmpty
          ? "Held out, as far as can be told: \(among), as may happen by chance where rows repeat."
          : "Not all is held out: \(among)."
    ]
    if part.isFolder && part.split == .validation {
      notes.append("Validation rows decided when training stopped, which favours the model a little.")
    }
    return notes
  }

  /// What is said of rows where a search has kept what its rows were.
  private static func notes(of table: ReportRows, by search: SearchRecord?) -> [String] {
    let unknown =
      "Whether the model has learnt from these rows is not known: --training names those that it was trained on."
    guard let search, table.isWhole else { return [unknown] }
    let isSame = (try? search.isOfSearch(on: table.dataSet())) ?? false
    return [
      isSame
        ? "These are the rows that the search learnt from and chose by: nothing here is held out."
        : "Not the table that the search learnt from; whether rows are in both is not known without --training."
    ]
  }
}
