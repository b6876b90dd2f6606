import BinaryDensity
import Testing
import _TestSupport

@Suite("Partial rows")
struct PartialRowsTests {
  @Test("cells are known or not, and an unknown one has no value", arguments: [1, 63, 64, 65, 130])
  func cells(columnCount: Int) {
    let (values, known) = (
      BinaryMatrix.random(5, columnCount, seed: 1), BinaryMatrix.random(5, columnCount, seed: 2)
    )
    var rows = PartialRows(values: values, known: known)
    for row in 0..<5 {
      for column in 0..<columnCount {
        #expect(rows[row, column] == (known[row, column] ? values[row, column] : nil))
        #expect(!rows.values[row, column] || rows.known[row, column])
      }
      #expect(rows[row: row] == (0..<columnCount).map { rows[row, $0] })
    }
    rows[3, columnCount - 1] = true
    #expect(rows[3, columnCount - 1] == true && rows.values[3, columnCount - 1])
    rows[3, columnCount - 1] = nil
    #expect(rows[3, columnCount - 1] == nil && !rows.values[3, columnCount - 1])
  }

  @Test func equalKnowledgeIsEqual() {
    let first = PartialRows(values: BinaryMatrix([[1, 0]]), known: BinaryMatrix([[0, 1]]))
    #expect(first == PartialRows([[nil, 0]]))
    #expect(first != PartialRows([[0, 0]]))
    #expect(PartialRows([[nil, nil]]) == PartialRows(rowCount: 1, columnCount: 2))
    #expect(PartialRows(BinaryMatrix([[1, 1, 0]]), knownColumns: [2, 0]) == PartialRows([[1, nil, 0]]))
    #expect(PartialRows([[1], [nil]]).selecting([1, 1, 0]) == PartialRows([[nil], [nil], [1]]))
    #expect(PartialRows([[1, nil], [nil, nil]]).description == "2 × 2 cells, 1 known")
  }

  @Test func shapesThatDiffer() async {
    await #expect(processExitsWith: .failure) {
      _ = PartialRows(
        values: BinaryMatrix(rowCount: 1, columnCount: 2), known: BinaryMatrix(rowCount: 1, columnCount: 3))
    }
    await #expect(processExitsWith: .failure) {
      _ = PartialRows(BinaryMatrix(rowCount: 1, columnCount: 2), knownColumns: [2])
    }
  }
}
