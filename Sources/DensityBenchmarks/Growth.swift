import Arguments
import BinaryDensity
import Kernels

/// The time of a row against one size at a time, on one thread.
///
/// It is the process's time on the processor, the least of several measurements: what else the machine does can only
/// add to it.
package struct Growth {
  /// One line of the plot: how the time of a row grows.
  package struct Series {
    package let model: String
    package let operation: String
    /// The size and the time of a row, in seconds.
    package let points: [(x: Double, y: Double)]

    package init(model: String, operation: String, points: [(x: Double, y: Double)]) {
      self.model = model
      self.operation = operation
      self.points = points
    }

    /// The power of the size that the time grows with.
    package var law: PowerLaw { PowerLaw(points) }
  }

  /// What grows, and all that is measured against it.
  package struct Panel {
    /// What grows, such as `variables`.
    package let title: String
    /// The letter that stands for it.
    package let symbol: String
    /// What stays as it is.
    package let rest: String
    package let series: [Series]

    package init(title: String, symbol: String, rest: String, series: [Series]) {
      self.title = title
      self.symbol = symbol
      self.rest = rest
      self.series = series
    }
  }

  let seconds: Double
  let repetitions: Int
  let isJSON: Bool
  /// Where the plot goes, if one is wanted.
  let path: String?

  /// Measures everything, prints a table for each panel, and writes the plot if one is wanted.
  func run() throws {
    let before = Threads.count
    defer { Threads.count = before }
    Threads.count = 1
    let place = "\(Machine.current.processor), \(InstructionSet.current), one thread"
    if !isJSON { try Terminal.print("Time of a row, the least of twice \(repetitions); \(place)") }
    var panels: [Panel] = []
    for sweep in Sweep.all {
      let panel = try measure(sweep)
      panels.append(panel)
      if !isJSON { try Terminal.print("\n" + panel.text) }
    }
    let plot = GrowthPlot(panels: panels, note: place)
    if let path { try AtomicFile.write(Array(plot.svg.utf8), to: path) }
    if isJSON {
      try Terminal.print(
        JSONValue.object([
          .init(key: "machine", value: Machine.current.json),
          .init(key: "instructions", value: .string(InstructionSet.current.rawValue)),
          .init(key: "threads", value: 1),
          .init(key: "panels", value: .array(panels.map(\.json))),
        ]).indentedDescription)
    } else if let path {
      try Terminal.print("\nwrote \(path)")
    }
  }

  private func measure(_ sweep: Sweep) throws -> Panel {
    // By model and operation, in the order they first appear.
    var names: [(model: String, operation: String)] = []
    var points: [[(x: Double, y: Double)]] = []
    func take(_ model: String, _ operation: String, _ x: Double, _ y: Double) {
      guard let series = names.firstIndex(where: { $0 == (model, operation) }) else {
        names.append((model, operation))
        points.append([(x, y)])
        return
      }
      if let index = points[series].firstIndex(where: { $0.x == x }) {
        points[series][index].y = min(points[series][index].y, y)
      } else {
        points[series].append((x, y))
      }
    }
    // Twice, so that a slow moment of the machine does not bend a line.
    for setting in sweep.settings + sweep.settings {
      let rows = setting.rows
      if sweep.comparesMixtures {
        let seconds = try mixtureSeconds(rows)
        take("MIXTURE", Operation.train.rawValue, setting.x, seconds.train)
        take("MIXTURE", Operation.logProbability.rawValue, setting.x, seconds.logProbability)
      }
      for kind in sweep.kinds {
        let model = try setting.model(kind).withBiases(of: rows)
        let name = kind.rawValue.uppercased()
        for operation in sweep.operations {
          let batch = setting.batchSize ?? (operation == .train ? 100 : 256)
          let rate = try best(of: operation, model, rows, batch)
          take(name, operation.rawValue, setting.x, 1 / rate)
        }
        if sweep.comparesNaiveSampling {
          take(name, "naive sample", setting.x, naiveSampleSeconds(model))
        }
      }
    }
    return Panel(
      title: sweep.title, symbol: sweep.symbol, rest: sweep.rest,
      series: zip(names, points).map { Series(model: $0.model, operation: $0.operation, points: $1) })
  }

  /// Returns the most rows a second; what else the machine does only lowers a rate.
  private func best(
    of operation: Operation, _ model: some NetworkDensity, _ rows: BinaryMatrix, _ batchSize: Int
  ) throws -> Double {
    let measure = try operation.prepared(
      model, rows: rows,
      configuration: TrainingConfiguration(epochCount: 50, learningRate: 1e-3, schedule: .constant),
      batchSize: batchSize)
    _ = try measure(seconds / 5, .processor)
    var best = 0.0
    for _ in 0..<repetitions { best = max(best, try measure(seconds, .processor)) }
    return best
  }

  /// Returns the seconds a row takes in an iteration of expectation maximisation of a mixture of Bernoullis, and log p of a row
  /// under it.
  private func mixtureSeconds(_ rows: BinaryMatrix) throws -> (train: Double, logProbability: Double) {
    var (train, logProbability) = (Double.infinity, Double.infinity)
    for _ in 0..<repetitions {
      var starts: [Double] = []
      let mixture = try BernoulliMixture.fit(
        to: rows, componentCount: Sweep.componentCount, tolerance: -.infinity, iterationLimit: 2
      ) { _ in
        starts.append(Stopwatch.processor.now)
        return true
      }
      train = zip(starts, starts.dropFirst()).reduce(train) { min($0, $1.1 - $1.0) }
      let start = Stopwatch.processor.now
      _ = mixture.logProbabilities(of: rows)
      logProbability = min(logProbability, Stopwatch.processor.now - start)
    }
    return (train / Double(rows.rowCount), logProbability / Double(rows.rowCount))
  }

  /// Returns the seconds a row takes that is drawn by a full pass over all variables for each variable.
  private func naiveSampleSeconds(_ model: some NetworkDensity) -> Double {
    let count = 16
    let evaluator = model.component(0).evaluator(batchCapacity: count)
    var generator = Philox(seed: 5)
    var rows = BinaryMatrix(rowCount: count, columnCount: model.variableCount)
    let start = Stopwatch.processor.now
    for variable in model.ordering(ofComponent: 0).variables {
      let logits = evaluator.conditionalLogits(of: rows)
      for row in 0..<count {
        let u = Double.random(in: 0..<1, using: &generator)
        rows[row, variable] = u * (1 + Double.exponential(-Double(logits[row, variable]))) < 1
      }
    }
    return (Stopwatch.processor.now - start) / Double(count)
  }
}

