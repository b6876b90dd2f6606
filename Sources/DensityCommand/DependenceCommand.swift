import Arguments
import BinaryDensity

/// The command `density dependence`.
enum DependenceCommand {
  static let command = Command(
    name: "dependence",
    summary: "Say which columns tell of each other under a model, and how much of each the rest tells.",
    discussion: """
      Without --of and --rest: the pairs of columns with the most mutual information I(x; y) = H(x) + H(y) − H(x, y), in nats, \
      and its share of the lesser of the two entropies H: 0 of independent columns, 1 where one column follows from the other.

      With --of a column: its partners, and I(x; rest) = H(x) − H(x | all others), what all others together tell of it. With \
      --rest this of every column, the one of most first: a share near 1 says that the column follows from the others, near 0 \
      that it is noise beside them. These are what the model says of columns; 'density describe' counts a table's.

      Exact for bernoulli, chow-liu, bernoulli-mixture and mixtures of these, and for up to 20 columns; I(x; rest) for up to \
      20 columns. Else from --rows rows drawn from the model, with standard errors; what is below two or three of these may be 0.

      -o writes all pairs that were asked about, or a line a column, as CSV, with columns by name, or by number from 1; \
      the error of what is exact is 0. --picture draws the matrix of all pairs, or of a model of pictures with --of what \
      each pixel tells of that one: a level is the square root of the information over the most of all pairs. The diagonal has \
      entropies, no brighter than white, and the pixel asked about is white.
      """,
    options: [
      .value("of", placeholder: "column", help: "One column's partners: its name, or #3 by number."),
      .flag("rest", help: "How much of each column all others tell."),
      .value("top", placeholder: "count", help: "How many lines to print. Default: 20, with --rest all."),
      .value("output", short: "o", placeholder: "path", help: "Where to write everything, as CSV."),
      .value("picture", placeholder: "path", help: "Where to write a picture, as .png."),
      .value(
        "rows", placeholder: "count",
        help: "How many rows to draw where that is needed. Default: 65536, with --rest 1024."),
      CommonOptions.seed(of: "the drawn rows"), CommonOptions.threads, CommonOptions.json("report"),
    ],
    positionals: [Positional("checkpoint", help: "The trained model, a .safetensors file.")],
    examples: [
      Command.Example("density dependence model.safetensors", "the pairs that tell most of each other"),
      Command.Example("density dependence model.safetensors --of smoker", "what tells of one column"),
      Command.Example(
        "density dependence runs/nade/best.safetensors --of '#407' --picture pixel.png",
        "what the pixels of a digit tell of the middle one"),
    ], run: run)

  private static func run(_ arguments: ParsedArguments) throws -> ExitStatus {
    let model = try arguments.value("checkpoint", as: .path)
    let isRest = arguments.flag("rest")
    if isRest, let option = ["of", "picture"].first(where: arguments.isGiven) {
      throw UsageError("--\(option) does not go with --rest")
    }
    let output = try arguments.optionalValue("output", as: .path)
    if let output, !TableFile.isText(output) {
      throw UsageError("--output \(output): pairs are written as .csv or .txt, or these and .gz")
    }
    let picture = try arguments.optionalValue("picture", as: .path)
    if let picture, !picture.hasSuffix(".png") {
      throw UsageError("--picture \(picture): a picture is a .png")
    }
    if let output, let picture, output == picture || AtomicFile.isSameFile(output, picture) {
      throw UsageError("--output and --picture name the same file")
    }
    let top = try arguments.optionalValue("top", as: .integer(in: 1...1_000_000_000))
    let rowCount = try arguments.optionalValue("rows", as: .integer(in: 2...1_000_000_000))
    let options = Inference.Options(seed: try arguments.value("seed", as: .seed))
    for path in [output, picture].compactMap(\.self) {
      try AtomicFile.checkWritable(path, besides: [model])
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    let vocabulary = QueryVocabulary.suggesting(checkpoint)
    let column = try arguments.optionalValue("of", as: .string).map { try Self.column($0, vocabulary) }
    if picture != nil { try checkPicture(of: column, checkpoint) }
    let work = Work(inference: try checkpoint.model.inference(options), rowCount: rowCount)
    Interrupt.install()
    let report = DependenceReport(
      checkpoint: checkpoint, information: isRest ? nil : try work.information(of: column), column: column,
      rest: isRest || column != nil ? try work.dependenceOnRest(of: column) : nil,
      drawnRowCount: work.drawnRowCount(of: column), topCount: top ?? (isRest ? .max : 20))
    work.progress.finish()
    if let output { try report.write(to: output) }
    if let picture { try report.picture()?.writePNG(to: picture) }
    try arguments.flag("json") ? report.printJSON() : report.printText()
    if let output { work.progress.print("written to \(output)") }
    if let picture {
      work.progress.print(
        "written to \(picture): levels are square roots of information, white the most of all pairs")
    }
    return .success
  }

  /// Reads the column that `--of` names.
  private static func column(_ text: String, _ vocabulary: QueryVocabulary) throws(DensityError) -> Int {
    // A name such as color=red would else be a value of color.
    if let column = vocabulary.columnNames?.firstIndex(of: text) { return column }
    let list = try CellList(text, vocabulary, option: "--of")
    guard list.cells.count == 1, list.columns.count == 1 else {
      throw .invalidConfiguration(
        "--of \(text): expected one column without a value, found "
          + (list.columns.count == list.cells.count ? "\(list.cells.count) columns" : "a value"))
    }
    return list.columns[0]
  }

  /// The most columns whose pairs are shown in a picture.
  private static let pictureLimit = 2048

  private static func checkPicture(of column: Int?, _ checkpoint: Checkpoint) throws(UsageError) {
    if column == nil, checkpoint.model.variableCount > pictureLimit {
      throw UsageError(
        "--picture: the pairs of \(checkpoint.model.variableCount) columns are shown of \(pictureLimit) at the most; "
          + "name one column by --of, or write the pairs by -o")
    }
    if column != nil, checkpoint.imageShape == nil {
      throw UsageError(
        "--picture: with --of it is of models of pictures, and the rows of this one are none of known height and width"
      )
    }
  }
}

extension DependenceCommand {
  /// Asks the library, and shows how far it has come.
  private struct Work {
    let inference: Inference
    let rowCount: Int?
    let progress = ProgressLine()

    func information(of column: Int?) throws(DensityError) -> MutualInformation {
      let found = try inference.mutualInformation(of: column.map { [$0] }, rowCount: rowCount ?? 1 << 16) {
        goesOn("pairs", $0)
      }
      guard let found else { throw .interrupted }
      return found
    }

    /// One column has so many rows as its pairs; all columns, of which each takes as long, have fewer.
    func drawnRowCount(of column: Int?) -> Int { rowCount ?? (column == nil ? 1 << 10 : 1 << 16) }

    func dependenceOnRest(of column: Int?) throws(DensityError) -> [DependenceOnRest] {
      let found = try inference.dependenceOnRest(
        of: column.map { [$0] }, rowCount: drawnRowCount(of: column)
      ) { goesOn("the rest", $0) }
      guard let found else { throw .interrupted }
      return found
    }

    private func goesOn(_ label: String, _ fraction: Double) -> Bool {
      progress.update(label, fraction: fraction)
      return !Interrupt.isRequested
    }
  }
}
