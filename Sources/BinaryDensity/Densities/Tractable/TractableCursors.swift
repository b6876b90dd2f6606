import Kernels

/// How a tractable density gives p(x_o(i) | x_o(<i)) along any ordering, by numbers that a row keeps of its values so far.
protocol ChainRule: Sendable {
  /// What a row keeps some of.
  associatedtype Number: Sendable
  /// The ordering o.
  var ordering: Ordering { get }
  /// A row's numbers before any value.
  var initialState: [Number] { get }
  /// Returns the logit of the variable at a position, from the row's numbers, which begin at `start`.
  func logit(at position: Int, _ numbers: [Number], _ start: Int) -> Double
  /// Changes a row's numbers for the value of the variable at a position.
  func advance(at position: Int, _ isOn: Bool, _ numbers: inout [Number], _ start: Int)
}

extension ChainRule {
  /// Returns what computes the logits of whole rows' conditionals, one variable after another.
  func conditionalExecutor<Scalar: KernelScalar>(in type: Scalar.Type) -> any ConditionalExecutor<Scalar> {
    let variables = ordering.variables
    return TableConditionals { rows in
      let logits = rows.mapRows { row in
        var numbers = initialState
        var logits = [Scalar](repeating: 0, count: variables.count)
        for (position, variable) in variables.enumerated() {
          logits[variable] = Scalar(logit(at: position, numbers, 0))
          advance(at: position, rows[row, variable], &numbers, 0)
        }
        return logits
      }
      return Matrix(rowCount: rows.rowCount, columnCount: variables.count, elements: logits.flatMap { $0 })
    }
  }
}

/// A tractable density that knows its chain rule along any ordering.
protocol ChainRuleDensity: TractableDensity, AutoregressiveDensity {
  associatedtype Rule: ChainRule
  /// Returns the chain rule along an ordering of all variables.
  func chainRule(along ordering: Ordering) -> Rule
}

extension ChainRuleDensity {
  /// Returns itself along its own ordering, a view along another, and nil for an ordering of another number of variables.
  func chain(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    guard let ordering, ordering != self.ordering else { return self }
    return ordering.variables.count == variableCount ? ReorderedDensity(self, along: ordering) : nil
  }
}

/// A tractable density along an ordering that is not its own.
private struct ReorderedDensity<Base: ChainRuleDensity>: PreparableConditionals {
  private let base: Base
  let ordering: Ordering

  init(_ base: Base, along ordering: Ordering) {
    self.base = base
    self.ordering = ordering
  }

  var variableCount: Int { base.variableCount }
  var parameterCount: Int { base.parameterCount }
  var tractable: (any TractableDensity)? { base }

  func logProbabilities(of rows: BinaryMatrix) -> [Double] { base.logProbabilities(of: rows) }

  func autoregressive(along ordering: Ordering?) -> (any AutoregressiveDensity)? {
    base.chain(along: ordering ?? self.ordering)
  }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    base.chainRule(along: ordering).conditionalExecutor(in: type)
  }

  func cursorSource() -> any CursorSource { ChainRuleSource(rule: base.chainRule(along: ordering)) }
}

/// Makes cursors that walk by a chain rule.
struct ChainRuleSource<Rule: ChainRule>: CursorSource {
  let rule: Rule
  private let identity = SourceIdentity()

  init(rule: Rule) { self.rule = rule }

  var ordering: Ordering { rule.ordering }

  func cursor(rowCount: Int) -> any Cursor { ChainRuleCursor(rule, rowCount: rowCount, of: identity) }
}

/// Walks a tractable density along an ordering, in double precision.
///
/// Every row has its own numbers and nothing else, so that its logits do not depend on the rows beside it.
private final class ChainRuleCursor<Rule: ChainRule>: Cursor {
  private let rule: Rule
  private let source: SourceIdentity
  private let stateCount: Int
  /// The rows' numbers, one row after another.
  private var numbers: [Rule.Number]
  private(set) var rowCount: Int
  private(set) var position = 0

  /// Creates a cursor over rows without values.
  init(_ rule: Rule, rowCount: Int, of source: SourceIdentity) {
    precondition(rowCount >= 0, "a cursor cannot walk \(rowCount) rows")
    self.rule = rule
    self.source = source
    self.rowCount = rowCount
    let state = rule.initialState
    stateCount = state.count
    numbers = Array(repeatElement(state, count: rowCount).joined())
  }

  var variableCount: Int { rule.ordering.variables.count }

  var stateByteCount: Int {
    MemoryLayout<CursorSnapshot>.stride + stateCount * MemoryLayout<Rule.Number>.stride
  }

  func nextLogits(into logits: inout MutableSpan<Float>) {
    require(logits.count, "logits")
    for row in 0..<rowCount { logits[row] = Float(rule.logit(at: position, numbers, row * stateCount)) }
  }

  func advance(_ bits: Span<Bool>) {
    require(bits.count, "values")
    for row in 0..<rowCount { rule.advance(at: position, bits[row], &numbers, row * stateCount) }
    position += 1
  }

  func select(_ rows: [Int]) {
    numbers = rows.flatMap { state($0) }
    rowCount = rows.count
  }

  func snapshot(_ rows: [Int]) -> [CursorSnapshot] {
    rows.map { CursorSnapshot(position: position, state($0), of: source) }
  }

  func resume(_ snapshots: [CursorSnapshot]) {
    position = CursorSnapshot.commonPosition(of: snapshots, variableCount: variableCount)
    rowCount = snapshots.count
    numbers = snapshots.flatMap { $0.state(as: [Rule.Number].self, of: source) }
  }

  private func state(_ row: Int) -> [Rule.Number] {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    return Array(numbers[row * stateCount..<(row + 1) * stateCount])
  }
}
