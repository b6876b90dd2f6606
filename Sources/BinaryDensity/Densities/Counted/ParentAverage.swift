import Essentials
import Kernels

/// Each variable given one earlier variable, or none; which one it is, is averaged over.
///
///     p(x_i = 1 | x_<i) = w_i0 · p_i + Σ_j w_ij · p_i|j(x_j),   j before i,   Σ_j w_ij = 1
///
/// The weights are how probable each parent is by the rows that it is fitted to, so that of few rows little is believed: where
/// nothing speaks for a parent, this is a table of marginals. It is linear in the bits, has a closed form, and is never sure of
/// anything that it has not seen.
///
/// Parameters: parents (D × P, −1 for none), weights (D × (P + 1), none first), logits of no parent (1 × D), and given that the
/// parent is off, and on (D × P each). Cost O(D · P) a row.
///
///     let density = try ParentAverage.fit(to: rows, along: .natural(count: rows.columnCount))
///
/// - Source: p linear in earlier values: Raftery, J. Royal Statistical Society B 47, 1985; averaging over parents by their
///   evidence: Friedman & Koller, Machine Learning 50, 2003.
public struct ParentAverage: AutoregressiveDensity {
  /// One parent of a variable.
  struct Parent: Hashable, Sendable {
    /// Which variable it is.
    let variable: Int
    /// How probable it is.
    let weight: Float
    /// The logit of the child given that the parent is off, and on.
    let logits: [Float]
  }

  /// One variable.
  struct Child: Hashable, Sendable {
    /// How probable it is that the variable has no parent.
    let weight: Float
    /// The logit without a parent.
    let logit: Float
    /// The parents, all before the variable.
    let parents: [Parent]
  }

  /// Average over parents.
  package static let kind = ModelKind.parentAverage
  /// The ordering: a parent stands before its children.
  public let ordering: Ordering
  /// The variables, in the order of the columns.
  let children: [Child]
  private let rule: Rule

  /// - Precondition: parents stand before their children, weights are positive and have a sum of 1 but for rounding, and no
  ///   logit is beyond ±80.
  init(_ children: [Child], along ordering: Ordering) {
    self.children = children
    self.ordering = ordering
    rule = Rule(children, along: ordering)
  }

  /// The number of variables.
  public var variableCount: Int { children.count }
  /// Two numbers a variable, and three a parent.
  public var parameterCount: Int { children.reduce(0) { $0 + 2 + 3 * $1.parents.count } }

  /// Itself along its own ordering alone.
  public func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    ordering == nil || ordering == self.ordering ? self : nil
  }

  /// Returns log p of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    return rows.mapRows { row in
      min(
        0,
        (0..<variableCount).reduce(0) { sum, i in
          let z = rule.logit(of: i) { rows[row, $0] }
          return sum + logSigmoid(rows[row, i] ? z : -z)
        })
    }
  }

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// What walks the variables, a row's values so far its numbers.
  public func cursorSource() -> any CursorSource { ChainRuleSource(rule: rule) }

  /// The conditionals in double precision.
  private struct Rule: ChainRule {
    let ordering: Ordering
    /// Of each variable, with its weight: p(x_i = 0) and p(x_i = 1) without a parent.
    private let roots: [[Double]]
    /// Of each variable and parent, with its weight: p(x_i = a | x_j = b) at 2·b + a.
    private let terms: [[(parent: Int, probabilities: [Double])]]

    init(_ children: [Child], along ordering: Ordering) {
      self.ordering = ordering
      func probabilities(_ logit: Float, _ weight: Float) -> [Double] {
        [-1, 1].map { Double(weight) * exp(logSigmoid($0 * Double(logit))) }
      }
      roots = children.map { probabilities($0.logit, $0.weight) }
      terms = children.map { child in
        child.parents.map { parent in
          (parent.variable, parent.logits.flatMap { probabilities($0, parent.weight) })
        }
      }
    }

    /// Sums of positive terms alone, so that small probabilities keep their digits.
    func logit(of variable: Int, isOn: (Int) -> Bool) -> Double {
      var (off, on) = (roots[variable][0], roots[variable][1])
      for (parent, probabilities) in terms[variable] {
        let place = isOn(parent) ? 2 : 0
        off += probabilities[place]
        on += probabilities[place + 1]
      }
      return log(on / off)
    }

    var initialState: [WideDouble] { Array(repeating: .zero, count: roots.count) }

    func logit(at position: Int, _ numbers: [WideDouble], _ start: Int) -> Double {
      logit(of: ordering.variables[position]) { numbers[start + $0] > .zero }
    }

    func advance(at position: Int, _ isOn: Bool, _ numbers: inout [WideDouble], _ start: Int) {
      if isOn { numbers[start + ordering.variables[position]] = .one }
    }
  }
}

