/// The most probable rows that a search has met so far, each once.
///
/// They are ordered by log p, the largest first; of equally probable rows that one is first which is off in the first
/// column where they differ.
struct ModeSearchCandidates: Sendable {
  /// A row, packed, and log p of it in nats.
  struct Candidate: Sendable {
    let words: [UInt64]
    let logProbability: Double
  }

  /// How many rows are wanted.
  let count: Int
  /// The best rows so far, at most `count`.
  private(set) var best: [Candidate] = []

  /// - Precondition: `count > 0`.
  init(count: Int) {
    precondition(count > 0, "\(count) most probable rows were asked for")
    self.count = count
  }

  /// What log p a row must reach to be of interest; −∞ as long as there are fewer rows than wanted.
  var least: Double { best.count < count ? -.infinity : best[count - 1].logProbability }

  /// Takes the rows that belong to the best; those of probability zero never do.
  ///
  /// - Returns: whether any does.
  @discardableResult
  mutating func add(_ rows: BinaryMatrix, _ logProbabilities: [Double]) -> Bool {
    var isNews = false
    for (row, logProbability) in logProbabilities.enumerated()
    where logProbability >= least && orImpossible(logProbability) > -.infinity {
      let words = Array(rows.words[row * rows.wordsPerRow..<(row + 1) * rows.wordsPerRow])
      if add(Candidate(words: words, logProbability: logProbability)) { isNews = true }
    }
    return isNews
  }

  private mutating func add(_ candidate: Candidate) -> Bool {
    var place = best.count
    while place > 0, Self.precedes(candidate, best[place - 1]) { place -= 1 }
    // Equal rows have equal log p, unless they were computed in other company, which may round otherwise.
    guard place < count, !best.contains(where: { $0.words == candidate.words }) else { return false }
    best.insert(candidate, at: place)
    if best.count > count { best.removeLast() }
    return true
  }

  private static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
    guard a.logProbability == b.logProbability else { return a.logProbability > b.logProbability }
    for (first, second) in zip(a.words, b.words) where first != second {
      let column = (first ^ second).trailingZeroBitCount
      return first >> UInt64(column) & 1 == 0
    }
    return false
  }

  /// The rows.
  func rows(columnCount: Int) -> BinaryMatrix {
    BinaryMatrix(rowCount: best.count, columnCount: columnCount, words: best.flatMap(\.words))
  }

  /// The rows as modes, where no other row is more probable than a bound says.
  func modes(columnCount: Int, others bound: Double) -> Modes {
    Modes(
      rows: rows(columnCount: columnCount), logProbabilities: best.map(\.logProbability),
      logBounds: best.map { max($0.logProbability, min(0, bound)) })
  }
}

/// Values of which the largest can be taken at any time.
struct MaxHeap<Value: Sendable>: Sendable {
  private var items: [(key: Double, value: Value)] = []

  var count: Int { items.count }
  var isEmpty: Bool { items.isEmpty }
  /// The largest key; −∞ if there is none.
  var largest: Double { items.first?.key ?? -.infinity }

  /// - Complexity: O(log n).
  mutating func insert(_ value: Value, key: Double) {
    items.append((key, value))
    var child = items.count - 1
    while child > 0, items[(child - 1) / 2].key < items[child].key {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes out the value with the largest key.
  ///
  /// - Complexity: O(log n).
  mutating func popLargest() -> (key: Double, value: Value)? {
    guard let last = items.popLast() else { return nil }
    guard let first = items.first else { return last }
    items[0] = last
    var parent = 0
    while 2 * parent + 1 < items.count {
      var child = 2 * parent + 1
      if child + 1 < items.count, items[child].key < items[child + 1].key { child += 1 }
      guard items[parent].key < items[child].key else { break }
      items.swapAt(parent, child)
      parent = child
    }
    return first
  }

  mutating func removeAll() { items = [] }
}
