import Arguments
import BinaryDensity
import Foundation

/// What a search's best network, the mixture of all, what it would write, and a network that learnt from the mixture make of test
/// rows, and how large and how fast each is.
struct Distilling {
  /// The training tables.
  let tables: [String]
  /// How long a search takes, and a distillation after it; in seconds.
  let seconds: Double
  let isJSON: Bool

  /// One of the models of a table.
  private struct Model {
    let name: String
    let density: any Density
    let byteCount: Int
    /// log p of each test row.
    let terms: [Double]
    /// The time of the test rows, in seconds.
    let time: Double

    init(_ name: String, _ density: any Density, byteCount: Int, _ test: BinaryMatrix) {
      (self.name, self.density, self.byteCount) = (name, density, byteCount)
      let evaluator = density.evaluator()
      var terms: [Double] = []
      time =
        (0..<3).map { _ in
          let start = Stopwatch.wall.now
          terms = evaluator.logProbabilities(of: test)
          return Stopwatch.wall.now - start
        }.min() ?? 0
      self.terms = terms
    }
  }

  /// Searches, and prints a line a model.
  func run() throws {
    let columns = TextTable([
      .left("table", 12), .left("model", 10), .right("test NLL", 9), .right("± se", 7), .right("gain", 8),
      .right("± se", 7), .right("share", 6), .right("bytes", 11), .right("rows/s", 9),
    ])
    // Every table is read before any search begins.
    let data = try tables.map(DataSplits.searched)
    var lines: [JSONValue] = []
    if !isJSON { try Terminal.print(columns.heading) }
    for (data, test) in data {
      let models = try models(data, test)
      for model in models {
        let figures = Figures(model, among: models)
        lines.append(figures.json(data.name))
        if !isJSON { try Terminal.print(columns.line(figures.fields(data.name))) }
      }
    }
    if isJSON {
      try Terminal.print(JSONValue.object([.init(key: "models", value: .array(lines))]).indentedDescription)
    }
  }

  /// Returns the best network, the mixture, what would be written, and a network that learnt from the mixture, as far as there are
  /// such.
  private func models(_ data: DataSplits, _ test: BinaryMatrix) throws -> [Model] {
    let result = try DensitySearch(data, budget: .seconds(seconds)).run()
    func choice(_ kind: DensitySearch.Choice.Kind) -> DensitySearch.Choice? {
      result.choices.first { $0.kind == kind }
    }
    func model(_ name: String, _ choice: DensitySearch.Choice?) -> [Model] {
      choice.map { [Model(name, $0.density, byteCount: $0.byteCount, test)] } ?? []
    }
    var models = model("network", choice(.network)) + model("mixture", choice(.mixture))
    models += model("written", result.choices.first(where: \.isChosen))
    guard let mixture = choice(.mixture) else { return models }
    // As in a search: of a slow mixture it is what is left of it that draws.
    let source = Distillation.source(
      of: choice(.selection)?.density ?? mixture.density, rowsPerSecond: mixture.rowsPerSecond, for: data,
      budget: seconds)
    let distilled = try Distillation(
      of: mixture.density, drawingFrom: source, data, budget: .seconds(seconds),
      parameterLimit: mixture.density.parameterCount / 10, recipe: result.bestRecipe
    ).run()
    if let network = distilled.density {
      let size = try Checkpoint(model: network, data).byteCount()
      models.append(Model("distilled", network, byteCount: size, test))
    }
    return models
  }

  /// What is printed of a model.
  private struct Figures {
    let model: Model
    let summary: LikelihoodSummary
    /// What it gains over the best network.
    let gain: LikelihoodDifference?
    /// That over what the mixture gains.
    let share: Double?

    init(_ model: Model, among models: [Model]) {
      self.model = model
      summary = LikelihoodSummary(logProbabilities: model.terms, variableCount: 1)
      func gain(_ model: Model?) -> LikelihoodDifference? {
        guard let model, let network = models.first(where: { $0.name == "network" }) else { return nil }
        return LikelihoodDifference(model.terms, over: network.terms)
      }
      let (own, whole) = (gain(model), gain(models.first { $0.name == "mixture" }))
      self.gain = own
      share = whole.flatMap { whole in own.map { $0.mean / whole.mean } }
    }

    private var rowsPerSecond: Double { Double(model.terms.count) / max(model.time, 1e-9) }

    func fields(_ table: String) -> [String] {
      func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
      return [
        table, model.name, text(summary.negativeLogLikelihood), text(summary.standardError), text(gain?.mean),
        text(gain?.standardError), share.map { String(format: "%.2f", $0) } ?? "", "\(model.byteCount)",
        "\(Int(rowsPerSecond))",
      ]
    }

    func json(_ table: String) -> JSONValue {
      [
        "table": .string(table), "model": .string(model.name),
        "test_nll": .real(summary.negativeLogLikelihood),
        "test_standard_error": JSONValue(summary.standardError), "gain": JSONValue(gain?.mean),
        "gain_standard_error": JSONValue(gain?.standardError), "share_of_gain": JSONValue(share),
        "bytes": .integer(model.byteCount), "rows_per_second": .real(rowsPerSecond),
      ]
    }
  }
}
