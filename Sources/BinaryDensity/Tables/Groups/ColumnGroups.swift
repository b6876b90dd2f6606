/// Sets of columns of which exactly one is on in every row, as where a variable of several values has a column for each.
///
///     let groups = try ColumnGroups([[0, 1, 2], [5, 6]], columnCount: 8)
///     let data = try data.keeping(groups)
///
/// No two have a column in common. Columns count from 0 here and from 1 in words.
public struct ColumnGroups: Hashable, Sendable {
  /// The number D of columns of a row.
  public let columnCount: Int
  /// The columns of each group, ascending; the groups by their first columns.
  public let groups: [[Int]]

  /// Creates groups of columns.
  ///
  /// - Throws: `DensityError.invalidConfiguration` for a group of fewer than two columns, a column that is not there, and
  ///   one that is in two groups, or twice in one.
  public init(_ groups: [[Int]], columnCount: Int) throws(DensityError) {
    if let problem = Self.problem(of: groups, columnCount: columnCount) {
      throw .invalidConfiguration(problem)
    }
    self.init(checked: groups, columnCount: columnCount)
  }

  init(checked groups: [[Int]], columnCount: Int) {
    self.columnCount = columnCount
    self.groups = groups.map { $0.sorted() }.sorted { $0[0] < $1[0] }
  }

  /// Returns what is wrong with groups, or nil.
  static func problem(of groups: [[Int]], columnCount: Int) -> String? {
    if groups.isEmpty { return "there are no groups of columns" }
    var seen: Set<Int> = []
    for group in groups {
      guard group.count >= 2 else {
        let only = group.first.map { "column \($0 + 1)" } ?? "none"
        return "a group has at least two columns, of which one is on, not only \(only)"
      }
      for column in group {
        guard column >= 0, column < columnCount else {
          return "column \(column + 1) of a group is not among the \(columnCount) columns"
        }
        guard seen.insert(column).inserted else {
          return "column \(column + 1) is in two groups; groups have no column in common"
        }
      }
    }
    return nil
  }

  /// The groups of the variables renumbered by an order: column `order[p]` becomes column p.
  func renumbered(by ordering: Ordering) -> ColumnGroups {
    ColumnGroups(
      checked: groups.map { $0.map { ordering.positions[$0] } }, columnCount: columnCount)
  }

  /// The columns of each group in the order in which a chain rule takes them.
  func columns(along ordering: Ordering) -> [[Int]] {
    groups.map { $0.sorted { ordering.positions[$0] < ordering.positions[$1] } }
  }

  /// Returns the groups that others are too; nil if there are none.
  func intersection(_ other: ColumnGroups) -> ColumnGroups? {
    let common = Set(groups).intersection(other.groups)
    return common.isEmpty ? nil : ColumnGroups(checked: Array(common), columnCount: columnCount)
  }

  /// Returns these groups and others; nil if a group of one and another one of the other have a column in common.
  func union(_ other: ColumnGroups) -> ColumnGroups? {
    let all = Array(Set(groups).union(other.groups))
    guard Self.problem(of: all, columnCount: columnCount) == nil else { return nil }
    return ColumnGroups(checked: all, columnCount: columnCount)
  }
}

extension ColumnGroups: CustomStringConvertible {
  /// The groups as one types them, such as `1-5, (7, 9)`.
  public var description: String { texts().joined(separator: ", ") }

  /// Each group as one types it.
  ///
  /// - Parameter isMarked: whether columns are written as `#7`, as they must be where numbers are names.
  package func texts(marked isMarked: Bool = false) -> [String] {
    groups.map { Self.text(of: $0, marked: isMarked) }
  }

  /// One group as one types it.
  static func text(of group: [Int], marked isMarked: Bool = false) -> String {
    let mark = isMarked ? "#" : ""
    let (first, last) = (group[0], group[group.count - 1])
    if last - first == group.count - 1 { return "\(mark)\(first + 1)-\(mark)\(last + 1)" }
    return "(" + group.map { "\(mark)\($0 + 1)" }.joined(separator: ", ") + ")"
  }
}
