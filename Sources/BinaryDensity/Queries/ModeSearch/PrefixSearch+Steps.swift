import Essentials

extension PrefixSearch {
  /// Walks the present prefixes to the end, and looks at the rows that they become.
  ///
  /// - Parameter keepsAll: whether prefixes left over wait to be walked on, and the limit on nodes counts.
  mutating func walk(
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
        let term = orImpossible(min(value ? z : -z, 0) - tail)
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
