import BinaryDensity
import Testing
import _TestSupport

@Suite("Parts of a table's rows")
struct ShardTests {
  @Test(
    "they are disjoint, cover all rows, and are of one size but for a row",
    arguments: [0, 1, 7, 64, 1000, 50_000_001], [1, 2, 3, 7, 64])
  func parts(rowCount: Int, count: Int) {
    let ranges = (1...count).map { Shard($0, of: count).rows(of: rowCount) }
    #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == rowCount)
    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    let sizes = ranges.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test func rowsBeyondAProductOfWords() {
    #expect(Shard(3, of: 4).rows(of: .max).count == .max / 4 + 1)
  }

  @Test func text() {
    #expect(Shard("3/64") == Shard(3, of: 64) && "\(Shard(3, of: 64))" == "3/64")
    for text in ["", "3", "0/4", "5/4", "3/", "/4", "3/4/5", "-1/4", "a/b", "3/0", "1/1048577"] {
      #expect(Shard(text) == nil)
    }
  }

  @Test(
    "rows that are passed over are not there", arguments: ["t.npy", "t.idx", "t.npy.gz"], [0, 1, 700, 999])
  func skipping(name: String, count: Int) throws {
    let rows = BinaryMatrix.random(1000, 70, seed: 3)
    try withTemporaryDirectory { folder in
      try TableFile(path: folder + "/" + name).write(rows)
      let stream = try TableStream(path: folder + "/" + name)
      #expect(stream.promisedRowCount == 1000)
      #expect(try stream.skip(rows: count) == count)
      #expect(try BinaryMatrix(stream) == rows.rows(count..<1000))
    }
  }

  @Test func whereRowsAreLinesNoneIsPassedOver() throws {
    let rows = BinaryMatrix.random(100, 7, seed: 3)
    try withTemporaryDirectory { folder in
      try TableFile(path: folder + "/t.csv").write(rows)
      let stream = try TableStream(path: folder + "/t.csv")
      #expect(try stream.promisedRowCount == nil && stream.skip(rows: 5) == 0)
      #expect(try BinaryMatrix(stream) == rows)
    }
  }
}