/// One size that grows while the others stay.
private struct Sweep {
  /// The sizes of one measurement.
  struct Setting {
    let x: Double
    var variables = 784
    var hidden = [500]
    /// The rows of a step or a call, or nil for the operations' own.
    var batchSize: Int?
    var share: Float = 0.13
    /// How many bits of a row are on; nil for a share.
    var items: Int?

    func model(_ kind: ModelKind) throws(DensityError) -> any NetworkDensity {
      switch kind {
      case .nade:
        try NADE(NADE.Configuration(variableCount: variables, hiddenCount: hidden[0]), seed: 1)
      case .made:
        try MADE(
          MADE.Configuration(variableCount: variables, hiddenCounts: hidden, ordering: .natural), seed: 1)
      default:
        try FVSBN(FVSBN.Configuration(variableCount: variables, ordering: .natural), seed: 1)
      }
    }

    /// Random rows, a thousand different ones, so many that an epoch's end hardly counts.
    var rows: BinaryMatrix {
      if let items {
        var generator = Philox(seed: 11)
        let lists = (0..<1000).map { _ in generator.distinctIntegers(items, below: variables) }
        return BinaryMatrix(onBits: (0..<20_000).map { lists[$0 % 1000] }, columnCount: variables)
      }
      let different = BenchmarkData.random(rowCount: 1000, columnCount: variables, share: share).rows
      return different.selecting((0..<20_000).map { $0 % 1000 })
    }
  }

