import Arguments
import BinaryDensity
import Foundation
import Kernels

/// Measures answers about parts of rows: whether estimates hold their errors, and how long each query takes.
struct Queries {
  /// Words of which one must be in the name of a part; empty for all.
  let words: [String]
  /// A trained model of MNIST, if there is one.
  let model: String?
  let dataDirectory: String
  /// A table whose rows the model is asked about, for the part of conditionals.
  let table: String?

  func run() throws {
    try Terminal.print(Machine.current.description)
    let parts: [(name: String, run: () throws -> Void)] = [
      ("coverage NADE of 16", coverageOfEnumerable), ("coverage tree", { try coverage(of: .tree) }),
      ("coverage mixture", { try coverage(of: .mixture) }), ("exactness", exactness), ("speed", speed),
      ("precision", precision), ("conditionals", conditionals), ("orders", orders),
    ]
    let wanted = parts.filter { part in
      words.isEmpty || words.contains { part.name.lowercased().contains($0.lowercased()) }
    }
    guard !wanted.isEmpty else {
      throw UsageError("--only: there are \(parts.map(\.name).joined(separator: ", "))")
    }
    for part in wanted {
      try Terminal.print("\n\(part.name)")
      try part.run()
    }
  }

  // MARK: Coverage

  private enum Known: String {
    case tree, mixture
  }

  /// 1000 random evidence sets of a random NADE of 16 variables, whose sample space is enumerated for the truth.
  private func coverageOfEnumerable() throws {
    let configuration = NADE.Configuration(variableCount: 16, hiddenCount: 20, ordering: .random, seed: 1)
    var model = try NADE(configuration, seed: 1)
    randomize(&model, range: 2)
    var generator = Philox(seed: 3)
    let rows = model.sample(count: 1000, using: &generator)
    let evidence = EvidenceMask.random(share: 0.5).evidence(rows)
    guard let truth = try model.inference().logMarginals(of: evidence) else { return }
    try report(model, evidence, truth: truth.map(\.value))
  }

  /// A density that knows its marginals, walked by its cursor as if it did not: test rows, the lower half
  /// known; 1000 of them, of the tree, whose walk takes ten times as long, 300.
  private func coverage(of known: Known) throws {
    let data = try DataSplits.mnist(directory: dataDirectory)
    guard let test = data.test else { return }
    let density: any Density =
      switch known {
      case .tree: try ChowLiuTree.fit(to: data.train)
      case .mixture:
        try BernoulliMixture.fit(to: data.train.rows(0..<10_000), componentCount: 16, iterationLimit: 20)
      }
    let evidence = EvidenceMask.lowerHalf.evidence(test.rows(0..<(known == .tree ? 300 : 1000)))
    guard let tractable = density.tractable,
      let chain = density.autoregressive(along: .natural(count: density.variableCount))
    else { return }
    try report(Walked(chain), evidence, truth: tractable.logMarginals(of: evidence))
  }

  private func report(_ density: any Density, _ evidence: PartialRows, truth: [Double]) throws {
    // 4096 particles at the most, which leaves some answers untrusted and takes minutes.
    var options = Inference.Options(particleLimit: 1 << 12, enumerationSeconds: 0)
    options.tabulationLimit = 0
    let inference = try density.inference(options)
    let start = Stopwatch.wall.now
    guard let answers = try inference.logMarginals(of: evidence) else { return }
    let seconds = Stopwatch.wall.now - start
    let estimates = zip(answers, truth).filter { !$0.0.isExact }
    let trusted = estimates.filter(\.0.isTrusted)
    func share(_ pairs: [(LogProbability, Double)], _ holds: (LogProbability, Double) -> Bool) -> String {
      percent(Double(pairs.count(where: holds)) / Double(max(1, pairs.count)))
    }
    let inside = { (answer: LogProbability, truth: Double) in
      abs(answer.value - truth) <= 2 * answer.standardError
    }
    try Terminal.print(
      """
        estimates           \(estimates.count) of \(answers.count) answers, the others exact
        trusted             \(share(estimates) { answer, _ in answer.isTrusted })
        within 2 errors     \(share(trusted, inside)) of the trusted
        above lower bound   \(share(estimates) { $1 >= $0.lowerBound ?? -.infinity }) of all estimates
        standard error      \(middle(trusted.map(\.0.standardError))) nats, the median of the trusted
        time                \(significant(1000 * seconds / Double(answers.count))) ms a row
      """)
  }

  /// Exact answers against sums over all rows: of a given model and table, or of random models.
  private func exactness() throws {
    guard let model, let table else { return try QueryExactness(given: nil).run() }
    let density = try Checkpoint(contentsOf: model).model
    try QueryExactness(given: (density, DataTable.read(table).rows(split: .test))).run()
  }

  // MARK: Speed and precision on MNIST

