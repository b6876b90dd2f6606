import Arguments
import BinaryDensity
import Essentials

/// The command `density report`.
enum ReportCommand {
  static let command = Command(
    name: "report",
    summary: "Write a page that shows what a model has learnt.",
    discussion: """
      Writes one HTML file that needs nothing else, to be looked at in a browser, sent and printed: how the model was \
      trained, with its learning curve or the parts of a mixture, rows drawn from it, and which columns depend on which. \
      With a table also how likely its rows are, beside simpler models where the training rows are known; completions; \
      the most and the least probable rows; which columns surprise; and calibration.

      Of a run's folder, or the model in it, the training rows are those of the run; of another model --training names \
      them. The table is read whole; if it has more than --rows rows, so many drawn by chance are looked at, and fewer where that would take long, which the page says. A \
      row with missing cells counts in the likelihood and in pairs of columns alone. The same input and seed give the same \
      page, but for the measured speed; where cells of more than 20 columns are missing, up to what the estimates err by.
      """,
    options: [
      .value(
        "output", short: "o", placeholder: "path",
        help:
          """
          Where to write, - for standard output. Default: report.html in a run's folder, else the model's name \
          and .html.
          """
      ),
      .value(
        "rows", short: "n", placeholder: "count", default: "10000",
        help: "How many rows of the table to look at, at the most."),
      .value("training", placeholder: "path", help: "The table or folder that the model was trained on."),
      CommonOptions.seed(of: "all that is drawn for the page"),
      DataOptions.data, DataOptions.split,
    ] + DataOptions.reading + [CommonOptions.threads],
    positionals: [
      Positional("checkpoint", help: "The trained model, a .safetensors file, or the folder of a run."),
      DataOptions.table(.oneOrNone, "Rows to look at, best such as were not trained on, or MNIST's folder."),
    ],
    examples: [
      Command.Example("density report runs/nade Data/mnist", "a run on MNIST, and its test rows"),
      Command.Example(
        "density report model.safetensors held-out.csv --training table.csv", "beside simpler models"),
      Command.Example("density report model.safetensors -o model.html", "the model alone"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let path = try arguments.value("checkpoint", as: .path)
    let table = try arguments.optionalValue("table", as: .path)
    let limit = try arguments.value("rows", as: .integer(in: 1...10_000_000))
    let seed = try arguments.value("seed", as: .seed)
    if table == nil, let option = ["rows", "split"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) goes with a table, and none is named")
    }
    let place = ReportPlace(path)
    let output = try arguments.optionalValue("output", as: .path) ?? place.usualOutput
    let training = try arguments.optionalValue("training", as: .path)
    if output != "-" {
      let inputs = [place.model, table, training].compactMap(\.self) + (place.run?.files ?? [])
      try AtomicFile.checkWritable(output, besides: inputs)
      if !arguments.isGiven("output") { try ReportPage.checkReplaceable(output) }
    }
    let subject = try ReportSubject(place)
    if output != "-", let trained = subject.trainingPath {
      try AtomicFile.checkWritable(output, besides: [trained])
    }
    Interrupt.install()
    let work = ReportWork(seed: seed)
    let start = ContinuousClock.now
    let material = try ReportMaterial(arguments, subject, table: table, rowLimit: limit, work)
    let page = try ReportPage(material).text
    work.progress.finish()
    if Interrupt.isRequested { throw DensityError.interrupted }
    let bytes = Array(page.utf8)
    if output == "-" {
      try Terminal.writeToStandardOutput(bytes)
    } else {
      try AtomicFile.write(bytes, to: output)
    }
    try material.table?.rows.source.report()
    let time = durationText(seconds: start.duration(to: .now).seconds)
    if output != "-" { work.progress.print("\(output): \(byteCountText(bytes.count)), in \(time)") }
    return .success
  }
}
