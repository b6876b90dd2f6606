import Kernels

/// Some rows of a table as lists: of each row the columns that are on, and of each column that is on in any, the rows.
///
/// What is linear in the bits of a row is computed from these in a time that grows with what is on, not with the columns. It is
/// filled again and again, by one thread at a time.
final class ListedBatch {
  /// The most rows of a batch.
  static let capacity = 1024

  /// The rows that it holds.
  private(set) var rowCount = 0
  private let columnCount: Int
  private var columns: [Int32] = []
  private var columnStarts: [Int] = []
  private var rows: [Int32] = []
  private var rowStarts: [Int] = []
  private var places: [Int32] = []
  /// For each column of the table, in how many rows it is on while lists are made, 0 between.
  private var counts: [Int]

  init(columnCount: Int) {
    self.columnCount = columnCount
    counts = Array(repeating: 0, count: columnCount)
  }

  /// Takes up consecutive rows of a table.
  ///
  /// - Complexity: O(on-bits), or O(on-bits + words) of packed rows.
  func fill(_ table: BinaryMatrix, _ range: Range<Int>) {
    precondition(table.columnCount == columnCount, "\(table.columnCount) columns, not \(columnCount)")
    rowCount = range.count
    columns.removeAll(keepingCapacity: true)
    columnStarts.removeAll(keepingCapacity: true)
    for row in range {
      columnStarts.append(columns.count)
      for column in table.onBits(ofRow: row) { columns.append(Int32(column)) }
      columns.append(.max)
    }
    turn()
  }

  /// Makes the lists of columns from those of rows.
  private func turn() {
    places.removeAll(keepingCapacity: true)
    for column in columns where column != .max {
      if counts[Int(column)] == 0 { places.append(column) }
      counts[Int(column)] += 1
    }
    rowStarts.removeAll(keepingCapacity: true)
    // Each list has an end; a column's count becomes where its next row goes.
    var start = 0
    for column in places {
      rowStarts.append(start)
      start += counts[Int(column)] + 1
      counts[Int(column)] = rowStarts[rowStarts.count - 1]
    }
    if rows.count < start { rows = Array(repeating: 0, count: start) }
    var row: Int32 = 0
    for column in columns {
      guard column != .max else {
        row += 1
        continue
      }
      rows[counts[Int(column)]] = row
      counts[Int(column)] += 1
    }
    for column in places {
      rows[counts[Int(column)]] = .max
      counts[Int(column)] = 0
    }
  }

  /// Computes `y[r] = bias + Σ w[k]` over the columns k that are on in row r.
  ///
  /// Shapes: weights (columns × N), bias (1 × N), y (rows × N). The mask permits all.
  /// - Complexity: O(on-bits · N), on all threads.
  func linear<Scalar: KernelScalar>(
    weights: UnsafeMatrixView<Scalar>, bias: UnsafeMatrixView<Scalar>?, mask: Staircase,
    into y: UnsafeMutableMatrixView<Scalar>
  ) {
    UnsafeOnBits.withLists(&columns, &columnStarts) { lists in
      guard let lists else { return }
      Scalar.linear(onBits: lists, weights: weights, bias: bias, mask: mask, into: y)
    }
  }

  /// Accumulates `dw[k] += Σ dy[r]` over the rows r in which column k is on.
  ///
  /// Shapes: dy (rows × N), dw (columns × N).
  /// - Complexity: O(on-bits · N), on all threads.
  func accumulate<Scalar: KernelScalar>(
    _ dy: UnsafeMatrixView<Scalar>, into dw: UnsafeMutableMatrixView<Scalar>
  ) {
    places.withUnsafeBufferPointer { places in
      UnsafeOnBits.withLists(&rows, &rowStarts) { lists in
        guard let lists else { return }
        Scalar.accumulateListed(dy, lists: lists, places: places, into: dw)
      }
    }
  }
}
