/// The shape of a value: every value of a graph is a matrix.
///
/// A scalar is 1 × 1, a bias 1 × N, one number a row of the batch B × 1. The batch size B is not part of a
/// graph: it is chosen at each run, up to the executor's capacity.
public struct Shape: Hashable, Sendable {
  /// How many rows a value has.
  public enum Extent: Hashable, Sendable {
    /// As many as the batch.
    case batch
    /// Always this many.
    case fixed(Int)
  }

  /// The rows.
  public let rows: Extent
  /// The number of columns.
  public let columns: Int

  /// Creates a shape of `rows` × `columns`.
  public init(rows: Extent, columns: Int) {
    if case .fixed(let count) = rows { precondition(count > 0, "a value cannot have \(count) rows") }
    precondition(columns > 0, "a value cannot have \(columns) columns")
    self.rows = rows
    self.columns = columns
  }

  /// Creates a shape of a fixed number of rows.
  public init(_ rows: Int, _ columns: Int) { self.init(rows: .fixed(rows), columns: columns) }

  /// The shape of a loss.
  public static let scalar = Shape(1, 1)

  /// Returns the number of rows when the batch has `batchSize`.
  public func rowCount(batchSize: Int) -> Int {
    switch rows {
    case .batch: batchSize
    case .fixed(let count): count
    }
  }
}

extension Shape: CustomStringConvertible {
  /// The shape as `B×784` or `784×500`.
  public var description: String {
    switch rows {
    case .batch: "B×\(columns)"
    case .fixed(let count): "\(count)×\(columns)"
    }
  }
}

/// The direction a reduction runs in.
public enum Axis: String, Hashable, Sendable {
  /// Down the rows: B × N becomes 1 × N.
  case rows
  /// Along the columns: B × N becomes B × 1.
  case columns
}
