/// Searches the most probable rows along an ordering, by prefixes: no row is more probable than what its first values are.
///
/// Prefixes of one length are walked side by side. At each unknown variable every prefix has two children; the most probable
/// ones, as many as the beam is wide, go on, and those left over wait at their position. First beams are walked, each four
/// times as wide as the one before, whose left-over prefixes are forgotten; they take half of the effort at the most.
/// Where a forgotten one might still beat the rows found, beam after beam follows whose left-over prefixes wait, each
/// beginning with the most probable prefix that waits and taking up others on its way where there is room, until none is
/// left that might be better. So every prefix is walked at most once more, and with the best row found early none is that
/// a search in the order of the prefixes' probabilities would not walk.
///
/// As many prefixes may wait as memory allows. Beyond that each beam begins at the last position where any wait: then no
/// more than a beam's width is added to any position behind it.
///
/// - Source: beams that are completed, Zhang, AAAI 1998; a memory bound by going back, Zhou & Hansen, ICAPS 2005.
struct PrefixSearch {
  /// A prefix that waits at a position, all its values but the last known to the cursor.
  struct Waiting: Sendable {
    let words: [UInt64]
    let lastValue: Bool
    let snapshot: CursorSnapshot
  }

  /// A prefix that a walked one may become.
  struct Child {
    let parent: Int
    let value: Bool
    let logProbability: Double
  }

  let source: any CursorSource
  let evaluator: Evaluator
  let evidence: [Bool?]
  let options: ModeSearch.Options
  var candidates: ModeSearchCandidates

  var width: Int
  let cursor: any Cursor
  /// The walked prefixes: their values, packed, one after another, and log p of each.
  var words: [UInt64] = []
  var logProbabilities: [Double] = []
  /// What waits at each position.
  var waiting: [MaxHeap<Waiting>]
  var waitingCount = 0
  /// The largest log p of a prefix that was given up.
  var forgotten = -Double.infinity
  var nodeCount = 0
  /// Whether `observe` ended the search, and whether a limit did.
  var (isStopped, isExhausted) = (false, false)

  /// - Parameters:
  ///   - source: walks the density.
  ///   - evaluator: gives the density's own log p.
  ///   - evidence: the known values.
  ///   - count: how many rows are wanted.
  init(
    _ source: any CursorSource, _ evaluator: Evaluator, _ evidence: [Bool?], count: Int,
    _ options: ModeSearch.Options
  ) {
    self.source = source
    self.evaluator = evaluator
    self.evidence = evidence
    self.options = options
    candidates = ModeSearchCandidates(count: count)
    width = max(options.beamWidth, count)
    cursor = source.cursor(rowCount: 1)
    waiting = Array(repeating: MaxHeap(), count: evidence.count)
  }

  var wordsPerRow: Int { (evidence.count + 63) / 64 }

  /// What log p of a prefix must reach to lead to a row of interest, whichever way figures are rounded.
  var threshold: Double { candidates.least - ModeSearch.slack(candidates.least) }

  /// Whether a prefix may still lead to a row of interest.
  private func isOpen(_ logProbability: Double) -> Bool {
    logProbability >= threshold && logProbability > -.infinity
  }

  /// Returns the most probable rows, or the best found until a limit was met; nil if it was stopped before there were any.
  mutating func run(
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    var open = try walkBeams(observe)
    if isOpen(open) && !isStopped && nodeCount < options.nodeLimit {
      // Either bounds all rows that have not been found.
      open = min(open, try walkAll(observe))
    }
    guard !candidates.best.isEmpty else {
      if isStopped { return nil }
      guard isOpen(open) else { throw .impossibleEvidence(row: 0, onBitCount: nil) }
      throw .unsupported("no row of probability above zero is found within \(options.nodeLimit) prefixes")
    }
    let bound = isOpen(open) ? open + ModeSearch.slack(candidates.least) : -.infinity
    return candidates.modes(columnCount: evidence.count, others: bound)
  }

  /// Puts the cursor before the first variable.
  private mutating func begin() {
    cursor.resume(source.cursor(rowCount: 1).snapshot([0]))
    words = Array(repeating: 0, count: wordsPerRow)
    logProbabilities = [0]
  }

  /// Walks wider and wider beams; returns the largest log p of a prefix that the best of them forgot.
  private mutating func walkBeams(
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Double {
    let first = width
    defer { width = first }
    var open = 0.0
    repeat {
      forgotten = -.infinity
      begin()
      try walk(keepsAll: false, observe)
      open = min(open, forgotten)
      width *= 4
    } while isOpen(open) && !isStopped && isAffordable(width)
    return open
  }

  /// Whether a beam of a width takes no more than half of what is left to be spent, and a quarter of the memory.
  private func isAffordable(_ width: Int) -> Bool {
    let mostNodes = (options.nodeLimit - nodeCount) / 2
    return width <= min(mostNodes / evidence.count, options.memoryLimit / 4 / max(1, cursor.stateByteCount))
  }

  /// Walks beams until nothing waits that might be better, or a limit is met; returns the largest log p of a prefix that
  /// was not walked on.
  private mutating func walkAll(
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Double {
    forgotten = -.infinity
    let byteCount = cursor.stateByteCount + 8 * wordsPerRow + 160
    let mostWaiting = options.memoryLimit / byteCount
    width = max(1, min(width, mostWaiting / 2 / evidence.count))
    let spare = width * evidence.count
    begin()
    repeat {
      try walk(keepsAll: true, observe)
    } while resume(isMemoryShort: waitingCount + spare > mostWaiting)
    return waiting.reduce(forgotten) { max($0, $1.largest) }
  }

  /// Takes up the prefixes to begin the next beam with; returns whether there are any, and the search is to go on.
  private mutating func resume(isMemoryShort: Bool) -> Bool {
    guard !isStopped && !isExhausted else { return false }
    let least = threshold
    for position in waiting.indices where !waiting[position].isEmpty && waiting[position].largest < least {
      waitingCount -= waiting[position].count
      waiting[position].removeAll()
    }
    let positions = waiting.indices.filter { !waiting[$0].isEmpty }
    let start =
      isMemoryShort ? positions.last : positions.max { waiting[$0].largest < waiting[$1].largest }
    guard let start else { return false }
    let nodes = take(width, from: start)
    cursor.resume(nodes.map(\.value.snapshot))
    words = nodes.flatMap(\.value.words)
    logProbabilities = nodes.map(\.key)
    cursor.advance(nodes.map(\.value.lastValue))
    return true
  }

  /// Takes the most probable of the prefixes that wait at a position, as far as they are of interest.
  mutating func take(_ count: Int, from position: Int) -> [(key: Double, value: Waiting)] {
    let least = threshold
    var taken: [(key: Double, value: Waiting)] = []
    while taken.count < count, waiting[position].largest >= least,
      let node = waiting[position].popLargest()
    {
      taken.append(node)
    }
    waitingCount -= taken.count
    return taken
  }
}
