import Essentials
import Kernels

/// A recipe, trained on each fold at once.
package struct FoldTrial: Sendable {
  /// The recipe.
  let recipe: Recipe
  /// The first fold's network at the epoch that is best for all folds together.
  let firstNetwork: any Density
  /// The pool of it.
  package let firstPool: any Density
  /// The weights that the members of a pool have: see `pool(_:weights:)`.
  let weights: [Double]
  /// log p of each held-out row under the pool of its fold.
  let logProbabilities: [Double]
  /// How many steps the networks have taken by that epoch.
  let stepCount: Int
  /// The share of the training after which the networks were at their best.
  let peak: Double

  /// The mean of −log p over the held-out rows.
  package var nll: Double { DensitySearch.nll(of: logProbabilities) }

  /// Trains a recipe on all folds in lockstep, and pools the networks with what counts have to say; nil if `goesOn` says no.
  ///
  /// - Throws: `DensityError.diverged`, and what a network that the machine cannot hold throws.
  package init?(
    _ recipe: Recipe, _ folds: Folds, seed: UInt64, while goesOn: () -> Bool
  ) throws(DensityError) {
    func train<Model: TrainableDensity>(
      _ model: Model
    ) throws(DensityError) -> (networks: [any Density], step: Int, peak: Double)? {
      var trainers: [Trainer<Model>] = []
      for part in folds.parts {
        var configuration = recipe.training(rowCount: part.train.rowCount, seed: seed)
        configuration.patience = nil
        trainers.append(try Trainer(model, data: part, configuration: configuration))
      }
      let epochCount = trainers[0].progress.configuration.epochCount
      let patience = max(4, epochCount / 3)
      var best = (nll: Double.infinity, networks: [any Density](), step: 0, epoch: 0)
      for epoch in 1...epochCount where epoch - best.epoch <= patience {
        var sum = 0.0
        for trainer in trainers {
          var isStopped = false
          _ = try trainer.run { (event) throws(DensityError) in
            switch event {
            case .step, .validating, .completing:
              isStopped = !goesOn()
              return !isStopped
            case .epoch(let record):
              sum += (record.validationNLL ?? .infinity) * Double(trainer.data.validation?.rowCount ?? 0)
              return false
            }
          }
          if isStopped { return nil }
        }
        if sum < best.nll { best = (sum, trainers.map(\.model), trainers[0].progress.step, epoch) }
      }
      return (best.networks, best.step, Double(best.epoch) / Double(epochCount))
    }
    let model = try recipe.model(for: folds.whole, order: 0, seed: seed, weightSeed: seed)
    guard let trained = try train(model) else { return nil }
    let networks = trained.networks
    guard networks.count == folds.parts.count, networks.allSatisfy({ $0.autoregressive() != nil }) else {
      throw .invalidConfiguration("networks of several orders make no pool")
    }
    let members = try zip(folds.parts, networks).map { (part, network) throws(DensityError) in
      try Self.members(fittedTo: part.train, network)
    }
    let weights = Self.fittedWeights(folds, members)
    guard goesOn() else { return nil }
    self.recipe = recipe
    self.weights = weights
    let pools = members.map { Self.pool($0, weights: weights) }
    (firstNetwork, firstPool) = (networks[0], pools[0])
    logProbabilities = folds.logProbabilities(of: pools)
    stepCount = trained.step
    peak = trained.peak
  }

  // MARK: Pools

  /// More variables than these have more pairs than are counted.
  static let pairLimit = 4000

  /// Returns what is pooled along a network's order: marginals, each variable's average over parents, and the network.
  ///
  /// Of a network that keeps groups of columns, all members do: the marginals are those of its groups, and averages over
  /// parents, which know of none, are left out.
  static func members(
    fittedTo rows: BinaryMatrix, _ network: any Density
  ) throws(DensityError) -> [any Density] {
    if let groups = network.keptGroups {
      let ordering = network.autoregressive()?.ordering
      return [GroupedNetwork.independent(groups, fittedTo: rows, along: ordering), network]
    }
    var members: [any Density] = [try IndependentBernoulli.fit(to: rows)]
    if rows.columnCount <= pairLimit, let order = network.autoregressive()?.ordering {
      members.append(try ParentAverage.fit(to: rows, along: order))
    }
    return members + [network]
  }

  /// Returns members that are averaged conditional by conditional, as probabilities: what any of them finds possible
  /// remains possible.
  static func pool(_ members: [any Density], weights: [Double]) -> any Density {
    // The network, which comes last, has the order.
    Ensemble(members.reversed(), weights: weights.reversed(), averaging: .probabilities)
  }

  /// Returns the weights of a pool's members that make the held-out cells most probable.
  ///
  /// By expectation maximisation, under a Dirichlet prior of 3 for the marginals and 1 for all others.
  private static func fittedWeights(_ folds: Folds, _ members: [[any Density]]) -> [Double] {
    let count = members[0].count
    let cellCount = folds.heldOutCount * folds.whole.variableCount
    // So many cells say enough of three weights.
    let stride = max(1, cellCount >> 18)
    // log p of each held-out cell's value under each member.
    var terms = [[Double]](repeating: [], count: count)
    for (part, members) in zip(folds.parts, members) {
      guard let rows = part.validation, let order = members.last?.autoregressive()?.ordering else { continue }
      for (index, member) in members.enumerated() {
        guard let chain = member.autoregressive(along: order) else { continue }
        let executor = chain.anyConditionalExecutor(in: Float.self, batchCapacity: 512)
        for first in Swift.stride(from: 0, to: rows.rowCount, by: 512) {
          let block = rows.rows(first..<min(first + 512, rows.rowCount))
          let logits = executor.logits(of: block)
          for place in Swift.stride(from: 0, to: block.rowCount * block.columnCount, by: stride) {
            let (row, column) = place.quotientAndRemainder(dividingBy: block.columnCount)
            let z = Double(logits[row, column])
            terms[index].append(logSigmoid(block[row, column] ? z : -z))
          }
        }
      }
    }
    let prior = [3.0] + Array(repeating: 1, count: count - 1)
    return Mixture.fittedWeights(
      terms, from: Array(repeating: 1 / Double(count), count: count),
      prior: prior.map { $0 * Double(folds.repetitionCount) })
  }
}
