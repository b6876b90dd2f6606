import Kernels

/// Walks an autoregressive density for many rows in lockstep, one variable of the ordering at a time.
///
///     let cursor = evaluator.cursor(rowCount: 100)
///     var logits = [Float](repeating: 0, count: 100)
///     while cursor.position < cursor.variableCount {
///       cursor.nextLogits(into: &logits)
///       cursor.advance(logits.map { $0 > 0 })
///     }
///
/// A cursor belongs to one thread and starts none. A row's logits have the same bits whether its values were drawn or
/// given, whatever rows stand beside it, and after any `select` and `resume`.
public protocol Cursor: AnyObject {
  /// The number D of variables.
  var variableCount: Int { get }
  /// The number of rows.
  var rowCount: Int { get }
  /// How many variables of the ordering have their values; D at the end.
  var position: Int { get }
  /// Writes the logit of each row's next variable, given its values so far.
  ///
  /// - Precondition: `logits.count == rowCount` and `position < variableCount`.
  func nextLogits(into logits: inout MutableSpan<Float>)
  /// Gives each row the value of its next variable; whoever has not asked for its logits saves their cost.
  ///
  /// - Precondition: `bits.count == rowCount` and `position < variableCount`.
  func advance(_ bits: Span<Bool>)
  /// Keeps the rows with the given indices, in their order; an index may come more than once, or not at all.
  func select(_ rows: [Int])
  /// About how many bytes a snapshot of one row takes.
  var stateByteCount: Int { get }
  /// Returns the states of some rows at the present position.
  func snapshot(_ rows: [Int]) -> [CursorSnapshot]
  /// Goes on from snapshots that cursors of the same source made at one position; they become the rows.
  ///
  /// - Precondition: there is at least one, and all are of one position of this source's cursors.
  func resume(_ snapshots: [CursorSnapshot])
}

/// The state of one row of a cursor: what it needs to go on.
public struct CursorSnapshot: Sendable {
  /// How many variables have their values.
  public let position: Int
  /// What the cursor that made it keeps.
  public let state: any Sendable

  /// Creates a snapshot of a cursor of your own.
  public init(position: Int, state: any Sendable) {
    self.position = position
    self.state = state
  }
}

extension Cursor {
  /// Writes the logit of each row's next variable into an array.
  ///
  /// - Precondition: as of `nextLogits(into:)` of a span.
  public func nextLogits(into logits: inout [Float]) {
    var span = logits.mutableSpan
    nextLogits(into: &span)
  }

  /// Gives each row the value of its next variable.
  ///
  /// - Precondition: as of `advance(_:)` of a span.
  public func advance(_ bits: [Bool]) { advance(bits.span) }

  /// Stops unless a buffer fits the cursor and there is a variable left.
  package func require(_ count: Int, _ what: StaticString) {
    precondition(count == rowCount, "\(count) \(what) for \(rowCount) rows")
    precondition(position < variableCount, "all \(variableCount) variables have their values")
  }
}

/// An autoregressive density made ready to be walked: what its cursors share.
public protocol CursorSource: Sendable {
  /// The ordering that cursors walk along.
  var ordering: Ordering { get }
  /// How many rows one cursor should take: enough to read weights once for many rows, few enough for the cache.
  var rowsPerShard: Int { get }
  /// Returns a cursor over rows none of whose variables has a value yet.
  func cursor(rowCount: Int) -> any Cursor
  /// Draws rows: variable i of row r is on where `uniforms[r, i] < p(x_i = 1 | the variables before i)`.
  ///
  /// Unless a source says otherwise it is walked, on all threads.
  func draw(uniforms: Matrix<Float>) -> BinaryMatrix
}

extension CursorSource {
  /// 128 rows unless a source says otherwise.
  public var rowsPerShard: Int { 128 }
}
