import Essentials

/// What a search knows besides its networks: all that it needs to go on.
///
/// While a search runs it stands in its folder, as `search.json`, beside the networks; in the end in the metadata of the
/// checkpoint, whose networks are those of the search. FORMAT.md says what its fields mean.
package struct SearchRecord: Codable, Equatable, Sendable {
  /// The version of this format.
  var version = Self.currentVersion
  package let seed: UInt64
  /// What the rows were, the held-out ones included.
  package let data: DataFingerprint
  /// The groups of columns that its networks keep, columns counted from 0; nil if they keep none.
  let groups: [[Int]]?
  /// All the time that it was given, in seconds.
  package let budget: Double
  /// The time that it has used, in seconds.
  package let seconds: Double
  /// How many steps a whole training of a first recipe has.
  let stepCount: Int
  let trials: [DensitySearch.Trial]
  let failures: [Recipe]
  /// The numbers of the networks that each order of the best recipe has; those in training are not among them.
  let memberNumbers: [[Int]]
  /// How many members an order should have for each order there is, if that has been measured.
  let depth: Double?
  /// What has been trained, in order.
  package let tries: [DensitySearch.Entry]
  /// Whether the figures of networks are estimates, for cells of the validation rows are missing; nil if not.
  package let estimatesFigures: Bool?
  /// The networks that are in the folder; none in a checkpoint.
  package var networks: [SavedNetwork] = []

  static let currentVersion = 1

  /// A network in a search's folder.
  package struct SavedNetwork: Codable, Equatable, Sendable {
    /// The number in the name of its file.
    package let file: Int
    package let recipe: Recipe
    package let order: Int
    package let number: Int
    package let nll: Double
    package let isComplete: Bool
    /// Whether it is a member, not the network of the best trial.
    package let isMember: Bool
  }

  /// The record as JSON, in one line.
  var text: String { Checkpoint.encode(self) }

  /// Reads a record.
  ///
  /// - Parameters:
  ///   - text: the JSON.
  ///   - path: the file that it is from, for errors.
  /// - Throws: `DensityError.malformed` for what is none, and what no search can have written.
  init(_ text: String, path: String) throws(DensityError) {
    let anew = "leave --resume out to begin anew"
    guard let record: SearchRecord = try? decodeJSON(text) else {
      throw .malformed(
        path: path, at: .field("search"), expected: "the record of a search",
        found: "\(text.prefix(40).debugDescription)\(text.count > 40 ? "…" : ""); \(anew)")
    }
    if let problem = record.problem {
      throw .malformed(
        path: path, at: .field("search"), expected: "the record of a search", found: "\(problem); \(anew)")
    }
    self = record
  }

  init(
    seed: UInt64, data: DataFingerprint, groups: ColumnGroups? = nil, budget: Double, seconds: Double,
    estimatesFigures: Bool = false, _ state: DensitySearch.State
  ) {
    self.seed = seed
    self.data = data
    self.groups = groups?.groups
    self.budget = budget
    self.seconds = seconds
    stepCount = state.stepCount
    trials = state.trials
    failures = state.failures
    memberNumbers = state.memberNumbers.enumerated().map { order, numbers in
      numbers.filter { !state.runningMembers.contains([order, $0]) }
    }
    depth = state.depth
    self.estimatesFigures = estimatesFigures ? true : nil
    tries = state.tries
  }

  /// Whether what stands at a path was written by the search that this is the record of.
  func isOfSearch(writing path: String) -> Bool {
    guard let text = try? CheckpointOutline(contentsOf: path).checkpoint.search,
      let other = try? SearchRecord(text, path: path)
    else { return false }
    return other.seed == seed && other.data.describesTheSameData(as: data)
  }

  /// Whether the search learnt from these rows, the ones that it held out of them included.
  ///
  /// - Throws: what reading rows throws that are not held in memory.
  package func isOfSearch(on rows: DataSplits) throws(DensityError) -> Bool {
    if rows.fingerprint.describesTheSameData(as: data) { return true }
    guard rows.validation == nil else { return false }
    return try rows.holdingOutValidation(seed: seed).fingerprint.describesTheSameData(as: data)
  }

  /// What is wrong with the numbers, or nil.
  private var problem: String? {
    if version != Self.currentVersion { return "version \(version)" }
    let counts = 0...1_000_000_000
    if !counts.contains(stepCount) { return "\(stepCount) steps" }
    let recipes = trials.map(\.recipe) + failures + networks.map(\.recipe)
    if let recipe = recipes.first(where: { !$0.isPossible }) { return "a recipe of \(recipe)" }
    let durations = [budget, seconds] + trials.map(\.secondsPerStep)
    if let duration = durations.first(where: { !($0 >= 0 && $0 < 1e10) }) { return "a time of \(duration) s" }
    let places = networks.flatMap { [$0.file, $0.order, $0.number] } + memberNumbers.flatMap(\.self)
    if let place = places.first(where: { !counts.contains($0) }) { return "the number \(place)" }
    if let depth, !(depth > 0) { return "a depth of \(depth)" }
    return memberNumbers.isEmpty ? "no orders" : nil
  }
}

extension Checkpoint {
  /// What the search knows that has found the model; nil of any other model.
  package var searchRecord: SearchRecord? { search.flatMap { try? SearchRecord($0, path: "") } }

  /// The recipe that the search which has found the model found best; nil of any other model.
  public var bestRecipe: Recipe? { searchRecord?.trials.min()?.recipe }
}
