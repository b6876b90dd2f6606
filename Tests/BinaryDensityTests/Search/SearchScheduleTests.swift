import BinaryDensity
import Testing
import _TestSupport

@Suite("What a search does next")
struct SearchScheduleTests {
  private typealias State = DensitySearch.State

  /// A table of 1000 rows: ten steps an epoch.
  private static let data = DataSplits(
    name: "table", train: TrainingCase.chain(rowCount: 1000, variableCount: 4, seed: 1),
    validation: TrainingCase.chain(rowCount: 100, variableCount: 4, seed: 2))
  private let schedule = DensitySearch.Schedule(Self.data, budget: 100)

  private func state() -> State {
    var state = State()
    state.stepCount = 4000
    return state
  }

  /// Lets a recipe have been tried, at a hundredth of a second a step unless said otherwise.
  private func add(
    _ recipe: Recipe, nll: Double, peak: Double = 0.75, pace: Double = 0.001, to state: inout State
  ) throws {
    state.started.insert(recipe)
    let model = try recipe.model(variableCount: 4, imageShape: nil, order: 0, seed: 0, weightSeed: 0)
    state.add(
      DensitySearch.Trial(recipe: recipe, nll: nll, peak: peak, secondsPerStep: pace),
      DensitySearch.Network(
        recipe: recipe, order: 0, number: 0, density: model, nll: nll, isComplete: true))
  }

  private func trial(_ work: DensitySearch.Work?) -> Recipe? {
    if case .trial(let recipe, _) = work { recipe } else { nil }
  }