  let title: String
  let symbol: String
  let rest: String
  let settings: [Setting]
  var kinds: [ModelKind] = [.nade, .made]
  var comparesNaiveSampling = false
  var comparesMixtures = false
  var operations: [Operation] = [.train, .logProbability, .sample]

  /// The components of a mixture.
  static let componentCount = 100

  static var all: [Sweep] {
    [
      Sweep(
        title: "variables", symbol: "D", rest: "H = 256, 13 % on",
        settings: [128, 256, 512, 1024, 2048].map { Setting(x: Double($0), variables: $0, hidden: [256]) },
        comparesNaiveSampling: true),
      Sweep(
        title: "hidden units", symbol: "H", rest: "D = 256, 13 % on",
        settings: [128, 256, 512, 1024, 2048].map { Setting(x: Double($0), variables: 256, hidden: [$0]) }),
      Sweep(
        title: "hidden layers", symbol: "L", rest: "D = 784, 500 units each, 13 % on",
        settings: [1, 2, 4, 8].map {
          Setting(x: Double($0), hidden: Array(repeating: 500, count: $0))
        }, kinds: [.made]),
      Sweep(
        title: "rows a step or call", symbol: "B", rest: "D = 784, H = 500, 13 % on",
        settings: [1, 4, 16, 64, 256, 1024].map { Setting(x: Double($0), batchSize: $0) }),
      Sweep(
        title: "share of bits on", symbol: "s", rest: "D = 784, H = 500",
        settings: [0.02, 0.05, 0.1, 0.2, 0.5].map { Setting(x: $0, share: Float($0)) }),
      Sweep(
        title: "items a row", symbol: "k", rest: "D = 8192, H = 64, K = \(componentCount)",
        settings: [5, 10, 20, 40, 80, 160].map {
          Setting(x: Double($0), variables: 8192, hidden: [64], items: $0)
        }, comparesMixtures: true, operations: [.train, .logProbability]),
      Sweep(
        title: "columns, 20 items a row", symbol: "D", rest: "H = 64, K = \(componentCount)",
        settings: [2048, 4096, 8192, 16_384, 32_768].map {
          Setting(x: Double($0), variables: $0, hidden: [64], items: 20)
        }, comparesMixtures: true, operations: [.train, .logProbability]),
    ]
  }
}

extension Growth.Panel {
  /// The panel as a table, in microseconds a row.
  package var text: String {
    let sizes = series.first?.points.map { Growth.label(ofSize: $0.x) } ?? []
    let table = TextTable(
      [.left("µs/row against \(title) \(symbol)", 34)] + sizes.map { .right($0, 8) }
        + [.right("exponent", 14)])
    let lines = series.map { series in
      let law = series.law
      return table.line(
        ["\(series.model) \(series.operation)"] + series.points.map { significant(1e6 * $0.y) }
          + ["\(fixed(law.exponent)) ± \(fixed(law.standardError))"])
    }
    return ([table.heading] + lines + ["(\(rest))"]).joined(separator: "\n")
  }

  package var json: JSONValue {
    [
      "against": .string(title), "symbol": .string(symbol), "constant": .string(rest),
      "series": .array(
        series.map { series in
          let law = series.law
          return [
            "model": .string(series.model), "operation": .string(series.operation),
            "sizes": .array(series.points.map { .real($0.x) }),
            "seconds_per_row": .array(series.points.map { .real($0.y) }),
            "exponent": .real(law.exponent), "standard_error": .real(law.standardError),
          ]
        }),
    ]
  }
}

extension Growth {
  /// A count as it is, a share in percent.
  static func label(ofSize size: Double) -> String {
    size < 1 ? "\(Int((100 * size).rounded())) %" : "\(Int(size))"
  }
}

/// Returns a number with two decimals.
func fixed(_ value: Double) -> String {
  let hundredths = Int((abs(value) * 100).rounded())
  let digits = String(hundredths % 100)
  return (value < 0 && hundredths > 0 ? "−" : "") + "\(hundredths / 100)."
    + (digits.count == 1 ? "0" : "") + digits
}
