import Essentials
import Kernels

/// A recipe, trained on each fold at once, in one order of the variables or in several that are mixed.
package struct FoldTrial: Sendable {
  /// The recipe.
  let recipe: Recipe
  /// The first fold's network in the first order, at the epoch that is best for all folds together.
  let firstNetwork: any Density
  /// The pool of it.
  package let firstPool: any Density
  /// The weights that the members of a pool have: see `pool(_:weights:)`.
  let weights: [Double]
  /// log p of each held-out row under the pools of its fold, mixed.
  let logProbabilities: [Double]
  /// The same under those of the first order.
  let firstLogProbabilities: [Double]
  /// How many steps the networks of the first order have taken by that epoch.
  let stepCount: Int
  /// The share of the training after which these were at their best.
  let peak: Double
  /// The mean of −log p over the held-out rows of each order.
  package let orderNLLs: [Double]
  /// How long it took.
  let seconds: Double

  /// The mean of −log p over the held-out rows.
  package var nll: Double { DensitySearch.nll(of: logProbabilities) }

  /// Returns what the mean of −log p should be if so many orders were mixed; of a trial of one order, what that has.
  ///
  /// M orders gain in proportion to 1 − 1/M, as errors that are averaged do.
  package func expectedNLL(mixing count: Int) -> Double {
    guard orderNLLs.count > 1 else { return nll }
    let alone = orderNLLs.reduce(0, +) / Double(orderNLLs.count)
    return alone - (alone - nll) * (1 - 1 / Double(count)) / (1 - 1 / Double(orderNLLs.count))
  }

  /// Trains a recipe on all folds in lockstep, and pools the networks with what counts have to say; nil if `goesOn` says no.
  ///
  /// - Parameter orderCount: how many orders there are, one after the other; their pools are mixed in equal parts.
  /// - Throws: `DensityError.diverged`, and what a network that the machine cannot hold throws.
  package init?(
    _ recipe: Recipe, _ folds: Folds, orderCount: Int = 1, seed: UInt64, while goesOn: () -> Bool
  ) throws(DensityError) {
    let start = ContinuousClock.now
    typealias Trained = (networks: [any Density], step: Int, peak: Double)
    func train<Model: TrainableDensity>(_ model: Model) throws(DensityError) -> Trained? {
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
    var trained: [Trained] = []
    var members: [[[any Density]]] = []
    for order in 0..<orderCount {
      let model = try recipe.model(
        for: folds.whole, order: order, seed: seed, weightSeed: seed &+ UInt64(order))
      guard let one = try train(model) else { return nil }
      guard one.networks.count == folds.parts.count,
        one.networks.allSatisfy({ $0.autoregressive() != nil })
      else { throw .invalidConfiguration("networks of several orders make no pool") }
      trained.append(one)
      members.append(
        try zip(folds.parts, one.networks).map { (part, network) throws(DensityError) in
          try Self.members(fittedTo: part.train, network, averagesParents: folds.averagesParents)
        })
    }
    let weights = Self.fittedWeights(folds, members)
    guard goesOn() else { return nil }
    self.recipe = recipe
    self.weights = weights
    let pools = members.map { $0.map { Self.pool($0, weights: weights) } }
    (firstNetwork, firstPool) = (trained[0].networks[0], pools[0][0])
    let terms = pools.map { folds.logProbabilities(of: $0) }
    logProbabilities = logMixture(terms, weights: terms.map { _ in 1 / Double(terms.count) })
    firstLogProbabilities = terms[0]
    orderNLLs = terms.map { DensitySearch.nll(of: $0) }
    (stepCount, peak) = (trained[0].step, trained[0].peak)
    seconds = start.duration(to: .now).seconds
  }

  // MARK: Pools

  /// More variables than these have more pairs than are counted.
  static let pairLimit = 4000

  /// Returns what is pooled along a network's order: marginals, each variable's average over parents, and the network.
  ///
  /// Of a network that keeps groups of columns, all members do: the marginals are those of its groups, and averages over
  /// parents, which know of none, are left out.
  static func members(
    fittedTo rows: BinaryMatrix, _ network: any Density, averagesParents: Bool
  ) throws(DensityError) -> [any Density] {
    if let groups = network.keptGroups {
      let ordering = network.autoregressive()?.ordering
      return [GroupedNetwork.independent(groups, fittedTo: rows, along: ordering), network]
    }
    var members: [any Density] = [try IndependentBernoulli.fit(to: rows)]
    if averagesParents, let order = network.autoregressive()?.ordering {
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

  /// Returns the weights of a pool's members that make the held-out cells most probable, in all orders together.
  ///
  /// By expectation maximisation, under a Dirichlet prior of 3 for the marginals and 1 for all others.
  /// - Parameter orders: of each order the members of each fold.
  private static func fittedWeights(_ folds: Folds, _ orders: [[[any Density]]]) -> [Double] {
    let count = orders[0][0].count
    let cellCount = orders.count * folds.heldOutCount * folds.whole.variableCount
    // So many cells say enough of three weights.
    let stride = max(1, cellCount >> 18)
    // log p of each held-out cell's value under each member.
    var terms = [[Double]](repeating: [], count: count)
    for (part, members) in orders.flatMap({ zip(folds.parts, $0) }) {
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
      prior: prior.map { $0 * Double(folds.repetitionCount * orders.count) })
  }
}
