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
    state.idleEffort = 8
    guard case .member(let recipe, _, _, _) = schedule.next(&state, elapsed: 1) else {
      Issue.record("the search goes on without a gain")
      return
    }
    #expect(recipe == state.best?.recipe)
  }

  @Test("the best recipe is trained for longer where there is time for many members of that")
  func longerTraining() throws {
    var state = state()
    let best = Recipe.first(stepCount: 4000)[0]
    // 4 seconds a member of twice the steps; twelve of them are done by 69 if they begin by 21.
    try add(best, nll: 2, peak: 0.9, pace: 0.0005, to: &state)
    state.idleEffort = 8
    var longer = best
    longer.stepCount = 8000
    var late = state
    guard case .trial(longer, until: let end) = schedule.next(&state, elapsed: 21) else {
      Issue.record("not for longer")
      return
    }
    #expect(abs(end - 69) < 1e-9)
    func isMember(_ state: inout State, elapsed: Double) -> Bool {
      if case .member = schedule.next(&state, elapsed: elapsed) { true } else { false }
    }
    #expect(isMember(&late, elapsed: 21.1))
    #expect(isMember(&state, elapsed: 21))
    // What was at its best early is long enough.
    var early = self.state()
    try add(best, nll: 2, peak: 0.7, pace: 0.0005, to: &early)
    early.idleEffort = 8
    #expect(isMember(&early, elapsed: 1))
  }

  @Test("where a training does not see every row, longer ones are worth more than members and distillation")
  func manyRows() throws {
    let many = DataSplits(
      name: "many", train: BinaryMatrix(rowCount: 1_000_000, columnCount: 4),
      validation: BinaryMatrix(rowCount: 10, columnCount: 4))
    let schedule = DensitySearch.Schedule(many, budget: 100)
    var state = state()
    let best = Recipe.first(stepCount: 4000)[0]
    try add(best, nll: 2, peak: 0.9, pace: 0.0005, to: &state)
    state.idleEffort = 8
    // There is no distillation, so that members have until 94; three of 4 seconds are enough.
    #expect(schedule.end(state) == 94)
    var late = state
    guard case .trial(let longer, _) = schedule.next(&state, elapsed: 81.9) else {
      Issue.record("not for longer")
      return
    }
    #expect(longer.stepCount == 8000)
    if case .trial = schedule.next(&late, elapsed: 82.1) { Issue.record("for longer, too late") }
  }

  @Test("where rows are drawn anew, longer trainings need half as many members, and nothing is distilled")
  func rowsDrawnAnew() throws {
    let data = try TrainingCase.dynamicData()
    let fixed = DataSplits(name: "fixed", train: data.train, validation: data.validation)
    /// Whether a training of 4 seconds is made longer, to 8, after so many of 100 seconds.
    func goesLonger(_ data: DataSplits, end: Double, elapsed: Double) throws -> Bool {
      var state = state()
      let recipe = Recipe.first(stepCount: 4000)[0]
      try add(recipe, nll: 2, peak: 0.9, to: &state)
      state.idleEffort = 8
      let schedule = DensitySearch.Schedule(data, budget: 100)
      #expect(schedule.end(state) == end)
      if case .trial = schedule.next(&state, elapsed: elapsed) { return true }
      return false
    }
    // Six of 8 seconds, until 94.
    #expect(try goesLonger(data, end: 94, elapsed: 45))
    #expect(try !goesLonger(data, end: 94, elapsed: 47))
    // Twelve of 8 seconds are more than there is.
    #expect(try !goesLonger(fixed, end: 69, elapsed: 0))
  }

  @Test("the last members are trained for what time there is")
  func lastMembers() throws {
    var state = state()
    try add(Recipe.first(stepCount: 4000)[0], nll: 2, pace: 0.005, to: &state)
    state.idleEffort = 8
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
    state.idleEffort = 8
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
    state.idleEffort = 8
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
