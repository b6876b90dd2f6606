import Autodiff
import Kernels

extension Distillation {
  /// The share of the time left that a training is meant to take.
  ///
  /// With fresh rows a long one gains more than several; one that goes on from what a network knows needs less. Where networks
  /// of further orders are to learn, what is left is for them, and few share it evenly.
  private static let trainingShare = (further: 0.35, fresh: 0.55)
  private static let trainingShareOfSeveralOrders = (further: 0.2, fresh: 0.3)

  /// One of the ways to train a network.
  struct Way {
    /// How.
    var recipe: Recipe
    /// The network that goes on learning; nil for a new one.
    var start: (any TrainableDensity)?
    /// The share of the model's conditionals in what it learns, if it learns them.
    let teachersShare: Double
    /// Whether its order of the variables is not that of the model's best network.
    var isOfFurtherOrder = false

    /// Whether it goes on from what a network knows.
    var isFurther: Bool { start != nil }
    var description: String {
      switch (isFurther, isOfFurtherOrder) {
      case (true, false): "\(recipe), begun with the model's best network"
      case (true, true): "\(recipe), begun with the model's best network of another order"
      case (false, false): "\(recipe)"
      case (false, true): "\(recipe), in another order"
      }
    }
  }

  /// A network that has learnt.
  struct Student {
    let network: any TrainableDensity
    /// How.
    let way: Way
    /// How many steps a second it trained.
    let stepsPerSecond: Double
    /// log p of each validation row.
    let terms: [Double]

    var ordering: Ordering? { network.autoregressive()?.ordering }
    /// The mean of −log p of the validation rows, in nats.
    var nll: Double { DensitySearch.nll(of: terms) }
  }

  /// Returns the best student of each order, the best first.
  static func bestOfEachOrder(_ students: [Student]) -> [Student] {
    var best: [Student] = []
    for student in students.sorted(by: { $0.nll < $1.nll })
    where !best.contains(where: { $0.ordering == student.ordering }) {
      best.append(student)
    }
    return best
  }