extension ParentAverage: PreparableConditionals {
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    TableConditionals { rows in
      Matrix(rowCount: rows.rowCount, columnCount: variableCount) { row, i in
        Scalar(rule.logit(of: i) { rows[row, $0] })
      }
    }
  }
}

// MARK: - Checkpoints

extension ParentAverage: ArchivableDensity {
  private struct Configuration: Codable {
    let variableCount: Int
    /// P.
    let parentCount: Int
  }

  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] { logProbabilities(of: rows) }

  /// The ordering, the parents, their weights and the logits; where a variable has fewer parents than others, none fill up.
  package func archived() -> DensityArchive {
    let count = children.map(\.parents.count).max() ?? 0
    let columns = max(1, count)
    func matrix(_ value: (Parent) -> Float) -> Matrix<Float> {
      Matrix(rowCount: variableCount, columnCount: columns) { i, place in
        place < children[i].parents.count ? value(children[i].parents[place]) : 0
      }
    }
    return DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(Configuration(variableCount: variableCount, parentCount: columns)),
      integers: [
        .init(name: "ordering", rows: [ordering.variables]),
        .init(
          name: "parents",
          rows: children.map { child in
            (0..<columns).map { $0 < child.parents.count ? child.parents[$0].variable : -1 }
          }),
      ],
      parameters: [
        "weight": Matrix(rowCount: 1, columnCount: variableCount) { children[$1].weight },
        "logit": Matrix(rowCount: 1, columnCount: variableCount) { children[$1].logit },
        "weights": matrix(\.weight), "off": matrix { $0.logits[0] }, "on": matrix { $0.logits[1] },
      ])
  }

  /// Restores a density.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let configuration = try archive.configuration(Configuration.self)
    let (count, columns) = (configuration.variableCount, configuration.parentCount)
    guard count > 0, columns > 0, columns <= count else {
      throw archive.malformed("variables, and no more parents", found: "\(count) and \(columns)")
    }
    let ordering = try archive.orderings(count: 1, variableCount: count)[0]
    let parents = try archive.integers("parents", rowCount: count, columnCount: columns)
    let weight = try archive.matrix("weight", rowCount: 1, columnCount: count)
    let weights = try archive.matrix("weights", rowCount: count, columnCount: columns)
    let logit = try archive.logits("logit", rowCount: 1, columnCount: count)
    let off = try archive.logits("off", rowCount: count, columnCount: columns)
    let on = try archive.logits("on", rowCount: count, columnCount: columns)
    var children: [Child] = []
    for i in 0..<count {
      var found: [Parent] = []
      var total = weight[0, i]
      for place in 0..<columns where parents[i][place] >= 0 {
        let parent = parents[i][place]
        guard parent < count, ordering.positions[parent] < ordering.positions[i] else {
          throw archive.malformed("parents", "parents before variable \(i)", found: "\(parent)")
        }
        total += weights[i, place]
        found.append(
          Parent(variable: parent, weight: weights[i, place], logits: [off[i, place], on[i, place]]))
      }
      let areWeights = weight[0, i] > 0 && found.allSatisfy { $0.weight >= 0 } && abs(total - 1) < 1e-3
      guard areWeights || !archive.readsParameters else {
        throw archive.malformed("weights of variable \(i) with a sum of 1", found: "\(total)")
      }
      children.append(Child(weight: weight[0, i], logit: logit[0, i], parents: found))
    }
    self.init(children, along: ordering)
  }
}
