import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Networks that keep groups of columns")
struct GroupedNetworkTests {
  @Test("all probability is on rows that keep the groups, and sums to 1", arguments: GroupedCase.enumerable)
  func enumeration(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 3)
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    for terms in [model.logProbabilities(of: rows), model.referenceLogProbabilities(of: rows)] {
      var total = 0.0
      for (row, term) in terms.enumerated() {
        if model.groups.hold(of: rows, row: row) {
          #expect(term > -1000)
          total += exp(term)
        } else {
          #expect(term == -.infinity)
        }
      }
      #expect(abs(total - 1) < 1e-5)
    }
    #expect(model.keptGroups == model.groups)
  }

  @Test(
    "what is certain costs exactly nothing, and the rest what it costs the network",
    arguments: GroupedCase.enumerable)
  func certainBits(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 5)
    let plain = try grouped.network.model(seed: 5).chain()
    let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
    let (logits, free) = (model.conditionalLogits(of: rows), plain.conditionalLogits(of: rows))
    let order = model.ordering.variables
    for row in 0..<rows.rowCount {
      var expected = (0..<rows.columnCount).map { free[row, $0] }
      for group in model.groups.groups {
        var isDecided = false
        let columns = order.filter(group.contains)
        for column in columns {
          if isDecided { expected[column] = -Float.forcedLogit }
          if !isDecided && column == columns.last { expected[column] = Float.forcedLogit }
          isDecided = isDecided || rows[row, column]
        }
      }
      #expect((0..<rows.columnCount).map { logits[row, $0] } == expected)
    }
    // In a row that keeps the groups.
    let zero = Matrix<Float>(rowCount: 1, columnCount: 4) {
      [1, -1, -1, 0.5][$1] * ($1 < 3 ? Float.forcedLogit : 1)
    }
    let alone = Matrix<Float>(rowCount: 1, columnCount: 1, repeating: 0.5)
    #expect(
      logLikelihoods(zero, BinaryMatrix([[1, 0, 0, 1]])) == logLikelihoods(alone, BinaryMatrix([[1]])))
  }

  private func logLikelihoods(_ logits: Matrix<Float>, _ rows: BinaryMatrix) -> [Float] {
    var targets = Matrix<Float>(rowCount: rows.rowCount, columnCount: rows.columnCount)
    targets.withUnsafeMutableView { rows.copyRows(0..<rows.rowCount, into: $0) }
    var sums = Matrix<Float>(rowCount: rows.rowCount, columnCount: 1)
    sums.withUnsafeMutableView(reading: logits, targets) {
      Float.bernoulliLogLikelihood(logits: $1, targets: $2, into: $0)
    }
    return sums.elements
  }

  @Test("what is drawn keeps the groups, and is distributed as log p says", arguments: GroupedCase.enumerable)
  func sampling(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 2)
    var generator = Philox(seed: 9)
    let count = 20_000
    let drawn = model.sample(count: count, using: &generator)
    #expect(model.groups.breaches(in: drawn) == 0)
    let all = BinaryMatrix.allRows(ofWidth: model.variableCount)
    var counts: [[Bool]: Int] = [:]
    for row in 0..<count { counts[drawn[row: row], default: 0] += 1 }
    for (row, term) in model.logProbabilities(of: all).enumerated() {
      let p = exp(term)
      // Six standard errors and a row: one false alarm in a million runs.
      let bound = 6 * (p * (1 - p) * Double(count)).squareRoot() + 1
      #expect(abs(Double(counts[all[row: row]] ?? 0) - p * Double(count)) <= bound)
    }
    // A draw where the uniform number is as small, or as large, as can be.
    for u: Float in [0, 0x1.fffffep-1] {
      let rows = model.cursorSource().draw(
        uniforms: Matrix(rowCount: 3, columnCount: all.columnCount, repeating: u))
      #expect(model.groups.breaches(in: rows) == 0)
    }
  }

  @Test(
    "larger ones draw rows that keep the groups, with the same bits for any number of threads",
    arguments: GroupedCase.larger)
  func larger(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 4, spread: 0.3)
    func results(threads: Int) -> (BinaryMatrix, [Double]) {
      Threads.run(on: threads) {
        var generator = Philox(seed: 3)
        let rows = model.sample(count: 300, using: &generator)
        return (rows, model.logProbabilities(of: rows))
      }
    }
    let (rows, terms) = results(threads: 1)
    #expect(model.groups.breaches(in: rows) == 0)
    for threads in [2, 3] {
      let again = results(threads: threads)
      #expect(again.0 == rows && again.1 == terms)
    }
    for (value, expected) in zip(terms, model.referenceLogProbabilities(of: rows)) {
      #expect(abs(value - expected) <= 1e-6 * max(10, abs(expected)))
    }
  }

  // MARK: Training

  /// Rows that keep the groups of a case.
  private func rows(_ model: GroupedNetwork, count: Int) -> BinaryMatrix {
    var generator = Philox(seed: 21)
    return model.sample(count: count, using: &generator)
  }

  @Test(
    "the gradient of the loss agrees with finite differences", arguments: GroupedCase.enumerable,
    [1, 2] as [UInt64])
  func gradient(_ grouped: GroupedCase, seed: UInt64) throws {
    let model = try grouped.model(seed: seed, spread: 0.7)
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [objective.loss], loss: objective.loss, batchCapacity: 12,
      parameters: model.parameters.converted(to: Double.self))
    let bits = rows(model, count: 12)
    executor.set(
      objective.rows, to: Matrix<Double>(rowCount: 12, columnCount: bits.columnCount) { bits[$0, $1] ? 1 : 0 }
    )
    executor.forward()
    let magnitude = abs(executor[objective.loss][0, 0]) + 20 * Double(model.variableCount)
    let check = GradientCheck(executor, loss: objective.loss, magnitude: magnitude, seed: seed)
    #expect(check.holds, "\(check)")
  }

  @Test("a logit that is replaced gets a gradient of exactly zero, even in rows that break the groups")
  func noGradient() throws {
    // All columns are one group, and the first on-bit decides: the bias of a later column learns nothing.
    let model = try GroupedNetwork(
      try ModelCase.fvsbn(5).model(seed: 1), groups: ColumnGroups([[0, 1, 2, 3, 4]], columnCount: 5))
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [], loss: objective.loss, batchCapacity: 3, parameters: model.parameters)
    executor.set(
      objective.rows,
      to: Matrix<Float>(rowCount: 3, columnCount: 5) {
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 1, 1, 0, 1]][$0][$1]
      })
    executor.forward()
    executor.backward()
    let (w, b) = (executor.gradients["w"], executor.gradients["b"])
    #expect(b[0, 0] != 0 && b[0, 1] != 0)
    for column in 2..<5 {
      #expect(b[0, column] == 0)
      for input in 0..<5 { #expect(w[input, column] == 0) }
    }
  }

  @Test(
    "training keeps the groups, and begins at the marginals",
    arguments: [ModelCase.nade(9, 6), .made(9, [8], ordering: .random)])
  func training(_ network: ModelCase) throws {
    let groups = try ColumnGroups([[0, 1, 2], [4, 7, 8]], columnCount: 9)
    let teacher = try GroupedNetwork(network.model(seed: 8, spread: 2), groups: groups)
    var generator = Philox(seed: 1)
    let data = try DataSplits(
      name: "drawn", train: teacher.sample(count: 1500, using: &generator),
      validation: teacher.sample(count: 500, using: &generator)
    ).keeping(groups)
    let validation = try #require(data.validation)
    func nll(_ density: any Density) -> Double {
      -density.logProbabilities(of: validation).reduce(0, +) / Double(validation.rowCount)
    }
    let configuration = TrainingConfiguration(
      epochCount: 30, batchSize: 50, learningRate: 0.02, seed: 1, startsAtMarginals: true)
    let (grouped, plain) = (
      try GroupedNetwork(network.model(seed: 3, spread: 0.1), groups: groups),
      try network.model(seed: 3, spread: 0.1)
    )
    func trained(_ model: some TrainableDensity) throws -> any Density {
      let trainer = try Trainer(model, data: data, configuration: configuration)
      _ = try trainer.run()
      return trainer.best
    }
    let (best, without) = (try trained(grouped), try trained(plain))
    #expect(nll(best) < nll(without) && nll(best) < nll(teacher) + 0.2)
    let rows = BinaryMatrix.allRows(ofWidth: 9)
    let mass = best.logProbabilities(of: rows).enumerated().reduce(0) {
      $0 + (groups.hold(of: rows, row: $1.offset) ? exp($1.element) : 0)
    }
    #expect(abs(mass - 1) < 1e-5)
    // A table that breaks a group is refused by whoever trains.
    var broken = data.train
    for column in [0, 1, 2] { broken[7, column] = false }
    #expect(throws: DensityError.self) {
      _ = try Trainer(grouped, data: DataSplits(name: "broken", train: broken), configuration: configuration)
    }
  }

  @Test(
    "independent groups have the marginals of the table", arguments: [nil, [5, 1, 0, 4, 2, 3]] as [[Int]?])
  func independentGroups(order: [Int]?) throws {
    let groups = try ColumnGroups([[0, 2, 4], [1, 5]], columnCount: 6)
    let model = try GroupedNetwork(ModelCase.fvsbn(6).model(seed: 2), groups: groups)
    var generator = Philox(seed: 1)
    let table = model.sample(count: 400, using: &generator)
    let fitted = GroupedNetwork.independent(groups, fittedTo: table, along: order.map { Ordering($0) })
    let rows = BinaryMatrix.allRows(ofWidth: 6)
    var marginals = [Double](repeating: 0, count: 6)
    for (row, term) in fitted.logProbabilities(of: rows).enumerated() {
      for column in rows.onBits(ofRow: row) { marginals[column] += exp(term) }
    }
    for column in 0..<6 {
      let count = (0..<400).count { table[$0, column] }
      // As smoothed as independent columns are: half a row for each value.
      #expect(abs(marginals[column] - Double(count) / 400) < 0.01)
    }
  }

  // MARK: Orders and files

  @Test(
    "in natural order it is the same model of renumbered rows",
    arguments: GroupedCase.enumerable + GroupedCase.larger)
  func naturalOrder(_ grouped: GroupedCase) throws {
    let model = try grouped.model(seed: 6, spread: 0.5)
    guard let (natural, ordering) = model.inNaturalOrder() else {
      #expect(model.ordering == .natural(count: model.variableCount))
      return
    }
    #expect(natural.ordering == .natural(count: model.variableCount) && ordering == model.ordering)
    let rows = rows(model, count: 50)
    let renumbered = BinaryMatrix(rowCount: 50, columnCount: rows.columnCount) {
      rows[$0, ordering.variables[$1]]
    }
    #expect(natural.groups.breaches(in: renumbered) == 0)
    var own = natural
    own.parameters = model.parameters
    for shape in model.parameterShapes where shape.hasVariableRows || shape.hasVariableColumns {
      own.parameters[shape.name] = model.parameters[shape.name].selecting(
        rows: shape.hasVariableRows ? ordering.variables : nil,
        columns: shape.hasVariableColumns ? ordering.variables : nil)
    }
    for (a, b) in zip(own.logProbabilities(of: renumbered), model.logProbabilities(of: rows)) {
      #expect(abs(a - b) <= 1e-6 * max(10, abs(b)))
    }
  }

  @Test("what is read is what was written, to the bit", arguments: GroupedCase.enumerable)
  func file(_ grouped: GroupedCase) throws {
    try withTemporaryDirectory { folder in
      let (model, path) = (try grouped.model(seed: 7), folder + "/grouped.safetensors")
      try Checkpoint(model: model).write(to: path)
      let read = try #require(try Checkpoint(contentsOf: path).model as? GroupedNetwork)
      let rows = BinaryMatrix.allRows(ofWidth: model.variableCount)
      #expect(
        read.groups == model.groups && read.logProbabilities(of: rows) == model.logProbabilities(of: rows))
      #expect(try CheckpointOutline(contentsOf: path).checkpoint.model.kind == .grouped)
      // Weights that masks forbid are zero in what is read.
      try Checkpoint(model: read).write(to: folder + "/b")
      try Checkpoint(model: Checkpoint(contentsOf: folder + "/b").model).write(to: folder + "/c")
      #expect(try AtomicFile.read(folder + "/b") == AtomicFile.read(folder + "/c"))
    }
  }

  @Test(
    "files of impossible groups are refused, not believed",
    arguments: [
      [0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1, 1, 2, 0, 0, 0], [-1, 1, 1, 0, 0, 0], [7, 7, 0, 0, 0, 0],
      [1, 1],
    ])
  func damagedGroups(numbers: [Int32]) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/grouped.safetensors"
      try Checkpoint(model: try GroupedCase(.nade(6, 4), [[0, 1, 2]]).model(seed: 1)).write(to: path)
      let file = try SafetensorsFile(contentsOf: path)
      let tensors = file.tensors.map { tensor in
        tensor.name == "model.groups"
          ? SafetensorsFile.Tensor(name: tensor.name, shape: [1, numbers.count], scalars: .int32(numbers))
          : tensor
      }
      #expect(tensors.contains { $0.name == "model.groups" })
      var metadata = file.metadata
      metadata["checksum"] = nil
      try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
      let error = #expect(throws: DensityError.self) { _ = try Checkpoint(contentsOf: path) }
      #expect(error?.description.contains(path) == true)
    }
  }

  @Test("networks of several orders keep no groups, nor do those of other columns")
  func otherNetworks() throws {
    let groups = try ColumnGroups([[0, 1]], columnCount: 6)
    let many = try ModelCase.made(6, [5], masks: 2).model(seed: 1)
    let fresh = try MADE(
      MADE.Configuration(variableCount: 6, hiddenCounts: [5], trainsOnFreshMasks: true), seed: 1)
    let orderless = try EoNADECase(6, [5]).model(seed: 1)
    let other = try ModelCase.nade(7, 2).model(seed: 1)
    for network: any TrainableDensity in [many, fresh, orderless, other] {
      #expect(throws: DensityError.self) { _ = try GroupedNetwork(network, groups: groups) }
    }
    let grouped = try GroupedNetwork(ModelCase.nade(6, 2).model(seed: 1), groups: groups)
    #expect(throws: DensityError.self) { _ = try GroupedNetwork(grouped, groups: groups) }
    #expect(!grouped.allowsHiddenDropout)
    #expect(try GroupedNetwork(ModelCase.made(6, [2]).model(seed: 1), groups: groups).allowsHiddenDropout)
  }
}

extension ColumnGroups {
  /// How many rows break a group.
  func breaches(in rows: BinaryMatrix) -> Int { (0..<rows.rowCount).count { !hold(of: rows, row: $0) } }
}