  @Test("the first recipes are tried by a quarter of their training, and the best third of them in full")
  func promotion() throws {
    var state = state()
    let first = Recipe.first(stepCount: 1000)
    for index in 0..<3 { #expect(trial(schedule.next(&state, elapsed: 1)) == first[index]) }
    #expect(state.runningTrials == 3)
    for (index, nll) in [2.5, 2.25, 2.75].enumerated() { try add(first[index], nll: nll, to: &state) }
    var whole = first[1]
    whole.stepCount = 4000
    #expect(trial(schedule.next(&state, elapsed: 1)) == whole)
    #expect(trial(schedule.next(&state, elapsed: 1)) == first[3])
  }

  @Test("where there is time for whole trainings, none is short")
  func wholeTrainings() throws {
    var state = State()
    state.stepCount = DensitySearch.longestStepCount
    let first = Recipe.first(stepCount: 6000)
    for recipe in first { #expect(trial(schedule.next(&state, elapsed: 1)) == recipe) }
    for (index, recipe) in first.enumerated() { try add(recipe, nll: 2 + Double(index), to: &state) }
    #expect(try #require(trial(schedule.next(&state, elapsed: 1))).stepCount == 6000)
  }

  @Test("what is at its best early is not trained for longer")
  func earlyPeak() throws {
    var state = state()
    let first = Recipe.first(stepCount: 1000)
    for index in 0..<3 { try add(first[index], nll: 2, peak: 0.2, to: &state) }
    #expect(trial(schedule.next(&state, elapsed: 1)) == first[3])
  }

  @Test("after the first come the neighbours of the best, shortened")
  func neighbours() throws {
    var state = state()
    for (index, recipe) in Recipe.first(stepCount: 1000).enumerated() {
      try add(recipe, nll: 2 + Double(index), to: &state)
    }
    var best = Recipe.first(stepCount: 1000)[0]
    best.stepCount = 4000
    try add(best, nll: 1, to: &state)
    var second = Recipe.first(stepCount: 1000)[1]
    second.stepCount = 4000
    try add(second, nll: 1.5, to: &state)
    best.dropout.inputs = 0.05
    best.stepCount = 1000
    #expect(trial(schedule.next(&state, elapsed: 1)) == best)
    // The second whole trial was the second best short one.
    second.stepCount = 1000
    #expect(state.started.contains(second))
  }

  @Test("no trial begins for which there is no time, or after it")
  func time() throws {
    var state = state()
    let first = Recipe.first(stepCount: 1000)
    // A whole training takes 80 of the 100 seconds.
    for index in 0..<3 { try add(first[index], nll: 2, pace: 0.02, to: &state) }
    #expect(trial(schedule.next(&state, elapsed: 1)) == first[3])
    guard case .member(_, order: 0, number: 1, isShortened: false) = schedule.next(&state, elapsed: 50) else {
      Issue.record("no member in the second half")
      return
    }
    let isOver = schedule.next(&state, elapsed: 95) == nil
    #expect(isOver)
  }

  @Test("where recipes gain nothing any more, members are trained")
  func idleness() throws {
    var state = state()
    state.tolerance = 0.01
    for (index, recipe) in Recipe.first(stepCount: 4000).enumerated() {
      try add(recipe, nll: 2 - 0.001 * Double(index), to: &state)
    }
    #expect(state.idleEffort == 5)
    state.idleEffort = 7.9
    var before = state
    #expect(trial(schedule.next(&before, elapsed: 1)) != nil)
    state.idleEffort = 8
    guard case .member(let recipe, _, _, _) = schedule.next(&state, elapsed: 1) else {
      Issue.record("the search goes on without a gain")
      return
    }
    #expect(recipe == state.best?.recipe)
  }

  @Test("the more trainings there is time for, the more recipes are tried without a gain: a quarter of them")
  func patience() throws {
    var state = state()
    // A whole training takes a second, and the last is to be done by 69: from 1 on there is time for 68 and for four times as many.
    for recipe in Recipe.first(stepCount: 4000) { try add(recipe, nll: 2, pace: 0.00025, to: &state) }
    for workers in [1, 4] {
      state.workersRunning = workers
      state.idleEffort = 17 * Double(workers) - 0.1
      var before = state
      #expect(trial(schedule.next(&before, elapsed: 1)) != nil)
      state.idleEffort += 0.1
      #expect(isMember(schedule.next(&state, elapsed: 1)))
    }
  }

  private func isMember(_ work: DensitySearch.Work?) -> Bool {
    if case .member = work { true } else { false }
  }

  @Test("the best recipe is trained for longer where there is time for some trainings of that")
  func longerTraining() throws {
    var state = state()
    let best = Recipe.first(stepCount: 4000)[0]
    // 4 seconds a training of twice the steps; six of them are done by 69 if they begin by 45.
    try add(best, nll: 2, peak: 0.9, pace: 0.0005, to: &state)
    state.idleEffort = .infinity
    var longer = best
    longer.stepCount = 8000
    var late = state
    guard case .trial(longer, until: let end) = schedule.next(&state, elapsed: 45) else {
      Issue.record("not for longer")
      return
    }
    #expect(abs(end - 69) < 1e-9)
    #expect(isMember(schedule.next(&late, elapsed: 45.1)))
    #expect(isMember(schedule.next(&state, elapsed: 45)))
    // What was at its best early is long enough.
    var early = self.state()
    try add(best, nll: 2, peak: 0.7, pace: 0.0005, to: &early)
    early.idleEffort = .infinity
    #expect(isMember(schedule.next(&early, elapsed: 1)))
  }

  @Test("once it is known what length gains, it is weighed against more networks")
  func gainOfLength() throws {
    /// The steps of the next training after 1000 had an NLL of 100 + twice the gain of a doubling, and 4000 of 100, at 64 (or
    /// another number of) trainings of 4000 that there is time for.
    func next(gain: Double, trainings: Double = 64) throws -> Int? {
      var state = state()
      let recipe = Recipe.first(stepCount: 1000)[0]
      // Distilling is left out where a training takes a sixteenth of the time.
      let pace = 94 / trainings / 4000
      try add(recipe, nll: 100 + 2 * gain, peak: 0.9, pace: pace, to: &state)
      var whole = recipe
      whole.stepCount = 4000
      try add(whole, nll: 100, peak: 0.9, pace: pace, to: &state)
      state.idleEffort = .infinity
      return trial(schedule.next(&state, elapsed: 0))?.stepCount
    }
    // 8 trainings, or 4 twice as long, 2 four times, or 1: 2 e / S is 0.25, 0.5, 1, 2 nats (and 2 / 9 without, for one is there).
    #expect(try next(gain: 0.5, trainings: 8) == nil)
    #expect(try next(gain: 0.6, trainings: 8) == 8000)
    #expect(try next(gain: 1.9, trainings: 8) == 8000)
    #expect(try next(gain: 2.1, trainings: 8) == 16_000)
    // No training takes longer than there is time for.
    #expect(try next(gain: 100, trainings: 8) == 16_000)
    #expect(try next(gain: -1) == nil)
    #expect(try next(gain: 100, trainings: 1) == nil)
  }

  @Test("while others train the best for longer, the next best of as many steps is")
  func rivals() throws {
    var state = state()
    let first = Recipe.first(stepCount: 4000)
    for (index, recipe) in first.enumerated() {
      try add(recipe, nll: 2 + Double(index), peak: 0.9, pace: 0.0005, to: &state)
    }
    state.idleEffort = .infinity
    state.workersRunning = 3
    for recipe in first.prefix(3) {
      var longer = recipe
      longer.stepCount = 8000
      #expect(trial(schedule.next(&state, elapsed: 1)) == longer)
    }
    #expect(isMember(schedule.next(&state, elapsed: 1)))
    // When all are done, and none was better, there are members.
    for recipe in first.prefix(3) {
      var longer = recipe
      longer.stepCount = 8000
      try add(longer, nll: 20, to: &state)
    }
    #expect(isMember(schedule.next(&state, elapsed: 1)))
  }

  @Test("what is long enough lets no other be trained for longer")
  func noRivals() throws {
    var state = state()
    let first = Recipe.first(stepCount: 4000)
    try add(first[0], nll: 2, peak: 0.5, pace: 0.0005, to: &state)
    try add(first[1], nll: 3, peak: 0.9, pace: 0.0005, to: &state)
    state.idleEffort = .infinity
    state.runningTrials = 2
    #expect(isMember(schedule.next(&state, elapsed: 1)))
  }

  @Test("while a lost network is made again, nothing else takes its place")
  func lostNetwork() throws {
    var state = state()
    let first = Recipe.first(stepCount: 1000)
    for (index, recipe) in first.enumerated() { try add(recipe, nll: 2 + Double(index), to: &state) }
    state.best = nil
    state.runningTrials = 1
    guard case .wait = schedule.next(&state, elapsed: 60) else {
      Issue.record("another recipe is tried")
      return
    }
  }

  @Test("of two trials that are alike it does not matter which one ends first")
  func ties() throws {
    let first = Recipe.first(stepCount: 4000)
    let best = try [[first[0], first[1]], [first[1], first[0]]].map { recipes in
      var state = state()
      for recipe in recipes { try add(recipe, nll: 2, to: &state) }
      return state.best?.recipe
    }
    #expect(best[0] != nil && best[0] == best[1])
  }

  @Test("a network is tried however long baselines took")
  func lateBeginning() throws {
    var state = state()
    guard case .trial(let recipe, until: let end) = schedule.next(&state, elapsed: 60) else {
      Issue.record("no network")
      return
    }
    #expect(recipe == Recipe.first(stepCount: 1000)[0] && end == 94)
    // With a network the time for recipes is over.
    state.runningTrials = 0
    try add(recipe, nll: 2, to: &state)
    #expect(isMember(schedule.next(&state, elapsed: 61)))
  }

  @Test("of pictures the order of the pixels is tried first, and length after the search")
  func pictures() throws {
    let data = DataSplits(
      name: "pictures", train: TrainingCase.chain(rowCount: 1000, variableCount: 4, seed: 1),
      validation: TrainingCase.chain(rowCount: 100, variableCount: 4, seed: 2),
      imageShape: ImageShape(height: 2, width: 2))
    let schedule = DensitySearch.Schedule(data, budget: 100)
    var state = state()
    let recipe = try #require(trial(schedule.next(&state, elapsed: 0)))
    #expect(recipe.isNatural && recipe.network == .nade(200, .relu))
    #expect(Set(schedule.firstRecipes(stepCount: 1000)) == Set(Recipe.first(stepCount: 1000)))
    try add(recipe, nll: 2, peak: 0.9, to: &state)
    var count = 0
    while case .trial(let next, until: let end) = schedule.next(&state, elapsed: 0), end < 50 {
      #expect(next.stepCount <= 1000)
      state.runningTrials -= 1
      count += 1
    }
    #expect(count > 10)
  }

  @Test("where a training does not see every row, nothing is distilled")
  func manyRows() throws {
    let many = DataSplits(
      name: "many", train: BinaryMatrix(rowCount: 1_000_000, columnCount: 4),
      validation: BinaryMatrix(rowCount: 10, columnCount: 4))
    let schedule = DensitySearch.Schedule(many, budget: 100)
    var state = state()
    let best = Recipe.first(stepCount: 4000)[0]
    try add(best, nll: 2, peak: 0.9, pace: 0.0005, to: &state)
    state.idleEffort = .infinity
    // So members have until 94; six of 4 seconds are enough.
    #expect(schedule.end(state) == 94)
    var late = state
    #expect(trial(schedule.next(&state, elapsed: 69.9))?.stepCount == 8000)
    #expect(isMember(schedule.next(&late, elapsed: 70.1)))
  }

  @Test("where rows are drawn anew, nothing is distilled")
  func rowsDrawnAnew() throws {
    let data = try TrainingCase.dynamicData()
    let fixed = DataSplits(name: "fixed", train: data.train, validation: data.validation)
    func end(_ data: DataSplits) throws -> Double {
      var state = state()
      try add(Recipe.first(stepCount: 4000)[0], nll: 2, peak: 0.9, to: &state)
      return DensitySearch.Schedule(data, budget: 100).end(state)
    }
    #expect(try end(data) == 94 && end(fixed) == 69)
  }

  @Test("the last members are trained for what time there is")
  func lastMembers() throws {
    var state = state()
    try add(Recipe.first(stepCount: 4000)[0], nll: 2, pace: 0.005, to: &state)
    state.idleEffort = .infinity
    func next(_ elapsed: Double) -> (steps: Int, number: Int, isShortened: Bool)? {
      guard case .member(let recipe, _, let number, let isShortened) = schedule.next(&state, elapsed: elapsed)
      else { return nil }
      return (recipe.stepCount, number, isShortened)
    }
    // 20 seconds a member, and the last is to be done after 94: there is no time to distil.
    #expect(try #require(next(50)) == (4000, 1, false))
    #expect(try #require(next(84)) == (1800, 0, true))
    #expect(next(91) == nil)
  }

  @Test("a search that goes on trains for its share of the time that it is given anew")
  func goingOn() throws {
    let more = DensitySearch.Schedule(Self.data, budget: 100, used: 90)
    var state = state()
    try add(Recipe.first(stepCount: 4000)[0], nll: 2, pace: 0.001, to: &state)
    state.idleEffort = .infinity
    guard case .member(_, _, _, isShortened: false) = more.next(&state, elapsed: 91) else {
      Issue.record("no member")
      return
    }
    let isOver = more.next(&state, elapsed: 99) == nil
    #expect(isOver)
  }

  @Test("where a small file is wanted, recipes have as many units as it has room for")
  func smallFile() throws {
    var state = state()
    let nade = try #require(Recipe.first(stepCount: 1000).first)
    func byteCount(_ units: Int) throws -> Int {
      var recipe = nade
      recipe.network = .nade(units, .relu)
      let model = try recipe.model(variableCount: 4, imageShape: nil, order: 0, seed: 0, weightSeed: 0)
      return try Checkpoint(model: model).byteCount(inHalfPrecision: true)
    }
    let small = DensitySearch.Schedule(Self.data, budget: 100, byteLimit: try byteCount(50))
    let first = try #require(trial(small.next(&state, elapsed: 1)))
    #expect(first.network == .nade(50, .relu) && first.weightDecay == nade.weightDecay)
    let tiny = DensitySearch.Schedule(Self.data, budget: 100, byteLimit: try byteCount(1))
    var empty = self.state()
    let isOver = tiny.next(&empty, elapsed: 1) == nil
    #expect(isOver)
  }

  @Test("a number that was lost is given again")
  func lostNumbers() throws {
    var state = state()
    try add(Recipe.first(stepCount: 4000)[0], nll: 2, to: &state)
    state.idleEffort = .infinity
    state.memberNumbers = [[1], [0, 1]]
    guard case .member(_, let order, let number, _) = schedule.next(&state, elapsed: 1) else {
      Issue.record("no member")
      return
    }
    #expect(order == 0 && number == 0 && state.memberNumbers[0] == [1, 0])
  }

  @Test("a stopped search does nothing more")
  func stopped() {
    var state = state()
    state.isStopped = true
    let isOver = schedule.next(&state, elapsed: 1) == nil
    #expect(isOver)
  }
}
