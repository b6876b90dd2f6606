import BinaryDensity
import Kernels
import Testing

@Suite("Tables of bits")
struct BinaryMatrixTests {
  /// Widths around the size of a word.
  static let widths = [0, 1, 2, 63, 64, 65, 127, 128, 129, 784]

  @Test("a table holds what it was made of, and zeros beyond", arguments: widths, [0, 1, 7])
  func contents(columnCount: Int, rowCount: Int) {
    var generator = SplitMix(state: UInt64(columnCount))
    let rows = (0..<rowCount).map { _ in (0..<columnCount).map { _ in Bool.random(using: &generator) } }
    let table = BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { rows[$0][$1] }
    #expect(table.unusedBitsAreZero)
    #expect(table.words.count == rowCount * ((columnCount + 63) / 64))
    #expect((0..<rowCount).map { table[row: $0] } == rows)
    #expect(table.onBitCount == rows.joined().count { $0 })
    for row in 0..<rowCount {
      let on = rows[row].indices.filter { rows[row][$0] }
      #expect(Array(table.onBits(ofRow: row)) == on)
      #expect(table.onBitCount(ofRow: row) == on.count)
    }
    let means = (0..<columnCount).map { column in
      Double(rows.count { $0[column] }) / Double(max(rowCount, 1))
    }
    #expect(table.columnMeans == means)
    // No rows say nothing about columns.
    if rowCount > 0 {
      #expect(BinaryMatrix(rows) == table)
      #expect(BinaryMatrix(rows.map { row in row.map { $0 ? 1 : 0 } }) == table)
    }
  }

  @Test("setting bits one by one gives the same words as making them at once", arguments: widths)
  func setting(columnCount: Int) {
    var generator = SplitMix(state: 3)
    let source = randomBits(rowCount: 5, columnCount: columnCount, using: &generator)
    var target = BinaryMatrix(rowCount: 5, columnCount: columnCount)
    #expect(target.onBitCount == 0)
    for row in 0..<5 {
      // Every bit is set and cleared before it gets its value.
      for column in 0..<columnCount {
        target[row, column] = true
        target[row, column] = false
        target[row, column] = source[row, column]
      }
    }
    #expect(target == source)
    #expect(target.hashValue == source.hashValue)
    #expect(target.unusedBitsAreZero)
  }

  @Test("rows are cut, picked and put together", arguments: widths, [1, 2] as [UInt64])
  func slicing(columnCount: Int, seed: UInt64) {
    var generator = SplitMix(state: seed)
    let table = randomBits(rowCount: 9, columnCount: columnCount, using: &generator)
    let rows = (0..<9).map { table[row: $0] }
    for range in [0..<0, 0..<9, 3..<7, 9..<9] {
      let slice = table.rows(range)
      #expect((0..<slice.rowCount).map { slice[row: $0] } == Array(rows[range]))
      #expect(slice.columnCount == columnCount && slice.unusedBitsAreZero)
    }
    let indices = [8, 0, 3, 3]
    let picked = table.selecting(indices)
    #expect((0..<4).map { picked[row: $0] } == indices.map { rows[$0] })
    #expect(table.rows(0..<4) + table.rows(4..<9) == table)
    #expect(table.rows(0..<0) + table == table)
  }

  @Test("all rows are all different, row r being r in binary", arguments: [0, 1, 2, 5, 10])
  func enumeration(columnCount: Int) {
    let all = BinaryMatrix.allRows(ofWidth: columnCount)
    #expect(all.rowCount == 1 << columnCount && all.columnCount == columnCount && all.unusedBitsAreZero)
    for row in 0..<all.rowCount {
      #expect(all[row: row].enumerated().reduce(0) { $0 + ($1.element ? 1 << $1.offset : 0) } == row)
    }
    #expect(all.columnMeans.allSatisfy { $0 == 0.5 })
  }

  @Test("bits become scalars and back", arguments: widths)
  func scalars(columnCount: Int) {
    var generator = SplitMix(state: 5)
    let table = randomBits(rowCount: 6, columnCount: columnCount, probability: 0.2, using: &generator)
    var matrix = Matrix<Float>(rowCount: 6, columnCount: columnCount, repeating: .nan)
    matrix.withUnsafeMutableView { matrix in table.copyRows(0..<6, into: matrix) }
    for row in 0..<6 {
      for column in 0..<columnCount { #expect(matrix[row, column] == (table[row, column] ? 1 : 0)) }
    }
    #expect(BinaryMatrix(matrix) == table)

    var doubles = Matrix<Double>(rowCount: 6, columnCount: columnCount, repeating: 7)
    doubles.withUnsafeMutableView { doubles in table.copyRows(2..<5, into: doubles.rows(1..<4)) }
    for (row, chosen) in zip(1..<4, 2..<5) {
      #expect(doubles[row: row].map { $0 == 1 } == table[row: chosen])
    }
    for row in [0, 4, 5] { #expect(doubles[row: row].allSatisfy { $0 == 7 }) }
  }

  @Test("a copy keeps its bits when the other is changed")
  func valueSemantics() {
    let original = BinaryMatrix([[1, 0], [0, 1]])
    var copy = original
    copy[0, 1] = true
    #expect(original == BinaryMatrix([[1, 0], [0, 1]]))
    #expect(copy == BinaryMatrix([[1, 1], [0, 1]]))
    #expect(copy.description == "2 × 2 bits")
  }

  @Test("a broken contract stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { _ = BinaryMatrix(rowCount: 2, columnCount: 65)[0, 65] }
    await #expect(processExitsWith: .failure) { _ = BinaryMatrix([[1, 0], [1]]) }
    await #expect(processExitsWith: .failure) { _ = BinaryMatrix([[2]]) }
    await #expect(processExitsWith: .failure) { _ = BinaryMatrix.allRows(ofWidth: 25) }
    // A bit beyond the last column breaks the invariant.
    await #expect(processExitsWith: .failure) {
      _ = BinaryMatrix(rowCount: 1, columnCount: 3, words: [0b1000])
    }
    await #expect(processExitsWith: .failure) {
      var matrix = Matrix<Float>(rowCount: 1, columnCount: 2)
      matrix.withUnsafeMutableView { BinaryMatrix(rowCount: 2, columnCount: 2).copyRows(0..<2, into: $0) }
    }
  }
}
