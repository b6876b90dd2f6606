import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Packed tables")
struct PackedTests {
  /// Rows of noise, and names for their columns.
  private static func rows(_ rowCount: Int, _ columnCount: Int, seed: UInt64 = 1) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { _, _ in
      generator.nextWord() & 1 == 1
    }
  }

  private func withPacked(
    _ rows: BinaryMatrix, known: BinaryMatrix? = nil, names: [String]? = nil,
    _ body: (_ path: String) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/t.bits"
      let shape = TableWriter.Shape(columnCount: rows.columnCount, names: names)
      try TableFile(path: path).writing(shape) { (writer) throws(DensityError) in
        if let known {
          try writer.write(PartialRows(values: rows, known: known))
        } else {
          try writer.write(rows)
        }
      }
      try body(path)
    }
  }

  @Test(
    "rows come back, in memory and as a stream",
    arguments: [(1, 1), (512, 64), (513, 64), (5000, 100), (3, 40_000), (700, 65)])
  func roundTrip(rowCount: Int, columnCount: Int) throws {
    let rows = Self.rows(rowCount, columnCount)
    let names = columnCount < 200 ? (0..<columnCount).map { "c\"\($0), ä" } : nil
    try withPacked(rows, names: names) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .bits(rows) && table.columnNames == names)
      #expect(try BinaryMatrix(TableStream(path: path)) == rows)
      let columns = [columnCount - 1, 0]
      var options = TableOptions()
      options.columns = columns.map { "\($0 + 1)" }
      guard columnCount > 1 else { return }
      #expect(try DataTable.read(path, options).contents == .bits(rows.selecting(columns: columns)))
    }
  }

  @Test("missing cells come back", arguments: [1, 600, 5000])
  func missingCells(rowCount: Int) throws {
    let known = BinaryMatrix(rowCount: rowCount, columnCount: 70) { row, column in (row + column) % 5 != 0 }
    let all = Self.rows(rowCount, 70)
    let rows = BinaryMatrix(rowCount: rowCount, columnCount: 70) { all[$0, $1] && known[$0, $1] }
    try withPacked(rows, known: known) { path in
      guard case .partial(let partial) = try DataTable.read(path).contents else {
        Issue.record("no cells are missing")
        return
      }
      #expect(partial.values == rows && partial.known == known)
    }
  }

  @Test("another program finds the bytes where the documentation says they are")
  func bytes() throws {
    let rows = Self.rows(1000, 70)
    try withPacked(rows) { path in
      let file = try SafetensorsReader(path: path)
      #expect(file.metadata["format"] == "density packed table 2" && file.metadata["columns"] == "70")
      let bytes = try file.integers(named: "rows", shape: [1000, 16])
      for row in 0..<1000 {
        for column in 0..<70 {
          #expect((bytes[16 * row + column / 8] >> (column % 8) & 1 == 1) == rows[row, column])
        }
      }
      let counts = try file.integers(named: "counts", shape: [70, 8])
      for column in 0..<70 {
        let count = (0..<1000).count { rows[$0, column] }
        #expect(counts[8 * column..<8 * column + 8].reversed().reduce(0) { $0 << 8 + Int($1) } == count)
      }
    }
  }

  @Test("a file of the first version, which has no counts, is read, and its ones are counted")
  func firstVersion() throws {
    let folder = packageRoot + "/Tests/formats/packed1"
    let table = try DataTable.read(folder + "/rows.bits")
    let expected = try DataTable.read(folder + "/rows.csv")
    #expect(table.contents == expected.contents)
    let source = try unheld(folder + "/rows.bits").trainingRows
    #expect(try source.onBitCounts() == expected.rows(split: .train).onBitCounts())
  }

  @Test("whatever byte is damaged, it is noticed, and other blocks can be read")
  func damage() throws {
    // 256 rows a block: three blocks.
    let rows = Self.rows(600, 100)
    try withPacked(rows, names: (0..<100).map { "v\($0)" }) { path in
      let intact = try AtomicFile.read(path)
      let rowsStart = intact.count - 4 * 6 - 8 * 100 - 600 * 16
      let places =
        Array(0..<400) + stride(from: 400, to: intact.count, by: 97) + Array(intact.count - 20..<intact.count)
      for place in places {
        var bytes = intact
        bytes[place] ^= 1 << UInt8(place % 8)
        try AtomicFile.write(bytes, to: path)
        let error = #expect(throws: DensityError.self, "byte \(place)") { try DataTable.read(path) }
        guard place >= rowsStart, place < rowsStart + 600 * 16 else { continue }
        let block = (place - rowsStart) / 4096
        #expect(
          error?.description.contains("block \(block + 1) of 3: expected rows \(256 * block + 1) to") == true)
        var options = TableOptions()
        options.skipsDamaged = true
        let kept = (0..<600).filter { $0 / 256 != block }
        let table = try DataTable.read(path, options)
        #expect(table.contents == .bits(rows.selecting(kept)))
        #expect(table.summary.description.contains("\(600 - kept.count) rows in damaged blocks left out"))
      }
      for count in [0, 7, 8, 100, rowsStart, rowsStart + 5000, intact.count - 1] {
        try AtomicFile.write(Array(intact[..<count]), to: path)
        #expect(throws: DensityError.self, "\(count) bytes") { try DataTable.read(path) }
      }
    }
  }

  @Test("a file of another program, whole but impossible, is refused")
  func impossible() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/t.bits"
      let shapes: [(columns: String, rows: [Int], checks: Int)] = [
        ("0", [2, 8], 3), ("64", [2, 16], 3), ("-1", [2, 8], 3), ("64", [0, 8], 2), ("64", [2, 8], 4),
      ]
      for shape in shapes {
        let file = SafetensorsFile(
          metadata: ["format": "density packed table 1", "columns": shape.columns],
          tensors: [
            .init(
              name: "rows", shape: shape.rows,
              scalars: .uint8(Array(repeating: 0, count: shape.rows[0] * shape.rows[1]))),
            .init(
              name: "checks", shape: [shape.checks, 4],
              scalars: .uint8(Array(repeating: 0, count: 4 * shape.checks))),
          ])
        try file.write(to: path)
        #expect(throws: DensityError.self) { try DataTable.read(path) }
      }
    }
  }

  // MARK: Rows that are not held

  private func unheld(_ path: String, test: String? = nil) throws -> DataSplits {
    var options = TableOptions()
    options.heldByteCount = 0
    return try DataSplits.load(train: path, test: test, options)
  }

  @Test("missing cells of test rows stay missing where validation rows are held out")
  func missingTestCells() throws {
    try withPacked(Self.rows(2000, 3)) { path in
      try "1,,0\n,0,1\n".write(toFile: path + ".csv", atomically: true, encoding: .utf8)
      let data = try unheld(path, test: path + ".csv")
      #expect(data.isSampled && data.partialRows(.test)?.known.onBitCount == 4)
      let held = try data.holdingOutValidation(seed: 4)
      #expect(held.isSampled && held.test?.rowCount == 2)
      #expect(held.partialRows(.test)?.known == data.partialRows(.test)?.known)
      let other = data.validating(by: Self.rows(50, 3))
      #expect(other.isSampled && other.validation == Self.rows(50, 3))
      #expect(other.partialRows(.test)?.known == data.partialRows(.test)?.known)
    }
  }

  @Test("rows that are read as they are wanted are those of the file")
  func source() throws {
    let rows = Self.rows(2000, 130)
    try withPacked(rows) { path in
      let data = try unheld(path)
      #expect(data.isSampled && data.train.rowCount == 1000 && data.trainingRowCount == 2000)
      let source = data.trainingRows
      #expect(try BinaryMatrix(source) == rows && source.checksum == rows.checksum)
      #expect(try source.onBitCounts() == rows.onBitCounts())
      let wanted = [1999, 0, 7, 7, 512, 1024, 3]
      #expect(try source.bits(ofRows: wanted) == rows.selecting(wanted))
      #expect(try source.rows(inPass: 3).bits(ofRows: wanted) == rows.selecting(wanted))
      let held = try data.holdingOutValidation(seed: 4)
      let expected = try DataSplits(name: "t", train: rows).holdingOutValidation(seed: 4)
      #expect(held.validation == expected.validation && held.trainingRowCount == 1800)
      let remaining = held.trainingRows
      #expect(try remaining.onBitCounts() == expected.train.onBitCounts())
      for length in [1, 7, 100, 5000] {
        var parts: [BinaryMatrix] = []
        try remaining.forEachBlock(of: length) { part in
          parts.append(part)
          return true
        }
        #expect(parts.dropLast().allSatisfy { $0.rowCount == length })
        #expect(BinaryMatrix(concatenating: parts, columnCount: 130) == expected.train)
      }
      #expect(try remaining.bits(ofRows: Array(0..<1800)) == expected.train)
    }
  }

  @Test("what is learnt from them is what is learnt from the same rows in memory", arguments: [nil, 7])
  func training(stepsPerEpoch: Int?) throws {
    let rows = TrainingCase.chain(rowCount: 2500, variableCount: 11, seed: 3)
    try withPacked(rows) { path in
      func parameters(_ data: DataSplits) throws -> [Parameters<Float>] {
        let trainer = try Trainer(
          NADE(NADE.Configuration(variableCount: 11, hiddenCount: 9), seed: 1),
          data: data.holdingOutValidation(seed: 2),
          configuration: TrainingConfiguration(
            epochCount: 3, stepsPerEpoch: stepsPerEpoch, learningRate: 0.01, seed: 5,
            startsAtMarginals: true))
        _ = try trainer.run()
        // They differ in how the table is told from others alone.
        let bits = TrainingBits(trainer)
        return [bits.parameters, bits.best] + bits.optimizer
      }
      let fromFile = try parameters(unheld(path))
      #expect(try fromFile == parameters(.load(train: path)))
    }
  }

  @Test("a search of them finds more than baselines do")
  func search() throws {
    let rows = TrainingCase.chain(rowCount: 6000, variableCount: 11, seed: 3)
    try withPacked(rows) { path in
      let data = try unheld(path)
      let result = try DensitySearch(data, budget: .zero, seed: 3).run()
      #expect(result.validationRowCount == 600 && result.trialCount > 0)
      let independent = try IndependentBernoulli.fit(to: rows)
      #expect(DensitySearch.nll(result.density, rows) < DensitySearch.nll(independent, rows))
    }
  }

  // MARK: Shuffling

  @Test(
    "a shuffle has every row once, in an order of the seed",
    arguments: [(0, 3), (1, 3), (5000, 70), (40_000, 2000)])
  func shuffle(rowCount: Int, columnCount: Int) throws {
    // Each row is its number in binary and one bit that tells nothing.
    let rows = BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
      $1 < 16 ? $0 >> $1 & 1 == 1 : $1 == 20
    }
    func shuffled(seed: UInt64, blockLength: Int, misses: Bool) throws -> [BinaryMatrix] {
      let shuffle = RowShuffle(columnCount: columnCount, seed: seed, for: nil)
      try rows.forEachBlock(of: blockLength) { (block) throws(DensityError) in
        try shuffle.add(block, known: misses ? block : nil)
        return true
      }
      #expect(shuffle.rowCount == rowCount && shuffle.hasMissing == (misses && rowCount > 0))
      var (values, known): ([BinaryMatrix], [BinaryMatrix]) = ([], [])
      try shuffle.forEachBlock { block, cells in
        values.append(block)
        if let cells { known.append(cells) }
      }
      return [values, known].map { BinaryMatrix(concatenating: $0, columnCount: columnCount) }
    }
    let first = try shuffled(seed: 1, blockLength: 4096, misses: false)[0]
    #expect(try shuffled(seed: 1, blockLength: 100, misses: true) == [first, first])
    func numbers(_ rows: BinaryMatrix) -> [Int] {
      (0..<rows.rowCount).map { row in rows.onBits(ofRow: row).prefix { $0 < 16 }.reduce(0) { $0 + 1 << $1 } }
    }
    guard rowCount > 1 else { return #expect(first == rows) }
    #expect(numbers(first).sorted() == Array(0..<rowCount) && numbers(first) != Array(0..<rowCount))
    #expect(try shuffled(seed: 2, blockLength: 4096, misses: false)[0] != first)
  }

  @Test("all orders are equally likely")
  func uniformity() throws {
    let rows = BinaryMatrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    var counts: [BinaryMatrix: Int] = [:]
    for seed in 0..<3000 as Range<UInt64> {
      let shuffle = RowShuffle(columnCount: 3, seed: seed, for: nil)
      try shuffle.add(rows, known: nil)
      var parts: [BinaryMatrix] = []
      try shuffle.forEachBlock { block, _ in parts.append(block) }
      counts[BinaryMatrix(concatenating: parts, columnCount: 3), default: 0] += 1
    }
    // χ² with 5 degrees of freedom exceeds 28 with probability 4e-5.
    #expect(counts.count == 6)
    #expect(counts.values.reduce(0.0) { $0 + Double(($1 - 500) * ($1 - 500)) / 500 } < 28)
  }
}