  private func subject() throws -> (model: any Density, rows: BinaryMatrix)? {
    guard let model else {
      try Terminal.print("  needs a model of MNIST: --model runs/nade/best.safetensors")
      return nil
    }
    let checkpoint = try Checkpoint(contentsOf: model)
    let data = try DataSplits.mnist(directory: dataDirectory)
    guard let test = data.test else { return nil }
    return (checkpoint.model, test)
  }

  /// The time of one row's answer to each query that is exact in the model's order, after the first.
  private func speed() throws {
    guard let (model, rows) = try subject() else { return }
    let inference = try model.inference()
    let evidence = PartialRows(
      rows.rows(0..<101),
      knownColumns: model.autoregressive().map {
        Array($0.ordering.variables[..<($0.variableCount / 2)])
      } ?? Array(0..<model.variableCount / 2))
    var target = PartialRows(rowCount: 101, columnCount: model.variableCount)
    for row in 0..<101 { if let next = evidence.firstUnknown(row, in: model) { target[row, next] = true } }
    var generator = Philox(seed: 1)
    func measure(_ name: String, _ body: (Int) throws -> Void) throws {
      try body(0)
      var times: [Double] = []
      for row in 1...100 {
        let start = Stopwatch.wall.now
        try body(row)
        times.append(Stopwatch.wall.now - start)
      }
      let padded = name.padding(toLength: 30, withPad: " ", startingAt: 0)
      try Terminal.print("  \(padded)\(middle(times.map { 1000 * $0 })) ms")
    }
    try measure("log p of a prefix") { _ = try inference.logMarginals(of: evidence.selecting([$0])) }
    try measure("log p of the next variable") {
      _ = try inference.logConditionals(of: target.selecting([$0]), given: evidence.selecting([$0]))
    }
    try measure("completion of a prefix") {
      _ = try inference.sample(given: evidence.selecting([$0]), using: &generator)
    }
    try measure("p of each given all others") {
      _ = inference.logConditionalsGivenAllOthers(of: rows.rows($0..<$0 + 1))
    }
  }

  /// log p(x_unknown | x_known) of a table's first rows, for three shares of known cells.
  private func conditionals() throws {
    guard let model, let path = table else {
      return try Terminal.print("  needs a model and a table: --model CHECKPOINT --test TABLE")
    }
    let density = try Checkpoint(contentsOf: model).model
    let rows = try DataTable.read(path).rows(split: .test)
    guard rows.columnCount == density.variableCount else {
      throw DensityError.mismatch(
        path: path, expected: "\(density.variableCount) columns", found: "\(rows.columnCount)")
    }
    let count = min(rows.rowCount, rows.columnCount > 200 ? 100 : 1000)
    let inference = try density.inference(.init(particleLimit: 1 << 15, enumerationSeconds: 0.02))
    let columns = TextTable([
      .left("known", 12), .right("rows", 5), .right("log p", 8), .right("± rows", 7), .right("± draws", 7),
      .right("exact", 7), .right("trusted", 8), .right("ms/row", 7),
    ])
    try Terminal.print(columns.heading)
    for share in [0.25, 0.5, 0.75] {
      let evidence = EvidenceMask.random(share: share).evidence(rows.rows(0..<count))
      let target = PartialRows(
        values: rows.rows(0..<count),
        known: BinaryMatrix(rowCount: count, columnCount: rows.columnCount) { !evidence.known[$0, $1] })
      let start = Stopwatch.wall.now
      guard let answers = try inference.logConditionals(of: target, given: evidence) else { return }
      let seconds = Stopwatch.wall.now - start
      let mean = LikelihoodSummary(
        logProbabilities: answers.map(\.value), variableCount: rows.columnCount)
      let squares = answers.reduce(0) { $0 + $1.standardError * $1.standardError }
      try Terminal.print(
        columns.line([
          "random \(Int(100 * share)) %", "\(count)", String(format: "%.3f", -mean.negativeLogLikelihood),
          String(format: "%.3f", mean.standardError ?? 0),
          String(format: "%.3f", squares.squareRoot() / Double(count)),
          percent(Double(answers.count(where: \.isExact)) / Double(count)),
          percent(Double(answers.count(where: \.isTrusted)) / Double(count)),
          significant(1000 * seconds / Double(count)),
        ]))
    }
  }

