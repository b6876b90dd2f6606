import BinaryDensity
import Testing
import _TestSupport

@Suite("Ones of rows that are drawn")
struct DrawnOnesTests {
  private static let table = TrainingCase.chain(rowCount: 400, variableCount: 20, seed: 1)
  private static let data = DataSplits(name: "table", train: table)

  @Test("draws of the table's own density have as many ones as the table")
  func agreeing() throws {
    let tree = try ChowLiuTree.fit(to: Self.table)
    for seed in 0..<20 as Range<UInt64> {
      let ones = try #require(try DrawnOnes(of: tree, learntFrom: Self.data, seed: seed))
      #expect(!ones.isOff)
      #expect(ones.table.mean == Double(Self.table.onBitCount) / 400)
    }
  }

  @Test("draws of a density of sparser rows are off")
  func sparse() throws {
    let sparse = BinaryMatrix(rowCount: 400, columnCount: 20) { ($0 + $1) % 5 == 0 }
    let ones = try #require(
      try DrawnOnes(of: IndependentBernoulli.fit(to: sparse), learntFrom: Self.data, seed: 0))
    #expect(ones.isOff)
    #expect(abs(ones.drawn.mean - 4) < 1)
  }

  @Test("rows that all have equally many ones are not off by that")
  func constant() throws {
    let ones = BinaryMatrix(rowCount: 50, columnCount: 3) { _, _ in true }
    let density = try ChowLiuTree.fit(to: ones, pseudoCount: 1e-9)
    let found = try #require(
      try DrawnOnes(of: density, learntFrom: DataSplits(name: "ones", train: ones), seed: 0))
    #expect(!found.isOff && found.drawn.mean == 3)
  }

  @Test("one row tells nothing")
  func oneRow() throws {
    let data = DataSplits(name: "row", train: Self.table.rows(0..<1))
    #expect(try DrawnOnes(of: ChowLiuTree.fit(to: Self.table), learntFrom: data, seed: 0) == nil)
  }
}
