import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("What is said of a table")
struct TableDescriptionTests {
  /// A table with columns that do not vary, columns that are equal, rows that are equal, and pairs of all strengths.
  private func rows(rowCount: Int, columnCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = SplitMix(state: seed)
    var rows = randomBits(rowCount: rowCount, columnCount: columnCount, using: &generator)
    for row in 0..<rowCount {
      for column in 1..<columnCount where column % 3 != 0 {
        // Three in four repeat the column before.
        if Int.random(in: 0..<4, using: &generator) > 0 { rows[row, column] = rows[row, column - 1] }
      }
      if columnCount > 6 {
        rows[row, 2] = true
        rows[row, 4] = false
        rows[row, columnCount - 1] = rows[row, 1]
        rows[row, 5] = rows[row, 0]
      }
    }
    return rows
  }

  /// The mutual information of two columns by its definition, in nats.
  private func information(_ cells: [(Bool, Bool)]) -> Double {
    let n = Double(cells.count)
    var sum = 0.0
    for a in [false, true] {
      for b in [false, true] {
        let pair = Double(cells.count { $0 == (a, b) }) / n
        let (left, right) = (Double(cells.count { $0.0 == a }) / n, Double(cells.count { $0.1 == b }) / n)
        if pair > 0 { sum += pair * log(pair / (left * right)) }
      }
    }
    return sum
  }

  private func check(_ description: TableDescription, _ cell: (Int, Int) -> Bool?) {
    let (rowCount, columnCount) = (description.rowCount, description.columnCount)
    let columns = (0..<columnCount).map { column in (0..<rowCount).map { cell($0, column) } }
    #expect(description.onCounts == columns.map { $0.count { $0 == true } })
    #expect(description.missingCounts == columns.map { $0.count { $0 == nil } })
    let values = columns.map { Set($0.compactMap { $0 }) }
    let constants = values.indices.filter { values[$0].count < 2 }
    #expect(description.constants.map(\.column) == constants)
    #expect(description.constants.map(\.value) == constants.map { values[$0].first })
    let varying = values.indices.filter { values[$0].count == 2 }
    let groups = Dictionary(grouping: varying) { columns[$0] }.values.filter { $0.count > 1 }
    #expect(description.equalColumns == groups.sorted { $0[0] < $1[0] })
    let distinct = Set((0..<rowCount).map { row in (0..<columnCount).map { cell(row, $0) } })
    #expect(description.duplicateRowCount == rowCount - distinct.count)
    #expect(description.pairedColumnCount == varying.count && description.pairedRowCount == rowCount)
    var expected: [Double] = []
    for (place, first) in varying.enumerated() {
      for second in varying[(place + 1)...] {
        let cells = zip(columns[first], columns[second]).compactMap { a, b in
          a.flatMap { a in b.map { (a, $0) } }
        }
        expected.append(cells.isEmpty ? 0 : information(cells))
      }
    }
    expected.sort(by: >)
    #expect(description.pairs.count == min(10, expected.count))
    for (pair, wanted) in zip(description.pairs, expected) {
      #expect(abs(pair.mutualInformation - wanted) < 1e-12)
      let cells = zip(columns[pair.first], columns[pair.second]).compactMap { a, b in
        a.flatMap { a in b.map { (a, $0) } }
      }
      #expect(abs(information(cells) - wanted) < 1e-12 && pair.first < pair.second)
    }
  }

  @Test(
    "all figures are those of brute force",
    arguments: [(1, 1), (1, 3), (2, 2), (40, 3), (63, 7), (64, 8), (65, 12), (500, 70), (200, 130)])
  func whole(rowCount: Int, columnCount: Int) {
    let rows = rows(rowCount: rowCount, columnCount: columnCount, seed: UInt64(rowCount))
    check(TableDescription(rows)) { rows[$0, $1] }
  }

  @Test("with missing cells, too", arguments: [(1, 2), (30, 3), (65, 8), (300, 70)])
  func partial(rowCount: Int, columnCount: Int) {
    var generator = SplitMix(state: 5)
    let values = rows(rowCount: rowCount, columnCount: columnCount, seed: 8)
    var known = randomBits(
      rowCount: rowCount, columnCount: columnCount, probability: 0.8, using: &generator)
    if columnCount > 6 { for row in 0..<rowCount { known[row, 5] = known[row, 0] } }
    let rows = PartialRows(values: values, known: known)
    check(TableDescription(rows)) { rows[$0, $1] }
    let empty = TableDescription(PartialRows(rowCount: 3, columnCount: 2))
    check(empty) { _, _ in nil }
  }

  @Test("a table that is read block by block is described as one in memory")
  func streamed() throws {
    var generator = SplitMix(state: 12)
    var values = rows(rowCount: 70_000, columnCount: 70, seed: 4)
    // A group, and columns that are equal.
    for row in 0..<values.rowCount {
      let chosen = 60 + Int(generator.next() % 4)
      for column in 60..<64 { values[row, column] = column == chosen }
      values[row, 65] = values[row, 66]
    }
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/t.npy")
      try file.write(values)
      let streamed = try TableDescription(TableStream(path: file.path), pairCount: 5)
      #expect(streamed == TableDescription(values, pairCount: 5))
      #expect(streamed.groups?.groups.contains([60, 61, 62, 63]) == true)
      #expect(streamed.equalColumns.contains([65, 66]))

      // Cells are missing in a later block only.
      var known = BinaryMatrix(rowCount: 70_000, columnCount: 70) { _, _ in true }
      for row in 66_000..<70_000 { known[row, row % 70] = false }
      let partial = PartialRows(values: values, known: known)
      let text = try TableFile(path: folder + "/t.csv")
      try text.writing(TableWriter.Shape(columnCount: 70)) { (writer) throws(DensityError) in
        try writer.write(partial)
      }
      #expect(
        try TableDescription(TableStream(path: text.path), pairCount: 5)
          == TableDescription(partial, pairCount: 5))
    }
  }

  @Test("of very many columns some are looked at, evenly spread")
  func many() {
    var generator = SplitMix(state: 1)
    let rows = randomBits(rowCount: 70, columnCount: 5000, using: &generator)
    let description = TableDescription(rows, pairCount: 3)
    #expect(description.pairedColumnCount == 2048 && description.pairs.count == 3)
    #expect(description.pairs.contains { $0.second > 2048 })
  }
}
