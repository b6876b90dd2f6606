import Essentials

/// Searches for the most probable completion of one row under a mixture of independent variables.
///
/// Finding it is hard in general; branch and bound proves it for mixtures whose components agree on most variables, or
/// one of which outweighs the others. A node gives values to some variables, and no completion of it exceeds
///
///     Σ_k w_k · p_k(x_known) · Π_{given} p_k(x_i) · Π_{others} max_a p_k(x_i = a)
///
/// Variables on which no two components disagree take the value of all. The others branch in a fixed order: first those
/// that lower the bound most. Depth first, the child with the larger bound first; the best of some local maxima is what
/// has to be beaten from the start.
///
/// - Complexity: O(K) a node, O(K · D) memory.
/// - Source: Land & Doig, Econometrica 28, 1960; local maxima by expectation maximisation over x, as in
///   Carreira-Perpiñán, IEEE Trans. PAMI 22, 2000.
struct MixtureModeSearch {
  private let tables: BernoulliTables
  /// The row with all values that are certain.
  private var row: [Bool]
  /// The variables that branch.
  private var branching: [Int] = []
  /// The first K: the terms of the bound at the root; behind them those at each depth of the present path.
  private var terms: [WideDouble]
  /// By how much a term shrinks if the d-th branching variable has the value a, at (2·d + a) · K + k.
  ///
  /// One of each pair is 1.
  private var shrinkage: [Double] = []

  private typealias Candidate = (values: [Bool], probability: WideDouble)

  /// Prepares the search of a row; nil if its probability is zero.
  init?(_ tables: BernoulliTables, _ evidence: [Bool?]) {
    self.tables = tables
    let count = tables.componentCount
    terms = tables.shares(evidence)
    row = evidence.map { $0 ?? false }
    let possible = terms.indices.filter { terms[$0] > .zero }
    guard !possible.isEmpty else { return nil }
    var undecided: [Int] = []
    for (i, value) in evidence.enumerated() where value == nil {
      let (off, on) = (tables.places(i, false).lowerBound, tables.places(i, true).lowerBound)
      var (someOff, someOn) = (false, false)
      for k in possible {
        let (p, q) = (tables.probabilities[on + k], tables.probabilities[off + k])
        someOn = someOn || p > q
        someOff = someOff || q > p
        terms[k] *= max(p, q)
      }
      row[i] = someOn
      if someOn && someOff { undecided.append(i) }
    }
    order(undecided)
    terms += Array(repeating: .zero, count: branching.count * count)
  }

  /// Orders the variables that branch by the sum of their two children's bounds.
  private mutating func order(_ undecided: [Int]) {
    let bound = terms.reduce(.zero, +)
    let shares = terms.map { ($0 / bound).double }
    func shrinkage(_ i: Int, _ isOn: Bool) -> [Double] {
      zip(tables.places(i, isOn), tables.places(i, !isOn)).map {
        min(1, tables.probabilities[$0] / max(tables.probabilities[$0], tables.probabilities[$1]))
      }
    }
    let sums = undecided.map { i in
      [false, true].reduce(0.0) { sum, isOn in
        zip(shares, shrinkage(i, isOn)).reduce(sum) { $0 + $1.0 * $1.1 }
      }
    }
    branching = undecided.indices.sorted { (sums[$0], $0) < (sums[$1], $1) }.map { undecided[$0] }
    self.shrinkage = branching.flatMap { shrinkage($0, false) + shrinkage($0, true) }
  }

  /// Where the shrinkage of the terms begins.
  private func place(_ depth: Int, _ isOn: Bool) -> Int {
    (2 * depth + (isOn ? 1 : 0)) * tables.componentCount
  }

  /// Returns the most probable completion, log p, and what log p of none exceeds.
  mutating func run(nodeLimit: Int) -> (row: [Bool], logProbability: Double, logBound: Double) {
    var best = bestLocalMaximum()
    var stack: [(depth: Int, isOn: Bool, bound: WideDouble)] = []
    var values = [Bool](repeating: false, count: branching.count)
    pushChildren(depth: 0, onto: &stack)
    var visited = 0
    while let node = stack.popLast() {
      guard node.bound > best.probability else { continue }
      guard visited < nodeLimit else {
        stack.append(node)
        break
      }
      visited += 1
      values[node.depth] = node.isOn
      descend(node.depth, node.isOn)
      if node.depth + 1 == branching.count {
        best = (values, node.bound)
      } else {
        pushChildren(depth: node.depth + 1, onto: &stack)
      }
    }
    let bound = stack.reduce(best.probability) { max($0, $1.bound) }
    for (i, value) in zip(branching, best.values) { row[i] = value }
    return (row, min(0, best.probability.logarithm), min(0, bound.logarithm))
  }

  /// Computes the terms below a node's parent.
  private mutating func descend(_ depth: Int, _ isOn: Bool) {
    let count = tables.componentCount
    let factors = place(depth, isOn)
    for k in 0..<count { terms[(depth + 1) * count + k] = terms[depth * count + k] * shrinkage[factors + k] }
  }

  /// Puts both children of the present path's node on the stack, the one with the larger bound on top.
  private func pushChildren(depth: Int, onto stack: inout [(depth: Int, isOn: Bool, bound: WideDouble)]) {
    guard depth < branching.count else { return }
    let count = tables.componentCount
    let (ifOff, ifOn) = (place(depth, false), place(depth, true))
    var (off, on) = (WideDouble.zero, WideDouble.zero)
    for k in 0..<count {
      let term = terms[depth * count + k]
      off += term * shrinkage[ifOff + k]
      on += term * shrinkage[ifOn + k]
    }
    stack.append((depth, on < off ? true : false, min(off, on)))
    stack.append((depth, on < off ? false : true, max(off, on)))
  }

  // MARK: Local maxima

  /// Climbs from the modes of the sixteen components that have the largest terms, and returns the best end.
  private func bestLocalMaximum() -> Candidate {
    let count = tables.componentCount
    let starts = (0..<count).sorted { terms[$1] < terms[$0] }.prefix(16)
    var best: Candidate = ([], .zero)
    for k in starts {
      let mode = branching.indices.map { shrinkage[place($0, true) + k] >= shrinkage[place($0, false) + k] }
      let end = climbing(from: mode)
      if best.values.isEmpty || end.probability > best.probability { best = end }
    }
    return best
  }

  /// Gives each variable the value that the components prefer, weighted by their shares in p(x), until p(x) stops rising.
  private func climbing(from values: [Bool]) -> Candidate {
    var (candidate, shares) = evaluated(values)
    while true {
      let next = branching.indices.map { depth in
        let (off, on) = (place(depth, false), place(depth, true))
        var preference = 0.0
        for (k, share) in shares.enumerated() where share > 0 {
          preference += share * log(max(shrinkage[on + k], 1e-300) / max(shrinkage[off + k], 1e-300))
        }
        return preference > 0
      }
      let (nextCandidate, nextShares) = evaluated(next)
      guard nextCandidate.probability > candidate.probability else { return candidate }
      (candidate, shares) = (nextCandidate, nextShares)
    }
  }

  /// Returns values with p(x), and each component's share in it.
  private func evaluated(_ values: [Bool]) -> (Candidate, shares: [Double]) {
    var products = Array(terms[..<tables.componentCount])
    for (depth, value) in values.enumerated() {
      let factors = place(depth, value)
      for k in products.indices { products[k] *= shrinkage[factors + k] }
    }
    let total = products.reduce(.zero, +)
    let shares = total > .zero ? products.map { ($0 / total).double } : []
    return ((values, total), shares)
  }
}
