import BinaryDensity
import Kernels
import Testing

@Suite("Groups of columns")
struct ColumnGroupsTests {
  private static let names = [
    "id", "color=red", "color=blue", "color=dark grey", "size_s", "size_m", "smoker", "runner",
  ]

  private func read(_ text: String, names: [String]? = names) throws -> [[Int]] {
    let vocabulary = QueryVocabulary(columnCount: 8, columnNames: names)
    return try ColumnGroups(text, vocabulary, option: "--groups").groups
  }

  @Test(
    "groups are read as columns are named elsewhere",
    arguments: [
      ("2-4", [[1, 2, 3]]), ("#2-#4, 5-6", [[1, 2, 3], [4, 5]]), ("5-6,2-4", [[1, 2, 3], [4, 5]]),
      ("color", [[1, 2, 3]]), ("color, size, (smoker, runner)", [[1, 2, 3], [4, 5], [6, 7]]),
      ("(8, 1)", [[0, 7]]), ("(runner, #1, 3)", [[0, 2, 7]]), ("\"color\"", [[1, 2, 3]]),
      ("(2-3, 6)", [[1, 2, 5]]),
    ] as [(String, [[Int]])])
  func reading(text: String, expected: [[Int]]) throws { #expect(try read(text) == expected) }

  @Test(
    "what is no list of groups is refused with what is wrong",
    arguments: [
      ("", "expected a column"), ("2-9", "up to #8"), ("2", "at least two columns"),
      ("smoker", "at least two columns"),
      ("2-4, 4-6", "column 4 is in two groups"), ("(2, 2)", "column 2 is in two groups"),
      ("colour", "expected a column"),
      ("2-4 5-6", "expected \",\""), ("(2-4", "\")\""), ("0-3", "expected a column"),
      ("2-4,", "expected a column"),
    ])
  func refused(text: String, words: String) {
    let error = #expect(throws: DensityError.self) { _ = try read(text) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("--groups ") == true)
  }

  @Test("where columns are called by numbers, a number is a name")
  func numberNames() throws {
    let names = ["7", "5", "3", "1", "a", "b", "c", "d"]
    #expect(try read("(7, 1), #5-#6", names: names) == [[0, 3], [4, 5]])
    let groups = try ColumnGroups([[0, 3], [4, 5]], columnCount: 8)
    #expect(groups.texts(marked: true) == ["(#1, #4)", "#5-#6"] && "\(groups)" == "(1, 4), 5-6")
    #expect(try read(groups.texts(marked: true).joined(separator: ","), names: names) == groups.groups)
    #expect(try read("\(groups)", names: nil) == groups.groups)
  }

  @Test(
    "groups are disjoint, of two columns or more that are there",
    arguments: [
      [], [[1]], [[]], [[0, 5]], [[-1, 0]], [[0, 1], [1, 2]], [[3, 3]],
    ] as [[[Int]]])
  func impossible(groups: [[Int]]) {
    #expect(throws: DensityError.self) { _ = try ColumnGroups(groups, columnCount: 5) }
  }

  // MARK: Rows

  /// Rows of two groups, at columns 1 … 4 (of which 3 is always off) and 5 … 6, between columns of no group.
  private func table(_ rowCount: Int, seed: UInt64 = 1) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return BinaryMatrix(
      (0..<rowCount).map { _ in
        let (first, second) = ([1, 2, 4][generator.integer(below: 3)], 5 + generator.integer(below: 2))
        return (0..<9).map { column in
          column == first || column == second
            || [0, 7, 8].contains(column) && generator.integer(below: 3) == 0
        }
      })
  }

