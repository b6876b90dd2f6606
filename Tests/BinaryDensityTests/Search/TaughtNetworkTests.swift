import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Networks that learn conditionals")
struct TaughtNetworkTests {
  private static let order = [3, 1, 4, 0, 2, 5]
  private static let rows = BinaryMatrix.random(20, 6, seed: 5)

  private static func nade(seed: UInt64, _ ordering: OrderingRule = .explicit(order)) throws -> NADE {
    drawn(
      try NADE(NADE.Configuration(variableCount: 6, hiddenCount: 4, ordering: ordering), seed: seed), seed)
  }

  private static func teacher() throws -> Ensemble {
    Ensemble([try nade(seed: 1), try nade(seed: 2)], weights: [1, 3])
  }

  private func sample(_ density: some AutoregressiveDensity, _ count: Int, seed: UInt64) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return density.sample(count: count, using: &generator)
  }

  /// An executor of what a step minimises, with the rows set as `columns` of the table, after a forward run.
  private func executor<Network: NetworkDensity>(
    _ model: TaughtNetwork<Network>, columns: [Int]? = nil
  ) -> (executor: Executor<Float>, loss: Double, told: Double) {
    let objective = model.objective(.none)
    let executor = Executor(
      objective.graph, outputs: [objective.negativeLogProbability], loss: objective.loss,
      batchCapacity: 20, parameters: model.parameters)
    let rows = Self.rows
    executor.set(
      objective.rows,
      to: Matrix<Float>(rowCount: 20, columnCount: 6) { rows[$0, columns?[$1] ?? $1] ? 1 : 0 })
    model.prepare(objective, in: executor, seed: 1, step: 0)
    executor.forward()
    return (
      executor, Double(executor[objective.loss][0, 0]),
      Double(executor[objective.negativeLogProbability][0, 0])
    )
  }

  /// What the rows and the teacher's conditionals, mixed, make of the student's, in Double.
  private func expected(_ student: any AutoregressiveDensity, _ share: Double) throws -> Double {
    let (p, q) = (
      try Self.teacher().conditionalLogits(of: Self.rows), student.conditionalLogits(of: Self.rows)
    )
    var sum = 0.0
    for row in 0..<20 {
      for column in 0..<6 {
        let target =
          share / (1 + exp(-Double(p[row, column]))) + (1 - share) * (Self.rows[row, column] ? 1 : 0)
        let z = Double(q[row, column])
        sum += target * log1p(exp(-z)) + (1 - target) * log1p(exp(z))
      }
    }
    return sum / 20
  }

  @Test(
    "the loss is the cross-entropy of mixed targets, however the columns are numbered",
    arguments: [0, 0.3, 1])
  func loss(share: Double) throws {
    let student = try Self.nade(seed: 9)
    let model = TaughtNetwork(student, taughtBy: try Self.teacher(), share: share)
    let found = executor(model)
    #expect(abs(found.loss - (try expected(student, share))) < 1e-4)
    #expect(abs(found.told - DensitySearch.nll(student, Self.rows)) < 1e-4)
    // As a trainer sees it: the variables renumbered, and the parameters with them.
    let natural = try #require(model.inNaturalOrder())
    #expect(natural.ordering.variables == Self.order)
    var renumbered = natural.model
    var parameters = Parameters<Float>()
    for shape in student.parameterShapes {
      parameters.append(
        shape.name,
        student.parameters[shape.name].selecting(
          rows: shape.hasVariableRows ? Self.order : nil,
          columns: shape.hasVariableColumns ? Self.order : nil))
    }
    renumbered.parameters = parameters
    let again = executor(renumbered, columns: Self.order)
    #expect(abs(again.loss - found.loss) < 1e-4 && abs(again.told - found.told) < 1e-4)
  }

  @Test(
    "one that knows its teacher's conditionals has nothing to learn, whatever the rows",
    arguments: [1.0, 0.5])
  func knowing(share: Double) throws {
    let network = try Self.nade(seed: 3)
    let executor = executor(TaughtNetwork(network, taughtBy: network, share: share)).executor
    executor.backward()
    let largest = executor.gradients.matrices.flatMap { matrix in
      (0..<matrix.rowCount).flatMap { row in (0..<matrix.columnCount).map { abs(matrix[row, $0]) } }
    }.max()
    // Of the bits alone it has.
    let isDone = try #require(largest) < 1e-5
    #expect(isDone == (share == 1))
  }

  @Test("groups of columns are kept, and cost nothing")
  func groups() throws {
    let groups = try ColumnGroups([[0, 2, 5]], columnCount: 6)
    let members = try [1, 2].map { try GroupedNetwork(try Self.nade(seed: $0), groups: groups) }
    let data = DataSplits(name: "drawn", train: sample(members[0], 200, seed: 3))
    let configuration = TrainingConfiguration(
      epochCount: 3, learningRate: 0.01, seed: 1, startsAtMarginals: true)
    let student = try GroupedNetwork(try Self.nade(seed: 4), groups: groups)
    let trainer = try Trainer(
      TaughtNetwork(student, taughtBy: Ensemble(members), share: 1), data: data, configuration: configuration)
    let alone = try Trainer(student, data: data, configuration: configuration)
    #expect(trainer.model.parameters == alone.model.parameters)
    _ = try trainer.run()
    let trained = trainer.best.network
    let all = BinaryMatrix.allRows(ofWidth: 6)
    let probabilities = trained.logProbabilities(of: all).map(exp)
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    #expect(probabilities.count { $0 > 0 } == 24)
    #expect(trainer.best.parameters.matrices.allSatisfy { $0.withUnsafeView(Float.isFinite) })
  }

  @Test("a model teaches along an order in which it has several networks, however deep")
  func teachers() throws {
    let groups = try ColumnGroups([[0, 2, 5]], columnCount: 6)
    let alone = try Self.nade(seed: 6, .explicit([5, 4, 3, 2, 1, 0]))
    let grouped = try GroupedNetwork(try Self.nade(seed: 7), groups: groups)
    let data = DataSplits(name: "rows", train: Self.rows, validation: Self.rows)
    let model = Mixture(
      [
        Mixture([try Self.teacher(), alone, grouped]),
        try IndependentBernoulli.fit(to: Self.rows),
        try Self.nade(seed: 11, .natural), try Self.nade(seed: 12, .natural),
      ], weights: [2, 1, 1, 0])
    let distillation = try Distillation(of: model, data, budget: .zero)
    #expect(distillation.taught(try Self.nade(seed: 8), share: 1) is TaughtNetwork<NADE>)
    let made = try MADE(
      MADE.Configuration(variableCount: 6, hiddenCounts: [9], ordering: .explicit(Self.order)), seed: 1)
    #expect(distillation.taught(made, share: 1) is TaughtNetwork<MADE>)
    // One network of its order, or one that keeps its groups, or several of which one alone has a weight.
    #expect(distillation.taught(alone, share: 1) is NADE)
    #expect(distillation.taught(grouped, share: 1) is GroupedNetwork)
    #expect(distillation.taught(try Self.nade(seed: 9, .natural), share: 1) is NADE)
  }

  @Test("a network is taught where validation rows have missing cells")
  func missingCells() throws {
    let rows = sample(try Self.teacher(), 60, seed: 3)
    let data = DataSplits(
      name: "gaps", train: PartialRows(values: rows, known: .random(60, 6, seed: 4)),
      validation: PartialRows(values: rows, known: .random(60, 6, seed: 5)))
    let result = try Distillation(of: try Self.teacher(), data, budget: .milliseconds(300)).run()
    #expect(result.density is NADE && result.leaderboard.allSatisfy(\.validationNLL.isFinite))
  }

  @Test("from few rows, conditionals teach more than bits")
  func learning() throws {
    let teacher = try Self.teacher()
    let data = DataSplits(
      name: "drawn", train: sample(teacher, 60, seed: 3),
      validation: sample(teacher, 200, seed: 4))
    let all = BinaryMatrix.allRows(ofWidth: 6)
    let truth = teacher.logProbabilities(of: all)
    func divergence(share: Double) throws -> Double {
      let student = try NADE(
        NADE.Configuration(variableCount: 6, hiddenCount: 16, ordering: .explicit(Self.order)), seed: 8)
      let trainer = try Trainer(
        TaughtNetwork(student, taughtBy: teacher, share: share), data: data,
        configuration: TrainingConfiguration(
          epochCount: 300, learningRate: 0.01, seed: 1, startsAtMarginals: true))
      _ = try trainer.run()
      #expect(trainer.best.network.ordering.variables == Self.order)
      return zip(truth, trainer.best.network.logProbabilities(of: all)).reduce(0) {
        $0 + exp($1.0) * ($1.0 - $1.1)
      }
    }
    let (taught, alone) = (try divergence(share: 1), try divergence(share: 0))
    #expect(taught < alone / 2, "\(taught) and \(alone) nats")
  }
}
