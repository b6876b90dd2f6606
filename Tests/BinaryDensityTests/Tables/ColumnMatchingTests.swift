import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Columns by name")
struct ColumnMatchingTests {
  @Test("columns of the same names are found wherever they are")
  func permutation() throws {
    #expect(
      try ColumnMatching.columns(of: ["c", "a", "b"], matching: ["a", "b", "c"], path: "t") == [1, 2, 0])
    #expect(try ColumnMatching.columns(of: ["a", "b"], matching: ["a", "b"], path: "t") == nil)
  }

  @Test("without names, columns are taken as they stand")
  func positions() throws {
    #expect(try ColumnMatching.columns(of: nil, matching: ["a"], path: "t") == nil)
    #expect(try ColumnMatching.columns(of: ["a"], matching: nil, path: "t") == nil)
  }

  @Test(
    "names that differ, or that stand for two columns, are refused",
    arguments: [
      (["a", "x"], ["a", "b"]), (["a", "b", "c"], ["a", "b"]), (["a", "a"], ["a", "b"]),
      (["a", "b"], ["b", "b"]),
    ])
  func refusals(names: [String], wanted: [String]) {
    #expect(throws: DensityError.self) {
      try ColumnMatching.columns(of: names, matching: wanted, path: "t")
    }
  }

  @Test("selecting columns is asking for each bit", arguments: [1, 63, 64, 65, 130])
  func selecting(columnCount: Int) {
    let rows = BinaryMatrix.random(17, columnCount, seed: 1)
    var generator = Philox(seed: 2, stream: .sampling)
    let columns = Array(generator.permutation(of: columnCount).prefix(max(1, columnCount - 3)))
    let selected = rows.selecting(columns: columns)
    #expect(
      selected == BinaryMatrix(rowCount: 17, columnCount: columns.count) { rows[$0, columns[$1]] })
  }

  @Test("a checkpoint keeps the names of its columns, and refuses another number of them")
  func checkpoint() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/named.safetensors"
      let rows = BinaryMatrix.random(50, 3, seed: 1)
      let model = try ChowLiuTree.fit(to: rows)
      let names = ["age", "a\"b", "ü,\n"]
      try Checkpoint(model: model, columnNames: names).write(to: path)
      #expect(try Checkpoint(contentsOf: path).columnNames == names)
      #expect(try CheckpointOutline(contentsOf: path).checkpoint.columnNames == names)
    }
  }

  @Test("held-out rows that are the training rows are warned of; chance repetitions are not")
  func leakage() {
    let rows = BinaryMatrix.random(200, 40, seed: 1)
    let fresh = BinaryMatrix.random(200, 40, seed: 2)
    func warnings(_ train: BinaryMatrix, _ test: BinaryMatrix) -> [String] {
      DataSplits(name: "t", train: train, test: test).leakageWarnings()
    }
    #expect(warnings(rows, rows) == ["warning: the test rows are the training rows"])
    #expect(warnings(rows, fresh).isEmpty)
    let mixed = rows.rows(0..<120) + fresh.rows(0..<80)
    #expect(warnings(rows, mixed) == ["warning: 120 of the 200 test rows are training rows too"])
    // Of three variables there are but eight rows.
    #expect(warnings(BinaryMatrix.random(200, 3, seed: 1), BinaryMatrix.random(200, 3, seed: 2)).isEmpty)
  }
}
