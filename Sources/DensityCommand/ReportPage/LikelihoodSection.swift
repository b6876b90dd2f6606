import Arguments
import BinaryDensity
import Drawing
import Essentials

/// How likely the rows are, beside simpler models.
enum LikelihoodSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard let table = material.table else {
      let line = "density report \(shellWord(argument(ofPath: material.subject.place.path))) TABLE"
      return ReportSection(
        name: "likelihood", title: "Likelihood",
        content: .paragraph(
          """
          No rows were named, so nothing here is measured. With a table of rows that the model was not trained \
          on, \(ModelSection.code(line)) adds the likelihood, completions, the most and least probable rows, \
          columns, and calibration.
          """
        ))
    }
    let measurement = table.measurement
    let rows = table.rows
    var content = material.training.notes.map { HTML.warning("\(Terminal.visible($0))") }.joined()
    let which = rows.words.prefix(1).uppercased() + rows.words.dropFirst()
    content =
      content
      + .paragraph(
        "\(which) \(ModelSection.code(rows.source.part.name)).")
    let impossibleCount = table.logProbabilities.count { $0 == -.infinity }
    if impossibleCount > 0 {
      content =
        content + HTML.warning("The model rules \(counted(impossibleCount, "row")) out, whose log p is −∞.")
    }
    if measurement.isOfKnownCells {
      let isEstimated = measurement.isEstimated
      let how =
        isEstimated
        ? "; where that is not exact it is estimated by particles, which makes it a little too large" : ""
      content =
        content
        + .paragraph(
          """
          Cells are missing: the NLL is that of the known ones, the others taken to be missing by chance\(how). \
          \(counted(rows.rowCount - table.wholeRows.count, "row")) with missing cells are left out of what \
          follows, but for pairs of columns.
          """)
    }
    let others = try baselines(material, table)
    let lines = [line("the model", measurement, nil)] + others.lines
    content =
      content
      + .table(
        caption: "Mean of −log p with its standard error",
        head: [
          "density", "nats a row", "bits a row",
          "bits a \(measurement.isOfKnownCells ? "known cell" : "variable")",
          "worse than the model, nats a row",
        ], .element("tbody", [:], lines.joined()))
      + others.notes.map { HTML.note("\(Terminal.visible($0))") }.joined()
      + .note(
        """
        After ± stands a standard error: the rows' standard deviation over the square root of their number. \
        The last column compares row by row, which is far surer than either mean.
        """
      )
    return ReportSection(name: "likelihood", title: "Likelihood", content: content)
  }

  private static func line(
    _ name: HTML, _ measurement: LikelihoodMeasurement, _ difference: LikelihoodDifference?
  ) -> HTML {
    let summary = measurement.summary
    let bits = summary.standardError.map { $0 / log(2) }
    return .line(
      name,
      [
        """
        \(withError(summary.negativeLogLikelihood, summary.standardError, 3))\(measurement.isEstimated ? ", estimated" : "")
        """,
        "\(withError(summary.negativeLogLikelihood / log(2), bits, 3))",
        "\(fixed(summary.bitsPerVariable, 4))",
        difference.map { "\(withError($0.mean, $0.standardError, 3))" } ?? "–",
      ])
  }

  /// Fits independent Bernoullis and the Chow-Liu tree to the training rows, as far as these are known, and measures them.
  private static func baselines(
    _ material: ReportMaterial, _ table: ReportTable
  ) throws(DensityError) -> (lines: [HTML], notes: [String]) {
    guard let training = material.training.rows else {
      return (
        [], ["Simpler models stand beside it where the training rows are known: name them by --training."]
      )
    }
    var lines: [HTML] = []
    func add(_ name: String, _ density: any Density) throws(DensityError) {
      let (measurement, values) = try ReportTable.measure(
        table.rows, under: density, named: name, observing: material.work.observer("measuring \(name)"))
      lines.append(line("\(name)", measurement, LikelihoodDifference(table.logProbabilities, over: values)))
    }
    let name = training.source.part.name
    let bernoullis: IndependentBernoulli
    if let cells = training.partial {
      bernoullis = try .fit(to: cells)
    } else {
      bernoullis = try .fit(to: training.values)
    }
    try add("independent Bernoullis", bernoullis)
    if let tree = try tree(of: training, material.work) {
      try add("Chow-Liu tree", tree)
    }
    let which = lines.count == 2 ? "Both are" : "The independent Bernoullis are"
    // A table is divided for a training, and a folder comes divided.
    let isDivided = material.subject.validationPath == nil && !training.source.part.isFolder
    var notes = [
      "\(which) fitted to the training rows, \(training.words) \(name), and smoothed"
        + (isDivided ? "; of these the model may have held some out to choose by." : ".")
    ]
    if lines.count < 2 {
      notes.append("The Chow-Liu tree is left out: so many columns would take long.")
    }
    return (lines, notes)
  }

  /// Fits a tree; nil where that would take long.
  private static func tree(of rows: ReportRows, _ work: ReportWork) throws(DensityError) -> ChowLiuTree? {
    let width = rows.values.columnCount
    work.progress.update("fitting a tree", fraction: 0)
    let tree: ChowLiuTree?
    if let cells = rows.partial {
      // Each of up to a hundred iterations looks at every pair in every row.
      let pairs = 100 * Double(rows.rowCount) * Double(width * width)
      guard width <= 4096, pairs <= ReportWork.multiplicationLimit else { return nil }
      tree = try ChowLiuTree.fit(to: cells) { _ in !Interrupt.isRequested }
    } else {
      guard width <= 4096, Double(width) * Double(rows.values.onBitCount) <= ReportWork.multiplicationLimit
      else {
        return nil
      }
      tree = try ChowLiuTree.fit(to: rows.values) { !Interrupt.isRequested }
    }
    if Interrupt.isRequested { throw .interrupted }
    return tree
  }
}
