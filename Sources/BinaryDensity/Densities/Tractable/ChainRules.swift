import Kernels

/// Independent variables: the logits are what they are.
///
/// - Complexity: O(1) a step; no state.
struct BernoulliChainRule: ChainRule {
  let ordering: Ordering
  private let logits: [Float]

  init(_ density: IndependentBernoulli, along ordering: Ordering) {
    self.ordering = ordering
    logits = density.logits.elements
  }

  var initialState: [WideDouble] { [] }

  func logit(at position: Int, _ numbers: [WideDouble], _ start: Int) -> Double {
    Double(logits[ordering.variables[position]])
  }

  func advance(at position: Int, _ isOn: Bool, _ numbers: inout [WideDouble], _ start: Int) {}
}

/// A mixture of independent variables, whose components' shares a row keeps: w_k · p_k(x_o(<i)).
///
/// - Complexity: O(K) a step, and K numbers a row.
struct MixtureChainRule: ChainRule {
  let ordering: Ordering
  private let tables: BernoulliTables

  init(_ tables: BernoulliTables, along ordering: Ordering) {
    self.ordering = ordering
    self.tables = tables
  }

  var initialState: [WideDouble] { tables.weights }

  func logit(at position: Int, _ numbers: [WideDouble], _ start: Int) -> Double {
    let i = ordering.variables[position]
    let (ifOff, ifOn) = (tables.places(i, false).lowerBound, tables.places(i, true).lowerBound)
    var (off, on) = (WideDouble.zero, WideDouble.zero)
    for k in 0..<tables.componentCount {
      off += numbers[start + k] * tables.probabilities[ifOff + k]
      on += numbers[start + k] * tables.probabilities[ifOn + k]
    }
    return (on / off).logarithm
  }

  func advance(at position: Int, _ isOn: Bool, _ numbers: inout [WideDouble], _ start: Int) {
    let place = tables.places(ordering.variables[position], isOn).lowerBound
    for k in 0..<tables.componentCount { numbers[start + k] *= tables.probabilities[place + k] }
  }
}

/// A table of probabilities: a row's number is the node of a binary tree that its values so far lead to.
///
/// Node 1 is the root; below node n lie 2n, where the next variable is off, and 2n + 1, where it is on.
///
/// - Complexity: O(2ᴰ) to prepare, O(1) a step.
struct TableChainRule: ChainRule {
  let ordering: Ordering
  /// log p of the values that lead to each node.
  private let logMarginals: [Double]

  init(_ table: ProbabilityTable, along ordering: Ordering) {
    self.ordering = ordering
    let count = table.variableCount
    var logMarginals = [Double](repeating: 0, count: 2 << count)
    for leaf in 0..<1 << count {
      // The first variable's value is the highest bit of a leaf.
      let row = ordering.variables.enumerated().reduce(0) {
        $0 | (leaf >> (count - 1 - $1.offset) & 1) << $1.element
      }
      logMarginals[(1 << count) + leaf] = table.logProbabilities[row]
    }
    for node in (1..<1 << count).reversed() {
      logMarginals[node] = logSumExp(logMarginals[2 * node], logMarginals[2 * node + 1])
    }
    self.logMarginals = logMarginals
  }

  var initialState: [Int] { [1] }

  func logit(at position: Int, _ numbers: [Int], _ start: Int) -> Double {
    logMarginals[2 * numbers[start] + 1] - logMarginals[2 * numbers[start]]
  }

  func advance(at position: Int, _ isOn: Bool, _ numbers: inout [Int], _ start: Int) {
    numbers[start] = 2 * numbers[start] + (isOn ? 1 : 0)
  }
}

/// A forest, along whose paths a row keeps what its values so far say.
///
/// All messages are odds: what is known below a variable i says Λ_i = p(known below i | x_i = 1) / p(… | x_i = 0), and to its
/// parent
///
///     R_i = p(known at and below i | x_π(i) = 1) / p(… | x_π(i) = 0),   Λ_j = Π_{children i} R_i
///
/// A value changes the messages on the path upwards, as far as there are no values yet. The odds of i given all that is
/// known elsewhere come down the same path:
///
///     O_i = (T·p(1|1) + p(1|0)) / (T·p(0|1) + p(0|0)),   T = O_j · Λ_j / R_i,   j = π(i)
///
/// Each of these maps odds by a 2 × 2 matrix, so that the product of a path's matrices is taken on the way up.
///
/// - Complexity: O(1) a step where parents come before their children in the ordering; else O(length of the path to the
///   nearest known ancestor), at most O(D). D numbers a row, 2·D unless all parents come first.
/// - Precondition: no probability is 0.
struct ForestChainRule: ChainRule {
  let ordering: Ordering
  private let forest: BinaryForest
  /// Whether any variable comes before its parent.
  private let sendsMessages: Bool

  init(_ forest: BinaryForest, along ordering: Ordering) {
    self.ordering = ordering
    self.forest = forest
    sendsMessages = forest.parents.enumerated().contains { i, parent in
      parent.map { ordering.positions[i] < ordering.positions[$0] } ?? false
    }
  }

  /// Λ_i = 1 of each variable, which its value replaces once it has one, and R_i = 1.
  var initialState: [WideDouble] {
    Array(repeating: .one, count: (sendsMessages ? 2 : 1) * forest.variableCount)
  }

  /// The parent, if it has no value at a position.
  private func unknownParent(_ i: Int, at position: Int) -> Int? {
    forest.parents[i].flatMap { ordering.positions[$0] < position ? nil : $0 }
  }

  func logit(at position: Int, _ numbers: [WideDouble], _ start: Int) -> Double {
    let i = ordering.variables[position]
    // The matrix that takes the odds of `top` to those of i.
    var (a, b, c, d) = (WideDouble.one, WideDouble.zero, WideDouble.zero, WideDouble.one)
    var top = i
    while let parent = unknownParent(top, at: position) {
      let known = numbers[start + parent] / numbers[start + forest.variableCount + top]
      let (a1, c1) = (
        known * forest.probability(top, 1, given: 1), known * forest.probability(top, 0, given: 1)
      )
      let (b1, d1) = (forest.probability(top, 1, given: 0), forest.probability(top, 0, given: 0))
      (a, b) = (a * a1 + b * c1, a * b1 + b * d1)
      (c, d) = (c * a1 + d * c1, c * b1 + d * d1)
      top = parent
    }
    let value = forest.parents[top].map { numbers[start + $0] > .zero ? 1 : 0 } ?? 0
    let (on, off) = (forest.probability(top, 1, given: value), forest.probability(top, 0, given: value))
    return ((a * on + b * off) * numbers[start + i] / (c * on + d * off)).logarithm
  }

  func advance(at position: Int, _ isOn: Bool, _ numbers: inout [WideDouble], _ start: Int) {
    var i = ordering.variables[position]
    numbers[start + i] = isOn ? .one : .zero
    guard sendsMessages else { return }
    let value = isOn ? 1 : 0
    var message =
      WideDouble(forest.probability(i, value, given: 1)) / WideDouble(forest.probability(i, value, given: 0))
    while let parent = unknownParent(i, at: position) {
      let place = start + forest.variableCount + i
      numbers[start + parent] *= message / numbers[place]
      numbers[place] = message
      let known = numbers[start + parent]
      func likelihood(_ b: Int) -> WideDouble {
        known * forest.probability(parent, 1, given: b) + WideDouble(forest.probability(parent, 0, given: b))
      }
      message = likelihood(1) / likelihood(0)
      i = parent
    }
  }
}
