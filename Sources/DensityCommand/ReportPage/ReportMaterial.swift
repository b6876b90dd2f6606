import Arguments
import BinaryDensity

/// All that the sections of a report are made of.
struct ReportMaterial {
  let arguments: ParsedArguments
  let subject: ReportSubject
  /// The rows that are looked at; nil if the command line names none.
  let table: ReportTable?
  let training: ReportTraining
  /// What each cell of the rows adds; nil without rows.
  let diagnosis: ReportDiagnosis?
  let work: ReportWork

  /// Reads and measures what several sections need.
  init(
    _ arguments: ParsedArguments, _ subject: ReportSubject, table path: String?, rowLimit: Int,
    _ work: ReportWork
  ) throws {
    (self.arguments, self.subject, self.work) = (arguments, subject, work)
    let table = try path.map { path in
      let part = ModelTable.Part(path, try arguments.value("split", as: ValueFormat<DataSplit>.choice))
      let source = try ModelTable(arguments, part, for: subject.checkpoint)
      // As many rows of many columns are looked at as fit into some hundred megabytes.
      let most = max(1, 16 * ReportWork.cellLimit / subject.model.variableCount)
      let rows = try ReportRows(
        source, limit: min(rowLimit, most), seed: work.seed, use: .looking,
        observing: work.observer("reading"))
      if let origin = source.source { try DataOptions.checkSplit(arguments, origin) }
      return try ReportTable(rows, under: subject.model, observing: work.observer("measuring rows"))
    }
    self.table = table
    training = try ReportTraining(arguments, subject, table: table, work)
    diagnosis = try table.map { table in
      try ReportDiagnosis(table, of: subject.model, imageShape: Self.imageShape(table, subject), work)
    }
  }

  var model: any Density { subject.model }

  /// The height and width of the picture that a row is, if it is one that a page can show.
  var imageShape: ImageShape? { Self.imageShape(table, subject) }

  private static func imageShape(_ table: ReportTable?, _ subject: ReportSubject) -> ImageShape? {
    let shape = table?.rows.source.imageShape ?? subject.checkpoint.imageShape
    return shape.flatMap { $0.pixelCount <= 1 << 16 ? $0 : nil }
  }

  /// The names of the columns, if they have any.
  var columnNames: [String]? { subject.checkpoint.columnNames ?? table?.rows.source.columnNames }

  /// A column by its name, or by its number as a query has it; of a picture with the pixel's place.
  func name(_ column: Int) -> String {
    if let columnNames { return Terminal.visible(columnNames[column], limit: 60) }
    guard let imageShape else { return "#\(column + 1)" }
    return "#\(column + 1) (line \(column / imageShape.width + 1), pixel \(column % imageShape.width + 1))"
  }
}
