import Arguments

/// Some rows of a table by their numbers from 1, as a command line says them: `3,7-9`.
struct RowNumbers {
  /// Ranges of indices from 0, in their order, apart from each other.
  private let ranges: [Range<Int>]

  /// The number of the last row.
  var last: Int { ranges.last?.upperBound ?? 0 }
  /// How many there are.
  var count: Int { ranges.reduce(0) { $0 + $1.count } }

  /// The first rows.
  init(first count: Int) { ranges = [0..<count] }

  fileprivate init?(_ text: String) {
    var ranges: [Range<Int>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, 1 <= first, first <= last,
        last <= 1 << 40
      else { return nil }
      ranges.append(first - 1..<last)
    }
    // Rows are read once, in their order.
    self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, range in
      guard let end = merged.last?.upperBound, range.lowerBound <= end else { return merged.append(range) }
      merged[merged.count - 1] = merged[merged.count - 1].lowerBound..<max(end, range.upperBound)
    }
  }

  /// Returns those among some rows, counted from the first of these.
  func indices(in rows: Range<Int>) -> [Int] {
    ranges.flatMap { range in range.clamped(to: rows).map { $0 - rows.lowerBound } }
  }
}

extension ValueFormat where Value == RowNumbers {
  /// Numbers of rows and ranges of them, divided by commas.
  static var rowNumbers: ValueFormat {
    ValueFormat("numbers of rows from 1, and ranges, such as 3,7-9", parse: { RowNumbers($0) })
  }
}
