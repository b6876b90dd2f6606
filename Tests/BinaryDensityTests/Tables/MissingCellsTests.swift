import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

extension PartialRows {
  /// Hides each cell of a table with the same chance, whatever it holds.
  init(_ rows: BinaryMatrix, hiding share: Double, seed: UInt64) {
    var generator = Philox(seed: seed, stream: 0x41DE)
    self.init(
      values: rows,
      known: BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount) { _, _ in
        Double.random(in: 0..<1, using: &generator) >= share
      })
  }
}

@Suite("Data sets with missing cells")
struct MissingCellsTests {
  private static let rows = PartialRows([
    [1, nil, 0], [0, 1, 1], [nil, nil, 1], [1, 1, nil], [0, 0, 0], [nil, 1, 1],
  ])

  @Test("a complete table is one without missing cells, whatever it is made of")
  func complete() {
    let complete = BinaryMatrix([[1, 0, 1], [0, 0, 1]])
    let all = BinaryMatrix(rowCount: 2, columnCount: 3) { _, _ in true }
    let data = DataSplits(name: "t", train: PartialRows(values: complete, known: all))
    #expect(data.partialRows(.train) == nil && data.train == complete && data.missingCellNotes() == [])
    #expect(data.fingerprint == DataSplits(name: "t", train: complete).fingerprint)
    #expect(PartialRows(complete, knownColumns: 0..<3).isComplete && !Self.rows.isComplete)
  }

  @Test("what is held out keeps what is known", arguments: [0, 1, 2] as [UInt64])
  func heldOut(seed: UInt64) throws {
    let whole = DataSplits(name: "t", train: Self.rows, test: Self.rows)
    let split = try whole.holdingOutValidation(fraction: 0.4, seed: seed)
    func rows(_ part: DataSplit) throws -> [[Bool?]] {
      let values = try #require(split[part])
      let partial = split.partialRows(part) ?? PartialRows(values, knownColumns: 0..<3)
      return (0..<values.rowCount).map { partial[row: $0] }
    }
    let (train, validation) = (try rows(.train), try rows(.validation))
    #expect(train.count == 4 && validation.count == 2)
    let all = (0..<6).map { Self.rows[row: $0] }
    #expect(Set(train + validation) == Set(all) && train == all.filter(train.contains))
    #expect(split.partialRows(.test) == Self.rows)
  }

  @Test("a missing cell is neither 0 nor 1 to a fingerprint")
  func fingerprint() {
    let partial = DataSplits(name: "t", train: Self.rows)
    let zeros = DataSplits(name: "t", train: Self.rows.values)
    #expect(partial.fingerprint.checksum != zeros.fingerprint.checksum)
    var other = Self.rows
    other[0, 1] = false
    #expect(DataSplits(name: "t", train: other).fingerprint.checksum != partial.fingerprint.checksum)
    let validated = DataSplits(name: "t", train: zeros.train, validation: zeros.train)
    let partlyValidated = DataSplits(
      name: "t", train: PartialRows(zeros.train, knownColumns: 0..<3), validation: Self.rows)
    #expect(validated.fingerprint.checksum != partlyValidated.fingerprint.checksum)
  }

  @Test("files with missing cells, in each part")
  func load() throws {
    try withTemporaryDirectory { folder in
      try DataSplitsTests.write("a,b,c\n1,,0\n0,1,1\n", folder + "/train.csv")
      try DataSplitsTests.write("a,b,c\nNA,1,0\n", folder + "/valid.csv")
      try DataSplitsTests.write("a,b,c\n1,1,1\n", folder + "/test.csv")
      let data = try DataSplits.load(
        train: folder + "/train.csv", validation: folder + "/valid.csv", test: folder + "/test.csv")
      #expect(data.partialRows(.train) == PartialRows([[1, nil, 0], [0, 1, 1]]))
      #expect(data.partialRows(.validation) == PartialRows([[nil, 1, 0]]))
      #expect(data.partialRows(.test) == nil && data.test == BinaryMatrix([[1, 1, 1]]))
      #expect(data.columnNames == ["a", "b", "c"])
      #expect(
        data.missingCellNotes() == [
          "train: 16.7 % of the training cells are missing, which is taken to be by chance alone"
        ])
    }
  }

  @Test("a column that nobody knows, and a row that knows nothing, are told of")
  func notes() {
    let data = DataSplits(name: "t", train: PartialRows([[1, nil, 0], [nil, nil, nil], [0, nil, 1]]))
    let notes = data.missingCellNotes()
    #expect(notes.count == 3)
    #expect(notes[1] == "warning: no training row knows column 2: nothing can be learnt of it")
    #expect(notes[2] == "1 of the 3 training rows knows nothing")
  }

  @Test("validation rows that are the training rows are told of, by what is known too")
  func leakage() {
    let same = DataSplits(name: "t", train: Self.rows, validation: Self.rows)
    #expect(same.leakageWarnings() == ["warning: the validation rows are the training rows"])
    let all = PartialRows(Self.rows.values, knownColumns: 0..<3)
    #expect(DataSplits(name: "t", train: Self.rows, validation: all).leakageWarnings() == [])
    // Rows that know all are the same whether others beside them do or not.
    let complete = PartialRows([[1, 0, 1], [0, 1, 1], [1, 1, 1], [1, 0, 1]])
    let gaps = PartialRows([[1, 0, 1], [nil, 1, 1], [0, 1, 1], [0, 0, 0]])
    #expect(DataSplits(name: "t", train: complete, test: gaps).sharedTestRowCount == 2)
    #expect(DataSplits(name: "t", train: gaps, test: complete).sharedTestRowCount == 3)
  }
}