  @Test("observed groups are of columns side by side, as many as can be, of rows enough")
  func observed() {
    #expect(ColumnGroups.observed(in: table(200))?.groups == [[1, 2, 3, 4], [5, 6]])
    #expect(ColumnGroups.observed(in: table(99)) == nil)
    #expect(ColumnGroups.observed(in: BinaryMatrix.random(500, 9, seed: 2)) == nil)
    #expect(ColumnGroups.observed(in: BinaryMatrix(rowCount: 300, columnCount: 5)) == nil)
    #expect(ColumnGroups.observed(in: BinaryMatrix(rowCount: 300, columnCount: 5) { _, _ in true }) == nil)
    // One row is enough to be no group.
    var broken = table(200)
    (broken[150, 5], broken[150, 6]) = (true, true)
    #expect(ColumnGroups.observed(in: broken)?.groups == [[1, 2, 3, 4]])
    (broken[150, 5], broken[150, 6]) = (false, false)
    #expect(ColumnGroups.observed(in: broken)?.groups == [[1, 2, 3, 4]])
    // Groups across words.
    let wide = BinaryMatrix(rowCount: 300, columnCount: 200) { row, column in
      column >= 50 && column < 150 && column == 50 + row % 100 || column >= 150 && (row * column) % 7 < 3
    }
    #expect(ColumnGroups.observed(in: wide)?.groups.contains(Array(0..<150)) == true)
    #expect(TableDescription(table(200)).groups?.groups == [[1, 2, 3, 4], [5, 6]])
    #expect(TableDescription(PartialRows(values: table(200), known: table(200))).groups == nil)
  }

  @Test("a row that breaks a group is named, and the columns")
  func checking() throws {
    let groups = try ColumnGroups([[1, 2, 3, 4], [5, 6]], columnCount: 9)
    let data = DataSplits(
      name: "t", train: table(50), validation: table(20, seed: 2), test: table(10, seed: 3))
    #expect(data.groups == nil)
    let kept = try data.keeping(groups)
    #expect(kept.groups == groups && kept.fingerprint == data.fingerprint)
    var test = table(10, seed: 3)
    (test[6, 5], test[6, 6]) = (true, true)
    let broken = DataSplits(name: "t", train: table(50), validation: table(20, seed: 2), test: test)
    let several = #expect(throws: DensityError.self) { _ = try broken.keeping(groups) }
    #expect(
      several?.description
        == "t, test rows: row 7: expected exactly one of the columns 6-7 on, which are a group, found 2: 6, 7"
    )
    var train = table(50)
    for column in 1...4 { train[49, column] = false }
    let none = #expect(throws: DensityError.self) {
      _ = try DataSplits(name: "t", train: train).keeping(groups)
    }
    #expect(
      none?.description.contains("train rows: row 50: ") == true
        && none?.description.hasSuffix("found none") == true)
    let named = #expect(throws: DensityError.self) {
      try groups.check(test, path: "a.csv", columnNames: (0..<9).map { "c\($0)" })
    }
    #expect(named?.description.hasSuffix("found 2: 6 (\"c5\"), 7 (\"c6\")") == true)
    #expect(throws: DensityError.self) {
      try groups.check(BinaryMatrix(rowCount: 1, columnCount: 8), path: "a.csv")
    }
  }

  @Test("parts of a data set know its groups; missing cells and fresh draws go with none")
  func splits() throws {
    let groups = try ColumnGroups([[1, 2, 3, 4], [5, 6]], columnCount: 9)
    let data = try DataSplits(name: "t", train: table(50)).keeping(groups)
    #expect(try data.holdingOutValidation(seed: 1).groups == groups)
    #expect(try data.holdingOutValidation(seed: 1).holdingOutValidationIsKept)
    var partial = PartialRows(table(50), knownColumns: 0..<9)
    partial[3, 0] = nil
    let error = #expect(throws: DensityError.self) {
      _ = try DataSplits(name: "t", train: partial).keeping(groups)
    }
    #expect(error?.description.contains("missing cells") == true)
  }
}

extension DataSplits {
  /// Whether both parts keep the groups.
  fileprivate var holdingOutValidationIsKept: Bool {
    guard let groups, let validation else { return false }
    return groups.breaches(in: train) == 0 && groups.breaches(in: validation) == 0
  }
}
