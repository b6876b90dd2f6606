import Autodiff
import Kernels

extension Distillation {
  /// The share of the time left that one of the first trainings is meant to take.
  ///
  /// One that goes on from what a network knows needs less.
  private static let trainingShare = (further: 0.2, fresh: 0.3)
  /// The share of what these leave that the best of them has once more, for longer.
  private static let longTrainingShare = 0.8
  /// The share of what is left that networks of further orders are meant to take together.
  private static let furtherOrdersShare = 0.85
  /// How many orders there are besides the first at most, for they share the time.
  private static let mostFurtherOrders = 5

  /// One of the ways to train a network.
  struct Way {
    /// How.
    var recipe: Recipe
    /// Which of the ways of its kind it is.
    let number: Int
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
    /// How many networks taught it.
    let teacherCount: Int
    /// How many steps a second it trained.
    let stepsPerSecond: Double
    /// The mean of −log p of the validation rows, in nats.
    let nll: Double
    /// log p of each of the validation rows; none where only one order learns.
    let terms: [Double]
  }

  /// Trains networks until the time is over or all has been tried; returns those that had learnt before that, if there are several
  /// orders.
  func students(
    on data: DataSplits, _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> [Student] {
    var form = form
    func further(_ start: any TrainableDensity) -> [Way] {
      let ways = Self.ways(
        Form(of: start, widened: 1).furtherRecipes(like: recipe, canShift: data.canShift), from: start)
      let areAlike = ways[0].recipe == ways[1].recipe && teachers(of: start).isEmpty
      return areAlike ? [ways[0]] : ways
    }
    let starts = bestNetworks(&progress, observe)
    if let ordering = starts.first?.autoregressive()?.ordering {
      form.ordering = .explicit(ordering.variables)
    }
    let going = starts.first.map(further) ?? []
    let fresh = Self.ways(form.recipes(like: recipe, canShift: data.canShift), from: nil)
    let hasSeveralOrders = starts.count > 1
    var students: [Student] = []
    var trainingCount: UInt64 = 0
    /// Returns whether there was time for it, for as many steps at least.
    func learn(
      _ way: Way, _ form: Form, share: Double, leastSteps: Int = 0
    ) throws(DensityError) -> Bool {
      guard !progress.isOver else { return false }
      let alike = students.filter { $0.way.isFurther == way.isFurther }
      let network: any TrainableDensity
      if let start = way.start {
        network = start
      } else {
        network = try form.model(way.recipe, variableCount: data.variableCount, seed: seed &+ trainingCount)
      }
      let student = taught(network, share: way.teachersShare)
      let teacherCount = teachers(of: network).count
      var perSecond = alike.last {
        $0.way.recipe.network == way.recipe.network && $0.teacherCount == teacherCount
      }?.stepsPerSecond
      if perSecond == nil { perSecond = try stepsPerSecond(of: student, way.recipe, on: data) }
      let affordable = min(Int(share * (perSecond ?? 0) * progress.secondsLeft), Self.steps.upperBound)
      // One that is cut much shorter than another of its kind cannot show that it is better.
      let least = max(leastSteps, (alike.map(\.way.recipe.stepCount).max() ?? 0) / 4)
      if affordable < least { return false }
      trainingCount += 1
      var way = way
      way.recipe.stepCount = max(affordable, Self.steps.lowerBound)
      let began = progress.elapsed
      guard let result = try train(student, way, on: data, &progress, observe) else { return true }
      let terms = hasSeveralOrders ? logProbabilities(of: result.network, &progress, observe) : []
      if let terms {
        students.append(
          Student(
            network: result.network, way: way, teacherCount: teacherCount,
            stepsPerSecond: Double(result.steps) / max(progress.elapsed - began, 1e-3),
            nll: hasSeveralOrders ? DensitySearch.nll(of: terms) : result.nll, terms: terms))
      }
      return true
    }
    func learn(_ ways: some Sequence<Way>) throws(DensityError) {
      for way in ways {
        let share = way.isFurther ? Self.trainingShare.further : Self.trainingShare.fresh
        _ = try learn(way, form, share: share)
      }
    }
    try learn(going + fresh.prefix(1))
    // What has done best is what further orders learn by, or, where there is but one, what it learns by for longer.
    if !hasSeveralOrders, let best = students.min(by: { $0.nll < $1.nll }) {
      _ = try learn(
        best.way, form, share: Self.longTrainingShare, leastSteps: 5 * best.way.recipe.stepCount / 4)
    }
    for (number, start) in starts.enumerated().dropFirst() {
      let best = students.filter { hasRoom(for: 2, like: $0.network) }.min { $0.nll < $1.nll }
      guard let best, let ordering = start.autoregressive()?.ordering else { break }
      var (form, way) = (form, best.way)
      form.ordering = .explicit(ordering.variables)
      if way.isFurther {
        let ways = further(start)
        way = ways[min(way.number, ways.count - 1)]
      }
      way.isOfFurtherOrder = true
      let share = Self.furtherOrdersShare / Double(starts.count - number)
      guard try learn(way, form, share: share) else { break }
    }
    try learn(fresh.dropFirst())
    return hasSeveralOrders ? students : []
  }

  /// Returns log p of each validation row; nil if told to stop, or what cannot be evaluated.
  private func logProbabilities(
    of network: any Density, _ progress: inout Progress, _ observe: (DensitySearch.Event) -> Bool
  ) -> [Double]? {
    let terms = try? DensitySearch.logProbabilities(of: network, data) { (_) throws(DensityError) in
      progress.tell("evaluating", observe)
    }
    return terms.flatMap(\.self)
  }

  /// Returns the best mixture of students of one order each that is small enough; nil if there is none.
  ///
  /// Those that go on and those that are new differ in size, so that one kind may have room where both have not.
  func mixture(of students: [Student]) -> (density: any Density, nll: Double, count: Int)? {
    let kinds = [students, students.filter(\.way.isFurther), students.filter { !$0.way.isFurther }]
    return kinds.compactMap { mixture(of: $0.map { ($0.network, $0.terms) }) }.min { $0.nll < $1.nll }
  }

  private static func ways(_ recipes: [Recipe], from start: (any TrainableDensity)?) -> [Way] {
    recipes.enumerated().map { number, recipe in
      Way(
        recipe: recipe, number: number, start: start,
        teachersShare: teachersShares[number % teachersShares.count])
    }
  }

  /// Returns of each order the network of the model that does best on the validation rows, of as many as there is time for, the
  /// best first; none of a model without networks, and of as many orders as have room and one more.
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
    var result: [any TrainableDensity] = []
    for network in sorted where result.isEmpty || hasRoom(for: 2, like: network) {
      let ordering = network.autoregressive()?.ordering
      if !result.contains(where: { $0.autoregressive()?.ordering == ordering }) { result.append(network) }
    }
    guard hasRoom(for: 2, like: best) else { return [best] }
    let room = (2...Self.mostFurtherOrders + 1).last { hasRoom(for: $0, like: best) } ?? 2
    return Array(result.prefix(min(room, Self.mostFurtherOrders) + 1))
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

  /// Trains a network and keeps it if it is the best; returns what it has become in how many steps, or nil if that failed or was ended.
  private func train<Model: TrainableDensity>(
    _ model: Model, _ way: Way, on data: DataSplits, _ progress: inout Progress,
    _ observe: (DensitySearch.Event) -> Bool
  ) throws(DensityError) -> (network: any TrainableDensity, nll: Double, steps: Int)? {
    let began = progress.elapsed
    let configuration = way.recipe.training(
      rowCount: data.train.rowCount, seed: seed, goesOn: way.isFurther)
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
    guard var nll = trainer.progress.bestValidationNLL else { return nil }
    let network = trainer.best.networkToKeep
    // Where cells are missing, training has an estimate, which stays if somebody says to stop.
    if DensitySearch.judgesByTable(data) {
      if let terms = logProbabilities(of: network, &progress, observe) {
        nll = DensitySearch.nll(of: terms)
      } else {
        progress.isEstimated = true
      }
    }
    progress.add(way.description, network, nll: nll, since: began, observe)
    return (network, nll, trainer.progress.step)
  }
}
