import Kernels

/// The distribution of the number of on-bits of a forest's rows that agree with evidence.
///
///     F_i,a(n) = p(what is known below i, and n on-bits at and below i | x_i = a)
///     F_i,a = [a agrees with x_i] · δ_a ∗ Π∗_{children c} Σ_a' p(x_c = a' | a) · F_c,a'
///
/// where ∗ convolves. The roots are the children of one more vertex, which has a single state and is no variable.
/// Children are taken into their parents one after another, along the reversed order; a draw takes them out again, and
/// so needs the parent's numbers from before each.
///
/// Any two variables meet in one convolution, in the vertex where their paths upwards meet: O(D²) products, and
/// O(D · limit) if no more than `limit` on-bits are of interest.
struct OnBitCounts {
  private let forest: BinaryForest
  /// F_i,a at 2·i + a, the one of all roots at 2·D; empty if it is zero.
  private var tables: [[WideDouble]]
  /// The tables of a variable's parent, for each of its states, from before the variable was taken in, at 2·i + b.
  private var before: [[WideDouble]] = []

  /// Takes all variables in, up to a number of on-bits.
  ///
  /// - Parameter isDrawn: whether rows are going to be drawn; the tables of all variables are kept for that.
  init(_ forest: BinaryForest, _ evidence: [Bool?], limit: Int, isDrawn: Bool) {
    self.forest = forest
    let count = forest.variableCount
    tables = Array(repeating: [], count: 2 * count + 1)
    for (i, value) in evidence.enumerated() {
      if value != true { tables[2 * i] = [.one] }
      if value != false && limit > 0 { tables[2 * i + 1] = [.zero, .one] }
    }
    tables[2 * count] = [.one]
    if isDrawn { before = Array(repeating: [], count: 2 * count) }
    for i in forest.order.reversed() {
      for b in 0..<(forest.parents[i] == nil ? 1 : 2) {
        let place = placeOfParent(i) + b
        if isDrawn { before[2 * i + b] = tables[place] }
        tables[place] = Self.convolution(tables[place], message(i, b), limit: limit)
      }
      if !isDrawn { (tables[2 * i], tables[2 * i + 1]) = ([], []) }
    }
  }

  /// p(x_known, n on-bits) for n = 0, 1, …; zero beyond its end.
  var total: [WideDouble] { tables[2 * forest.variableCount] }

  private func placeOfParent(_ i: Int) -> Int { 2 * (forest.parents[i] ?? forest.variableCount) }

  /// Σ_a p(x_i = a | b) · F_i,a.
  private func message(_ i: Int, _ b: Int) -> [WideDouble] {
    var sum: [WideDouble] = []
    for a in 0...1 {
      let p = forest.probability(i, a, given: b)
      guard p > 0 else { continue }
      for (n, number) in tables[2 * i + a].enumerated() {
        if n < sum.count { sum[n] += number * p } else { sum.append(number * p) }
      }
    }
    return sum
  }

  private static func convolution(_ a: [WideDouble], _ b: [WideDouble], limit: Int) -> [WideDouble] {
    guard !a.isEmpty, !b.isEmpty else { return [] }
    var result = [WideDouble](repeating: .zero, count: min(limit + 1, a.count + b.count - 1))
    for (n, factor) in b.enumerated() where factor > .zero && n < result.count {
      for m in 0..<min(a.count, result.count - n) { result[n + m] += a[m] * factor }
    }
    return result
  }

  /// Draws a row with `onBitCount` on-bits that agrees with the evidence; nil if there is none.
  ///
  /// - Complexity: O(D + Σ_i n_i), where at most n_i of the on-bits can be at and below i.
  func draw(onBitCount: Int, using generator: inout Philox) -> [Bool]? {
    let count = forest.variableCount
    guard total.indices.contains(onBitCount), total[onBitCount] > .zero else { return nil }
    var row = [Bool](repeating: false, count: count)
    // How many on-bits a variable and those of its children have that are not taken out yet.
    var remaining = [Int](repeating: 0, count: count + 1)
    remaining[count] = onBitCount
    for i in forest.order {
      let parent = forest.parents[i] ?? count
      let b = parent < count && row[parent] ? 1 : 0
      let rest = before[2 * i + b]
      var choices: [(isOn: Bool, onBitCount: Int)] = []
      var weights: [WideDouble] = []
      for a in 0...1 {
        let p = forest.probability(i, a, given: b)
        let table = tables[2 * i + a]
        for n in 0..<min(table.count, remaining[parent] + 1) where remaining[parent] - n < rest.count {
          choices.append((a == 1, n))
          weights.append(table[n] * rest[remaining[parent] - n] * p)
        }
      }
      guard let index = drawIndex(weights: weights, using: &generator) else { return nil }
      row[i] = choices[index].isOn
      remaining[i] = choices[index].onBitCount
      remaining[parent] -= choices[index].onBitCount
    }
    return row
  }
}

extension BinaryForest {
  /// Returns log p(Σ_i x_i = n, x_known) of each row, B × (D + 1).
  ///
  /// - Complexity: O(D²) time a row; O(D) memory a thread.
  package func logMarginalsByOnBitCount(of evidence: PartialRows) -> Matrix<Double> {
    evidence.require(variableCount)
    return evidence.logMarginalsByOnBitCount {
      OnBitCounts(self, $0, limit: variableCount, isDrawn: false).total
    }
  }

  /// Completes each row by an exact draw of those with n on-bits.
  ///
  /// - Complexity: O(D · n) time and memory for each evidence, and O(D · n) time for each row of it.
  package func sample(
    given evidence: PartialRows, onBitCount: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    evidence.require(variableCount)
    let limit = max(0, min(onBitCount, variableCount))
    return try evidence.complete(
      onBitCount: onBitCount, using: &generator,
      preparing: { OnBitCounts(self, $0, limit: limit, isDrawn: true) },
      draw: { $0.draw(onBitCount: onBitCount, using: &$1) })
  }
}

extension PartialRows {
  /// Returns the logarithms of p(x_known, n on-bits), which `body` gives for n = 0, 1, … up to the last that is not 0.
  func logMarginalsByOnBitCount(_ body: @Sendable ([Bool?]) -> [WideDouble]) -> Matrix<Double> {
    let rows = map(preparing: { body($0).map { min(0, $0.logarithm) } }, { table, _ in table })
    return Matrix(
      rowCount: rowCount, columnCount: columnCount + 1,
      elements: rows.flatMap { $0 + Array(repeating: -.infinity, count: columnCount + 1 - $0.count) })
  }
}