  /// Trains networks until the time is over or all has been tried; returns those that had learnt before that.
  func students(
    on data: DataSplits, _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> [Student] {
    var form = form
    var further: [Way] = []
    let starts = bestNetworks(&progress, observe)
    if let start = starts.first {
      form.ordering = start.autoregressive().map { .explicit($0.ordering.variables) } ?? form.ordering
      further = Self.ways(
        Form(of: start, widened: 1).furtherRecipes(like: recipe, canShift: data.canShift), from: start)
    }
    let fresh = Self.ways(form.recipes(like: recipe, canShift: data.canShift), from: nil)
    // One of either kind, then the others; further orders before new networks with other regularisation.
    let hasSeveralOrders = starts.count > 1
    let share = hasSeveralOrders ? Self.trainingShareOfSeveralOrders : Self.trainingShare
    var students: [Student] = []
    func learn(_ way: Way, _ form: Form, share least: Double = 0) throws(DensityError) {
      guard !progress.isOver else { return }
      let alike = students.filter { $0.way.isFurther == way.isFurther }
      var network = way.start
      if network == nil {
        network = try form.model(
          way.recipe, variableCount: data.variableCount, seed: seed &+ UInt64(students.count))
      }
      guard let network else { return }
      let student = taught(network, share: way.teachersShare)
      var perSecond = alike.last { $0.way.recipe.network == way.recipe.network }?.stepsPerSecond
      if perSecond == nil { perSecond = try stepsPerSecond(of: student, way.recipe, on: data) }
      let meant = max(least, way.isFurther ? share.further : share.fresh)
      let affordable = Int(meant * (perSecond ?? 0) * progress.secondsLeft)
      // One that is cut much shorter than another of its kind cannot show that it is better.
      if affordable < (alike.map(\.way.recipe.stepCount).max() ?? 0) / 4 { return }
      var way = way
      way.recipe.stepCount = min(max(affordable, Self.steps.lowerBound), Self.steps.upperBound)
      if let student = try train(student, way, on: data, &progress, observe) { students.append(student) }
    }
    for way in further.prefix(1) + fresh.prefix(1) + further.dropFirst() { try learn(way, form) }
    for (number, start) in starts.enumerated().dropFirst() {
      let best = Self.bestOfEachOrder(students.filter { hasRoom(for: 2, like: $0.network) }).first
      guard let best, let ordering = start.autoregressive()?.ordering else { break }
      var (form, way) = (form, best.way)
      form.ordering = .explicit(ordering.variables)
      way.isOfFurtherOrder = true
      if way.isFurther {
        way.start = start
        way.recipe.network = Form(of: start, widened: 1).recipe.network
      }
      try learn(way, form, share: 1 / Double(starts.count - number))
    }
    for way in fresh.dropFirst() { try learn(way, form) }
    return students
  }

  private static func ways(_ recipes: [Recipe], from start: (any TrainableDensity)?) -> [Way] {
    recipes.enumerated().map { number, recipe in
      Way(
        recipe: recipe, start: start, teachersShare: teachersShares[number % teachersShares.count])
    }
  }

  /// Returns of each order the network of the model that does best on the validation rows, of as many as there is time for, the
  /// best first; none of a model without networks, and of one order where a mixture of two is too large.
  private func bestNetworks(
    _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) -> [any TrainableDensity] {
    let end = progress.elapsed + max(Self.comparing.seconds, Self.comparing.share * budget)
    var compared: [(network: any TrainableDensity, nll: Double)] = []
    for network in networks {
      let nll = DensitySearch.nll(network, data) {
        progress.tell("comparing the model's networks", observe) && progress.elapsed < end
      }
      guard let nll else { break }
      compared.append((network, nll))
    }
    let sorted = compared.sorted { $0.nll < $1.nll }.map(\.network)
    guard let best = sorted.first else { return Array(networks.prefix(1)) }
    guard hasRoom(for: 2, like: best) else { return [best] }
    var result: [any TrainableDensity] = []
    for network in sorted {
      let ordering = network.autoregressive()?.ordering
      if !result.contains(where: { $0.autoregressive()?.ordering == ordering }) { result.append(network) }
    }
    return result
  }

  /// Whether a mixture of as many networks like this one is small enough.
  private func hasRoom(for count: Int, like network: any Density) -> Bool {
    isSmallEnough(Mixture(Array(repeating: network, count: count)))
  }

  /// Returns how many steps a second a network trains; 0 if there is no time to see.
  private func stepsPerSecond(
    of model: any TrainableDensity, _ recipe: Recipe, on data: DataSplits
  ) throws(DensityError) -> Double {
    var recipe = recipe
    recipe.stepCount = Self.steps.lowerBound
    let seconds = recipe.secondsPerStep(of: model, on: data, within: min(2, 0.03 * budget), seed: seed)
    return seconds.map { 1 / $0 } ?? 0
  }

  /// Trains a network and keeps it if it is the best; returns nil if that failed or was ended.
  private func train<Model: TrainableDensity>(
    _ model: Model, _ way: Way, on data: DataSplits, _ progress: inout Progress,
    _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> Student? {
    let began = progress.elapsed
    var configuration = way.recipe.training(rowCount: data.train.rowCount, seed: seed)
    configuration.startsAtMarginals = !way.isFurther
    let trainer = try Trainer(model, data: data, configuration: configuration)
    do throws(DensityError) {
      var hasEpoch = false
      _ = try trainer.run { (event) throws(DensityError) in
        if case .epoch = event { hasEpoch = true }
        return progress.tell("training", observe) && !progress.ends(hasEpoch: hasEpoch)
      }
    } catch {
      // A recipe that diverges is one that did not do well.
      progress.add("\(way.description): \(error)", nil, nll: .infinity, since: began, observe)
      return nil
    }
    guard let nll = trainer.progress.bestValidationNLL else { return nil }
    let network = trainer.best.networkToKeep
    let perSecond = Double(trainer.progress.step) / max(progress.elapsed - began, 1e-3)
    progress.add(way.description, network, nll: nll, since: began, observe)
    let terms = try DensitySearch.logProbabilities(of: network, data) { (_) throws(DensityError) in
      progress.tell("evaluating", observe)
    }
    return terms.map { Student(network: network, way: way, stepsPerSecond: perSecond, terms: $0) }
  }
}
