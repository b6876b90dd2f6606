import Arguments
import BinaryDensity

/// The command `density calibration`.
enum CalibrationCommand {
  static let command = Command(
    name: "calibration",
    summary: "Tell how well the probabilities of single cells fit the values they have.",
    discussion: """
      Every cell of the rows is a forecast p(x_i = 1 | the variables before i in the model's order), and what came of it. \
      Forecasts are put into 15 ranges; of those in a range as many should be on as was forecast. The calibration error is \
      the mean over cells of how far the share that is on is from the mean forecast of their range. It is never 0, and \
      beside it stands what a calibrated model's would be by chance alone on as many rows. Standard errors take rows, not \
      cells, to be independent.

      A mixture of several orders has no forecast given the variables before: its cells are taken given all others of their \
      row, as of any model with --others, which takes longer. Rows that the model was trained on make it look better than \
      it is. The picture is a reliability diagram: for each range a bar as high as the share of cells that are on, beside \
      the diagonal; below, how many cells each range has. Every row must be complete.
      """,
    options: [
      .value("picture", placeholder: "path", help: "Draw a reliability diagram, a PNG.")
    ] + DiagnosedTable.options + [CommonOptions.json()],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file."),
      DataOptions.table(.oneOrNone, "The rows, or a folder with MNIST's; - reads standard input."),
    ],
    examples: [
      Command.Example("density calibration model.safetensors held-out.csv", "are its probabilities right?"),
      Command.Example(
        "density calibration runs/nade/best.safetensors Data/mnist --picture bars.png",
        "MNIST's test rows, as a diagram"
      ),
      Command.Example(
        "density calibration model.safetensors held-out.csv --json", "with the gap of every variable"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    let path = try DataOptions.tablePath(arguments)
    let picture = try arguments.optionalValue("picture", as: .path)
    if let picture {
      guard picture.hasSuffix(".png") else { throw UsageError("--picture \(picture): expected a .png") }
      try AtomicFile.checkWritable(picture, besides: [model, path])
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    let evaluator = try ContributionEvaluator(
      forecastsOf: checkpoint.model, given: arguments.flag("others") ? .others : nil)
    let table = try DiagnosedTable(arguments, checkpoint, evaluator)
    var calibration = ConditionalCalibration(
      variableCount: evaluator.variableCount, given: evaluator.conditioning)
    let rowCount = try table.forEachPart("forecasting") { (rows, contributions) throws(DensityError) in
      calibration.add(contributions, of: rows)
      return true
    }
    let report = CalibrationReport(table: table, calibration: calibration)
    try arguments.flag("json") ? report.printAsJSON() : report.printText()
    let status = try table.finish(rowCount: rowCount)
    if let picture { try calibration.reliabilityDiagram().writePNG(to: picture) }
    return status
  }
}