  /// How much an EoNADE's orders that take the evidence first disagree, with each other and with its own mixture.
  private func orders() throws {
    guard let model, let path = table, let eonade = try Checkpoint(contentsOf: model).model as? EoNADE else {
      return try Terminal.print("  needs an EoNADE and a table: --model CHECKPOINT --test TABLE")
    }
    let rows = try DataTable.read(path).rows(split: .test)
    let evidence = EvidenceMask.random(share: 0.5).evidence(rows.rows(0..<min(200, rows.rowCount)))
    let first = Inference.Options(order: .evidenceFirst)
    func values(_ density: any Density, _ options: Inference.Options) throws -> [Double] {
      try density.inference(options).logMarginals(of: evidence)?.map(\.value) ?? []
    }
    let own = try values(eonade, .init(particleLimit: 1 << 14))
    let mixed = try values(eonade, first)
    let single = try eonade.orders.map { try values(eonade.along($0), first) }
    let spreads = own.indices.map { row -> Double in
      let terms = single.map { $0[row] }
      let mean = terms.reduce(0, +) / Double(terms.count)
      return (terms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, terms.count - 1)))
        .squareRoot()
    }
    func mean(_ values: [Double]) -> String {
      String(format: "%.3f", values.reduce(0, +) / Double(values.count))
    }
    try Terminal.print(
      """
        rows, orders                        \(own.count), \(eonade.orders.count); half of the cells known
        mean log p, its own mixture         \(mean(own)) (by particles)
        mean log p, evidence first          \(mean(mixed)) (exact, of another density)
        mean distance of the two            \(mean(zip(own, mixed).map { abs($0 - $1) }))
        mean deviation from order to order  \(mean(spreads))
      """)
  }

  /// The standard error of a number of particles, and the time until an error asked for is reached.
  private func precision() throws {
    guard let (model, rows) = try subject() else { return }
    let table = TextTable([
      .left("known", 12), .right("particles", 9), .right("error", 7), .right("most", 7),
      .right("trusted", 8), .right("s/row", 7), .right("most s", 7),
    ])
    try Terminal.print(table.heading)
    let rowCount = 20
    for (mask, error) in [(EvidenceMask.random(share: 0.5), 0.02), (.lowerHalf, 0.05)] {
      let evidence = mask.evidence(rows.rows(0..<rowCount + 1))
      var options = [1024, 4096, 16384].map { Inference.Options(particleCount: $0, particleLimit: $0) }
      options.append(Inference.Options(particleLimit: 1 << 20, targetError: error))
      for options in options {
        let inference = try model.inference(options)
        // The first makes what all share.
        _ = try inference.logMarginals(of: evidence.selecting([rowCount]))
        var (answers, times): ([LogProbability], [Double]) = ([], [])
        for row in 0..<rowCount {
          let start = Stopwatch.wall.now
          answers += try inference.logMarginals(of: evidence.selecting([row]), firstRow: row) ?? []
          times.append(Stopwatch.wall.now - start)
        }
        let errors = answers.map(\.standardError).sorted()
        times.sort()
        try Terminal.print(
          table.line([
            mask.description, options.targetError.map { "to \($0)" } ?? "\(options.particleCount)",
            significant(median(ofSorted: errors)), significant(errors.last ?? 0),
            percent(Double(answers.count(where: \.isTrusted)) / Double(rowCount)),
            significant(median(ofSorted: times)), significant(times.last ?? 0),
          ]))
      }
    }
  }
}

private func percent(_ share: Double) -> String { "\(significant(100 * share)) %" }

private func middle(_ values: [Double]) -> String {
  values.isEmpty ? "none" : significant(median(ofSorted: values.sorted()))
}

/// Which cells of a table are known: by a rule that anyone can repeat.
enum EvidenceMask: CustomStringConvertible {
  /// Each cell with a probability: cell (r, i), counted from 0, is known if h(2³² r + i) < share · 2⁶⁴, where h is the
  /// output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
  case random(share: Double)
  /// The second half of the columns: of a picture, its lower half.
  case lowerHalf

  var description: String {
    switch self {
    case .random(let share): "random \(Int(100 * share)) %"
    case .lowerHalf: "lower half"
    }
  }

  func evidence(_ rows: BinaryMatrix) -> PartialRows {
    let known = BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount) { row, column in
      switch self {
      case .random(let share):
        Double(Self.hash(UInt64(row) << 32 | UInt64(column)) >> 11) * 0x1p-53 < share
      case .lowerHalf: column >= rows.columnCount / 2
      }
    }
    return PartialRows(values: rows, known: known)
  }

  static func hash(_ index: UInt64) -> UInt64 {
    var z = index &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

extension PartialRows {
  /// The first variable of a model's order that is unknown in a row.
  fileprivate func firstUnknown(_ row: Int, in model: any Density) -> Int? {
    (model.autoregressive()?.ordering.variables ?? Array(0..<columnCount)).first { self[row, $0] == nil }
  }
}

/// A chain alone of a density that knows more.
private struct Walked: AutoregressiveDensity {
  private let chain: any AutoregressiveDensity

  init(_ chain: any AutoregressiveDensity) { self.chain = chain }

  var variableCount: Int { chain.variableCount }
  var ordering: Ordering { chain.ordering }
  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { chain.conditionalLogits(of: rows) }
  func cursorSource() -> any CursorSource { chain.cursorSource() }
}
