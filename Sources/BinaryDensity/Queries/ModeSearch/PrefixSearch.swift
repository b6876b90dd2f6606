import Foundation

/// Searches the most probable rows along an ordering, by prefixes: no row is more probable than what its first values are.
///
/// Prefixes of one length are walked side by side. At each unknown variable every prefix has two children; the most probable
/// ones, as many as the beam is wide, go on, and those left over wait at their position. First a beam is walked whose
/// left-over prefixes are forgotten. Where one of them might still beat the rows found, beam after beam follows whose
/// left-over prefixes wait, each beginning with the most probable prefix that waits and taking up others on its way where
/// there is room, until none is left that might be better. So every prefix is walked at most once more, and with the best
/// row found early none is that a search in the order of the prefixes' probabilities would not walk.
///
/// As many prefixes may wait as memory allows. Beyond that each beam begins at the last position where any wait: then no more
/// than a beam's width is added to any position behind it.
///
/// - Source: beams that are completed, Zhang, AAAI 1998; a memory bound by going back, Zhou & Hansen, ICAPS 2005.
struct PrefixSearch {
  /// A prefix that waits at a position, all its values but the last known to the cursor.
  private struct Waiting: Sendable {
    let words: [UInt64]
    let lastValue: Bool
    let snapshot: CursorSnapshot
  }

  /// A prefix that a walked one may become.
  private struct Child {
    let parent: Int
    let value: Bool
    let logProbability: Double
  }

  private let source: any CursorSource
  private let evaluator: Evaluator
  private let evidence: [Bool?]
  private let options: ModeSearch.Options
  private var candidates: ModeSearchCandidates

  private var width: Int
  private let cursor: any Cursor
  /// The walked prefixes: their values, packed, one after another, and log p of each.
  private var words: [UInt64] = []
  private var logProbabilities: [Double] = []
  /// What waits at each position.
  private var waiting: [MaxHeap<Waiting>]
  private var waitingCount = 0
  /// The largest log p of a prefix that was given up.
  private var forgotten = -Double.infinity
  private var nodeCount = 0
  /// Whether `observe` ended the search, and whether a limit did.
  private var (isStopped, isExhausted) = (false, false)

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

  private var wordsPerRow: Int { (evidence.count + 63) / 64 }

  /// What log p of a prefix must reach to lead to a row of interest, whichever way figures are rounded.
  private var threshold: Double { candidates.least - ModeSearch.slack(candidates.least) }

  /// Whether a prefix may still lead to a row of interest.
  private func isOpen(_ logProbability: Double) -> Bool {
    logProbability >= threshold && logProbability > -.infinity
  }

