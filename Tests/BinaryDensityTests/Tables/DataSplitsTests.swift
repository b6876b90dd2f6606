import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Data sets in parts")
struct DataSplitsTests {
  static let csv = "1,0,1\n0,0,1\n"

  static func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test("a file a part")
  func load() throws {
    try withTemporaryDirectory { folder in
      try Self.write(Self.csv, folder + "/set.train.data")
      try Self.write("0 0 0\n", folder + "/valid")
      try TableFile(path: folder + "/test.npy").write(BinaryMatrix([[1, 1, 1]]))
      let all = try DataSplits.load(
        train: folder + "/set.train.data", validation: folder + "/valid", test: folder + "/test.npy")
      #expect(all.name == "set" && all.variableCount == 3 && all.imageShape == nil)
      #expect(all.train == BinaryMatrix([[1, 0, 1], [0, 0, 1]]) && all[.train] == all.train)
      #expect(all.validation == BinaryMatrix([[0, 0, 0]]) && all[.validation] == all.validation)
      #expect(all.test == BinaryMatrix([[1, 1, 1]]) && all[.test] == all.test)
      #expect(all.binarization == nil)
      #expect(try BinaryMatrix(all.trainingRows.rows(inPass: 5)) == all.train)
      let one = try DataSplits.load(train: folder + "/valid", name: "zeros", binarization: .dynamic(seed: 1))
      #expect(one.name == "zeros" && one.validation == nil && one.test == nil && one.binarization == nil)
    }
  }

  @Test("other columns than the training file's name the file")
  func mismatch() throws {
    try withTemporaryDirectory { folder in
      let train = folder + "/train.csv"
      let other = folder + "/other.csv"
      try Self.write(Self.csv, train)
      try Self.write("1,0\n", other)
      let error = DensityError.mismatch(path: other, expected: "3 columns as in \(train)", found: "2")
      #expect(throws: error) { try DataSplits.load(train: train, validation: other) }
      #expect(throws: error) { try DataSplits.load(train: train, test: other) }
      #expect(throws: DensityError.missingFile(path: folder + "/none")) {
        try DataSplits.load(train: train, test: folder + "/none")
      }
    }
  }

  @Test("grey levels are drawn once, or anew each epoch for training alone", arguments: [1, 2] as [UInt64])
  func dynamic(seed: UInt64) throws {
    let grey = BinarizationTests.noise(rowCount: 30, columnCount: 12, seed: seed)
    let array = IDXArray(dimensions: [30, 3, 4], elements: .uint8(grey.levels))
    try withTemporaryDirectory { folder in
      let path = folder + "/grey.idx"
      try array.write(to: path)
      let fixed = try DataSplits.load(
        train: path, validation: path, test: path, binarization: .stochastic(seed: seed))
      let fresh = try DataSplits.load(
        train: path, validation: path, test: path, binarization: .dynamic(seed: seed))
      for split in DataSplit.allCases {
        #expect(fixed[split] == grey.binarized(.stochastic(seed: seed), split: split))
        #expect(fresh[split] == fixed[split])
      }
      #expect(fixed.imageShape == ImageShape(height: 3, width: 4))
      #expect(try BinaryMatrix(fixed.trainingRows.rows(inPass: 3)) == fixed.train)
      let epochs = try [3, 4].map { try BinaryMatrix(fresh.trainingRows.rows(inPass: $0)) }
      #expect(epochs[0] == grey.redrawn(seed: seed, epoch: 3) && epochs[0] != epochs[1])
      #expect(fixed.binarization == .stochastic(seed: seed) && fresh.binarization == .dynamic(seed: seed))
    }
  }

  @Test("rows held out for validation", arguments: [1, 2, 3, 10, 1000], [0, 7] as [UInt64])
  func heldOut(rowCount: Int, seed: UInt64) throws {
    // Each row is its number in binary, so that none can be taken for another.
    let rows = BinaryMatrix(rowCount: rowCount, columnCount: 10) { $0 >> $1 & 1 == 1 }
    let all = DataSplits(name: "numbers", train: rows, test: rows.rows(0..<1))
    let split = try all.holdingOutValidation(seed: seed)
    #expect(split.test == all.test && split.name == "numbers")
    guard rowCount > 1 else {
      #expect(split.train == rows && split.validation == nil)
      return
    }
    func numbers(_ rows: BinaryMatrix) -> [Int] {
      (0..<rows.rowCount).map { row in rows.onBits(ofRow: row).reduce(0) { $0 + 1 << $1 } }
    }
    let validation = numbers(try #require(split.validation))
    #expect(validation.count == max(1, rowCount / 10))
    #expect((numbers(split.train) + validation).sorted() == Array(0..<rowCount))
    #expect(numbers(split.train) == numbers(split.train).sorted() && validation == validation.sorted())
    #expect(try all.holdingOutValidation(seed: seed).train == split.train)
    if rowCount == 1000 { #expect(try all.holdingOutValidation(seed: seed + 1).train != split.train) }
    let most = try all.holdingOutValidation(fraction: 0.999, seed: seed)
    #expect(most.train.rowCount >= 1 && most.train.rowCount + (most.validation?.rowCount ?? 0) == rowCount)
  }

  @Test("no more rows are held out than tell something")
  func heldOutLimit() throws {
    let all = DataSplits(name: "rows", train: BinaryMatrix(rowCount: 250_000, columnCount: 1))
    #expect(try all.holdingOutValidation(seed: 1).validation?.rowCount == 20_000)
    #expect(try all.holdingOutValidation(seed: 1).train.rowCount == 230_000)
    #expect(try all.holdingOutValidation(fraction: 0.5, atMost: 7, seed: 1).validation?.rowCount == 7)
    #expect(try all.holdingOutValidation(atMost: .max, seed: 1).validation?.rowCount == 25_000)
  }

  @Test("held-out rows keep their fixed draw, and the others are drawn anew")
  func heldOutGrey() throws {
    let grey = BinarizationTests.noise(rowCount: 50, columnCount: 70, seed: 8)
    try withTemporaryDirectory { folder in
      let path = folder + "/grey.idx"
      try IDXArray(dimensions: [50, 7, 10], elements: .uint8(grey.levels)).write(to: path)
      let all = try DataSplits.load(train: path, binarization: .dynamic(seed: 8))
      let split = try all.holdingOutValidation(seed: 1)
      let validation = try #require(split.validation)
      let fixed = (0..<50).map { all.train[row: $0] }
      let held = (0..<5).compactMap { fixed.firstIndex(of: validation[row: $0]) }
      try #require(Set(held).count == 5)
      let kept = (0..<50).filter { !held.contains($0) }
      #expect(split.train == all.train.selecting(kept))
      let second = try BinaryMatrix(split.trainingRows.rows(inPass: 2))
      #expect(second == grey.selecting(kept).redrawn(seed: 8, epoch: 2))
    }
  }

  @Test("a broken contract stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = DataSplits(
        name: "x", train: BinaryMatrix(rowCount: 1, columnCount: 2),
        test: BinaryMatrix(rowCount: 1, columnCount: 3))
    }
    await #expect(processExitsWith: .failure) {
      let rows = BinaryMatrix(rowCount: 4, columnCount: 2)
      _ = try DataSplits(name: "x", train: rows, validation: rows).holdingOutValidation(seed: 1)
    }
  }
}