  /// Returns the most probable rows, or the best found until a limit was met; nil if it was stopped before there were any.
  mutating func run(
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    begin()
    try walk(keepsAll: false, observe)
    if isOpen(forgotten) && !isStopped && nodeCount < options.nodeLimit {
      forgotten = -.infinity
      try walkAll(observe)
    }
    let open = waiting.reduce(forgotten) { max($0, $1.largest) }
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

  /// Walks beams until nothing waits that might be better, or a limit is met.
  private mutating func walkAll(
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    let byteCount = cursor.stateByteCount + 8 * wordsPerRow + 160
    let mostWaiting = options.memoryLimit / byteCount
    width = max(1, min(width, mostWaiting / 2 / evidence.count))
    let spare = width * evidence.count
    begin()
    repeat {
      try walk(keepsAll: true, observe)
    } while resume(isMemoryShort: waitingCount + spare > mostWaiting)
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
  private mutating func take(_ count: Int, from position: Int) -> [(key: Double, value: Waiting)] {
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

  /// Walks the present prefixes to the end, and looks at the rows that they become.
  ///
  /// - Parameter keepsAll: whether prefixes left over wait to be walked on, and the limit on nodes counts.
  private mutating func walk(
    keepsAll: Bool, _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) {
    while cursor.position < evidence.count && !logProbabilities.isEmpty {
      let spent = Double(nodeCount) / Double(max(options.nodeLimit, 1))
      isStopped = try !observe(min(spent, 1))
      isExhausted = keepsAll && nodeCount >= options.nodeLimit
      if isStopped || isExhausted {
        forgotten = logProbabilities.reduce(forgotten, max)
        return
      }
      nodeCount += logProbabilities.count
      step(keepsAll: keepsAll)
    }
    guard !logProbabilities.isEmpty else { return }
    let rows = BinaryMatrix(
      rowCount: logProbabilities.count, columnCount: evidence.count, words: words)
    let exact = try evaluator.logProbabilities(of: rows) { (_) throws(DensityError) in true }
    if let exact { candidates.add(rows, exact) }
  }

  /// Prolongs the walked prefixes by a variable.
  private mutating func step(keepsAll: Bool) {
    let position = cursor.position
    let variable = source.ordering.variables[position]
    var children = children(of: variable)
    if children.count > width {
      children.sort {
        ($1.logProbability, $0.parent, $0.value ? 1 : 0) < ($0.logProbability, $1.parent, $1.value ? 1 : 0)
      }
      let rest = children[width...]
      if keepsAll {
        park(rest, at: position)
      } else {
        forgotten = max(forgotten, rest[width].logProbability)
      }
      children.removeSubrange(width...)
    }
    let others = keepsAll ? take(width - children.count, from: position) : []
    let parents = children.map(\.parent)
    if !others.isEmpty {
      cursor.resume(
        (parents.isEmpty ? [] : cursor.snapshot(parents)) + others.map(\.value.snapshot))
    } else if parents != Array(logProbabilities.indices) {
      cursor.select(parents)
    }
    words = children.flatMap { words(of: $0, variable) } + others.flatMap(\.value.words)
    logProbabilities = children.map(\.logProbability) + others.map(\.key)
    cursor.advance(children.map(\.value) + others.map(\.value.lastValue))
  }

  /// The prefixes that the walked ones become by a value of their next variable, as far as they are of interest.
  private func children(of variable: Int) -> [Child] {
    var logits = [Float](repeating: 0, count: logProbabilities.count)
    cursor.nextLogits(into: &logits)
    let known = evidence[variable]
    let least = threshold
    var children: [Child] = []
    children.reserveCapacity(2 * logits.count)
    for (parent, logit) in logits.enumerated() {
      let z = Double(logit)
      let tail = log1p(exp(-abs(z)))
      for value in [false, true] where known == nil || known == value {
        let term = min(value ? z : -z, 0) - tail
        // Where nothing is known of a conditional, it is at most 1.
        let logProbability = logProbabilities[parent] + (term.isNaN ? 0 : term)
        if logProbability >= least && logProbability > -.infinity {
          children.append(Child(parent: parent, value: value, logProbability: logProbability))
        }
      }
    }
    return children
  }

  /// Lets children wait.
  private mutating func park(_ children: ArraySlice<Child>, at position: Int) {
    let variable = source.ordering.variables[position]
    let parents = Array(Set(children.map(\.parent))).sorted()
    let snapshots = Dictionary(uniqueKeysWithValues: zip(parents, cursor.snapshot(parents)))
    for child in children {
      guard let snapshot = snapshots[child.parent] else { continue }
      let node = Waiting(words: words(of: child, variable), lastValue: child.value, snapshot: snapshot)
      waiting[position].insert(node, key: child.logProbability)
    }
    waitingCount += children.count
  }

  /// The packed values of a child.
  private func words(of child: Child, _ variable: Int) -> [UInt64] {
    var row = Array(words[child.parent * wordsPerRow..<(child.parent + 1) * wordsPerRow])
    if child.value { row[variable / 64] |= 1 << UInt64(variable % 64) }
    return row
  }
}
