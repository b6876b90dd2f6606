import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

/// A table that keeps lists is the packed table of the same bits, whatever is done with it.
@Suite("Rows as lists of on-bits")
struct OnBitListsTests {
  /// Rows of few bits, with empty ones among them.
  static func packed(_ rowCount: Int, _ columnCount: Int, seed: UInt64 = 1) -> BinaryMatrix {
    var generator = Philox(seed: seed)
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { row, _ in
      row % 7 != 3 && generator.nextWord() % 12 == 0
    }
  }

  static func listed(_ rows: BinaryMatrix) -> BinaryMatrix {
    var lists = OnBitLists()
    lists.append(
      words: rows.words, wordsPerRow: (rows.columnCount + 63) / 64, rowCount: rows.rowCount)
    return BinaryMatrix(columnCount: rows.columnCount, lists: lists)
  }

  static let shapes = [(0, 5), (1, 1), (3, 0), (9, 63), (20, 64), (20, 65), (40, 700), (1100, 130)]

  @Test("every question has the answer of packed rows", arguments: shapes)
  func questions(rowCount: Int, columnCount: Int) {
    let packed = Self.packed(rowCount, columnCount)
    let listed = Self.listed(packed)
    #expect(listed.isListed && !packed.isListed)
    #expect(listed == packed && packed == listed && listed == Self.listed(packed))
    #expect(listed.hashValue == packed.hashValue && Set([listed, packed]).count == 1)
    #expect(listed.checksum == packed.checksum && listed.words == packed.words)
    #expect(listed.onBitCount == packed.onBitCount && listed.columnMeans == packed.columnMeans)
    #expect("\(listed)" == "\(packed)")
    for row in 0..<min(rowCount, 40) {
      #expect(Array(listed.onBits(ofRow: row)) == Array(packed.onBits(ofRow: row)))
      #expect(listed.onBitCount(ofRow: row) == packed.onBitCount(ofRow: row))
      #expect(listed[row: row] == packed[row: row])
      #expect((0..<columnCount).allSatisfy { listed[row, $0] == packed[row, $0] })
    }
    guard rowCount > 0 && columnCount > 0 else { return }
    // Another bit, row or column is another table.
    var other = packed
    other[rowCount - 1, columnCount - 1].toggle()
    #expect(listed != other && other != listed && Self.listed(other) != listed)
    #expect(listed != Self.listed(Self.packed(rowCount + 1, columnCount)))
  }

  @Test("parts, selections and sums are those of packed rows", arguments: shapes)
  func parts(rowCount: Int, columnCount: Int) throws {
    let packed = Self.packed(rowCount, columnCount)
    let listed = Self.listed(packed)
    for range in [0..<0, 0..<rowCount, rowCount / 3..<rowCount / 2, rowCount / 2..<rowCount] {
      #expect(listed.rows(range) == packed.rows(range) && listed.rows(range).isListed)
      #expect(listed.rows(range).words == packed.rows(range).words)
    }
    guard rowCount > 0 && columnCount > 0 else { return }
    let chosen = [rowCount - 1, 0, 0, rowCount / 2]
    #expect(listed.selecting(chosen) == packed.selecting(chosen))
    let columns = [columnCount - 1, 0, columnCount / 2, 0]
    #expect(listed.selecting(columns: columns) == packed.selecting(columns: columns))
    #expect(listed + listed == packed + packed && (listed + listed).isListed)
    #expect(listed + packed == packed + packed && packed + listed == packed + packed)
    let three = [listed, packed, listed]
    #expect(BinaryMatrix(concatenating: three, columnCount: columnCount) == packed + packed + packed)
    var blocks: [BinaryMatrix] = []
    try listed.forEachBlock(of: 7) { (block) throws(DensityError) in
      blocks.append(block)
      return true
    }
    #expect(BinaryMatrix(concatenating: blocks, columnCount: columnCount) == packed)
    #expect(listed.bits(ofRows: chosen) == packed.selecting(chosen))
    var (a, b) = (listed, packed)
    a[0, columnCount - 1] = true
    b[0, columnCount - 1] = true
    #expect(a == b && !a.isListed && a.words == b.words)
  }

  @Test("a table is made of lists in any order, and keeps them where they are smaller")
  func lists() {
    let rows = BinaryMatrix(onBits: [[3, 0, 3], [], [4999]], columnCount: 5000)
    #expect(rows.isListed && rows.rowCount == 3 && Array(rows.onBits(ofRow: 0)) == [0, 3])
    #expect(rows == BinaryMatrix(rowCount: 3, columnCount: 5000) { [[0, 3], [], [4999]][$0].contains($1) })
    let dense = BinaryMatrix(onBits: [[3, 0, 3], [], [4]], columnCount: 5)
    #expect(!dense.isListed && dense == BinaryMatrix([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]))
    #expect(BinaryMatrix(onBits: [[Int]](), columnCount: 4) == BinaryMatrix(rowCount: 0, columnCount: 4))
  }

  @Test("a batch holds the same after lists as after packed rows, whatever it held before")
  func gather() {
    let packed = Self.packed(30, 200)
    let (listed, dense) = (Self.listed(packed), RowSourceTests.rows(30, 200, seed: 3))
    for (index, order) in RowSourceTests.orders(200, seed: 5).enumerated() {
      let batch = RowBatch<Float>(capacity: 12, columnCount: 200, columnOrder: order)
      let doubles = RowBatch<Double>(capacity: 12, columnCount: 200, columnOrder: order)
      let steps: [([Int], BinaryMatrix)] = [
        ([1, 2, 3], listed), (Array(0..<12), dense), ([4], dense), ([9, 9, 0], listed),
        (Array(5..<17), listed), ([], listed), (Array(0..<8), dense), ([20, 21], listed),
        (Array(18..<30), listed), ([3], dense), (Array(2..<14), listed),
      ]
      for (rows, table) in steps {
        table.gather(rows, into: batch)
        table.gather(rows, into: doubles)
        let expected = table == listed ? packed : dense
        RowSourceTests.expect(batch, holds: rows, of: expected, "order \(index), rows \(rows)")
        RowSourceTests.expect(doubles, holds: rows, of: expected, "order \(index), rows \(rows)")
      }
    }
  }

  // MARK: Models

  private func data(listed isListed: Bool) -> DataSplits {
    func rows(_ count: Int, seed: UInt64) -> BinaryMatrix {
      let rows = Self.packed(count, 150, seed: seed)
      return isListed ? Self.listed(rows) : rows
    }
    return DataSplits(
      name: "lists", train: rows(1500, seed: 1), validation: rows(60, seed: 2), test: rows(60, seed: 3))
  }

  private func bits(of parameters: Parameters<Float>) -> [UInt32] {
    parameters.matrices.flatMap { $0.elements.map(\.bitPattern) }
  }

  @Test("training and likelihoods have the same bits", arguments: [ModelKind.nade, .made])
  func networks(kind: ModelKind) throws {
    func trained(_ data: DataSplits) throws -> (parameters: [UInt32], logProbabilities: [Double]) {
      let configuration = TrainingConfiguration(
        epochCount: 1, batchSize: 32, learningRate: 0.01, startsAtMarginals: true)
      func run<Model: NetworkDensity>(_ model: Model) throws -> (
        parameters: [UInt32], logProbabilities: [Double]
      ) {
        let trainer = try Trainer(model, data: data, configuration: configuration)
        _ = try trainer.run()
        let test = try #require(data.test)
        return (bits(of: trainer.best.parameters), trainer.best.logProbabilities(of: test))
      }
      return kind == .nade
        ? try run(NADE(NADE.Configuration(variableCount: 150, hiddenCount: 9), seed: 1))
        : try run(MADE(MADE.Configuration(variableCount: 150, hiddenCounts: [20]), seed: 1))
    }
    let (lists, words) = (try trained(data(listed: true)), try trained(data(listed: false)))
    #expect(lists.parameters == words.parameters && lists.logProbabilities == words.logProbabilities)
    #expect(data(listed: true).fingerprint == data(listed: false).fingerprint)
  }

  @Test("what is fitted by counting is the same")
  func counted() throws {
    let (lists, words) = (data(listed: true), data(listed: false))
    func mixture(_ data: DataSplits) throws -> BernoulliMixture {
      try BernoulliMixture.fit(
        to: data.train, validation: data.validation, componentCount: 5, iterationLimit: 6, seed: 2)
    }
    let (first, second) = (try mixture(lists), try mixture(words))
    #expect(first.logits == second.logits && first.logWeights == second.logWeights)
    let test = try #require(words.test)
    #expect(first.logProbabilities(of: Self.listed(test)) == second.logProbabilities(of: test))
    #expect(
      zip(first.logProbabilities(of: test), first.referenceLogProbabilities(of: test)).allSatisfy {
        abs($0 - $1) < 1e-4
      })
    let (tree, other) = (try ChowLiuTree.fit(to: lists.train), try ChowLiuTree.fit(to: words.train))
    #expect(tree.logProbabilities(of: Self.listed(test)) == other.logProbabilities(of: test))
    #expect(
      try IndependentBernoulli.fit(to: lists.train).logits == IndependentBernoulli.fit(to: words.train).logits
    )
    let held = try DataSplits(name: "t", train: lists.train).holdingOutValidation(seed: 4)
    let expected = try DataSplits(name: "t", train: words.train).holdingOutValidation(seed: 4)
    #expect(held.train == expected.train && held.validation == expected.validation && held.train.isListed)
    #expect(lists.hasFewOnBits == words.hasFewOnBits && !lists.hasFewOnBits)
  }

  @Test("warnings of shared rows are the same")
  func leakage() {
    let rows = Self.packed(80, 90)
    let lists = DataSplits(name: "t", train: Self.listed(rows), test: rows.rows(0..<40))
    #expect(
      lists.leakageWarnings() == DataSplits(name: "t", train: rows, test: rows.rows(0..<40)).leakageWarnings()
    )
    #expect(lists.leakageWarnings().count == 1)
  }

  @Test("of a table that few cells of are on, and only of such, it is so")
  func fewOnBits() {
    func data(_ share: Int) -> DataSplits {
      DataSplits(name: "t", train: BinaryMatrix(rowCount: 10, columnCount: share) { $1 == $0 % share })
    }
    #expect(data(32).hasFewOnBits && !data(31).hasFewOnBits)
  }

  @Test("missing cells of one part tell its rows from the lists of another")
  func leakageOfMissingCells() throws {
    let train = BinaryMatrix(rowCount: 60, columnCount: 300) { row, column in row % 2 == 0 && column == row }
    let known = BinaryMatrix(rowCount: 20, columnCount: 300) { _, column in column == 0 }
    let test = PartialRows(values: BinaryMatrix(rowCount: 20, columnCount: 300), known: known)
    for rows in [train, Self.listed(train)] {
      let data = DataSplits(
        name: "t", train: PartialRows(values: rows, known: .ones(like: rows)), test: test)
      #expect(data.leakageWarnings().isEmpty)
    }
    let data = try withTemporaryDirectory { folder in
      func line(_ cell: (Int) -> String) -> String { (0..<300).map(cell).joined(separator: ",") + "\n" }
      let rows = (0..<60).map { row in line { train[row, $0] ? "1" : "0" } }.joined()
      let unknown = line { $0 == 0 ? "0" : "?" }
      try Data(rows.utf8).write(to: URL(filePath: folder + "/train.csv"))
      try Data(String(repeating: unknown, count: 20).utf8).write(to: URL(filePath: folder + "/test.csv"))
      var options = TableOptions()
      (options.listedByteCount, options.hasHeader) = (0, false)
      return try DataSplits.load(train: folder + "/train.csv", test: folder + "/test.csv", options)
    }
    #expect(data.train.isListed && data.partialRows(.test) != nil)
    #expect(data.leakageWarnings().isEmpty)
  }

  @Test("knowledge, groups, descriptions, labels and files of lists are those of packed rows")
  func otherUses() throws {
    var rows = BinaryMatrix(rowCount: 200, columnCount: 400) { row, column in
      column < 5 ? column == row % 5 : (row * 7 + column * 3) % 97 == 0
    }
    let lists = Self.listed(rows)
    let known = BinaryMatrix(rowCount: 200, columnCount: 400) { ($0 + $1) % 3 != 0 }
    #expect(PartialRows(values: lists, known: Self.listed(known)) == PartialRows(values: rows, known: known))
    let groups = try #require(ColumnGroups.observed(in: rows))
    #expect(ColumnGroups.observed(in: lists) == groups && groups.groups.first == [0, 1, 2, 3, 4])
    #expect(try DataSplits(name: "t", train: lists).keeping(groups).groups == groups)
    #expect(throws: DensityError.self) {
      rows[150, 3] = true
      rows[150, 0] = true
      try groups.check(Self.listed(rows), path: "t")
    }
    rows = lists.packedForTest
    #expect(TableDescription(lists, pairCount: 5) == TableDescription(rows, pairCount: 5))
    let coder = try IndependentBernoulli.fit(to: rows).coder()
    #expect(coder.compress(lists) == coder.compress(rows))
    #expect(try coder.decompress(coder.compress(lists)) == rows)
    try withTemporaryDirectory { folder in
      for name in ["t.csv", "t.npy", "t.bits", "t.dat"] {
        for (index, table) in [lists, rows].enumerated() {
          try TableFile(path: folder + "/\(index)" + name).write(table)
        }
        #expect(
          FileManager.default.contents(atPath: folder + "/0" + name)
            == FileManager.default.contents(atPath: folder + "/1" + name))
      }
    }
  }

  @Test("a wide network's log p does not depend on how many rows are computed at once")
  func wideRows() throws {
    let columnCount = 20_000
    let rows = BinaryMatrix(onBits: (0..<700).map { [$0, $0 * 17 % columnCount] }, columnCount: columnCount)
    #expect(rows.isListed)
    let nade = try NADE(NADE.Configuration(variableCount: columnCount, hiddenCount: 2), seed: 3)
    let all = nade.logProbabilities(of: rows)
    for row in [0, 418, 419, 420, 699] {
      #expect(nade.logProbabilities(of: rows.rows(row..<row + 1).packedForTest) == [all[row]])
    }
  }

  // MARK: Files

  @Test(
    "a table is read whose lists are small, though packed it would be large for its file",
    arguments: ["dat", "svm"])
  func proportion(end: String) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/t." + end
      func write(_ rowCount: Int, _ item: (Int, Int) -> Int) throws {
        var text = ""
        for row in 0..<rowCount {
          let items = (0..<8).map { item(row, $0) }.sorted()
          text +=
            end == "dat"
            ? items.map(String.init).joined(separator: " ")
            : "0 " + items.map { "\($0):1" }.joined(separator: " ")
          text += "\n"
        }
        try Data(text.utf8).write(to: URL(filePath: path))
      }
      // 40 000 columns: 200 MB packed, of 1.6 MB.
      try write(40_000) { ($0 * 8 + $1 * 5003) % 40_000 + 1 }
      let rows = try DataTable.read(path).rows(split: .train)
      #expect(rows.isListed && rows.columnCount == 40_000 && rows.onBitCount == 320_000)
      #expect(try BinaryMatrix(TableStream(path: path)).isListed)
      // A mistyped index is still one, unless someone says how many columns there are.
      try write(4000) { $0 == 3999 && $1 == 0 ? 40_000_000 : ($0 + $1 * 503) % 4000 + 1 }
      #expect(throws: DensityError.self) { try DataTable.read(path) }
      var options = TableOptions()
      options.columnCount = 40_000_000
      #expect(try DataTable.read(path, options).rows(split: .train).onBitCount == 32_000)
    }
  }

  #if os(Linux)
    @Test("one large index costs the memory of its own row", arguments: ["dat", "svm"])
    func oneWideRow(end: String) async {
      await #expect(processExitsWith: .success) { [end] in
        try withTemporaryDirectory { folder in
          let path = folder + "/t." + end
          func line(_ item: Int) -> String { end == "dat" ? "\(item)\n" : "0 \(item):1\n" }
          let lines = (0..<2000).map { line($0 % 60 + 1) }.joined()
          // The last row is five megabytes when packed, and so would be those before it.
          try Data((lines + line(40_000_000) + line(7)).utf8).write(to: URL(filePath: path))
          var options = TableOptions()
          options.columnCount = 40_000_000
          let start = processMemory("VmRSS")
          let rows = try DataTable.read(path, options).rows(split: .train)
          #expect(processMemory("VmHWM") - start < 100_000_000)
          #expect(rows.isListed && rows.rowCount == 2002 && rows.onBitCount == 2002)
          let wanted = [0, 59, 60, 1999, 2000, 2001].map { Array(rows.onBits(ofRow: $0)) }
          #expect(wanted == [[0], [59], [0], [19], [39_999_999], [6]])
        }
      }
    }
  #endif

  private func read(_ path: String, _ change: (inout TableOptions) -> Void = { _ in }) throws -> BinaryMatrix
  {
    var options = TableOptions()
    options.listedByteCount = 0
    change(&options)
    return try DataTable.read(path, options).rows(split: .train)
  }

  @Test(
    "tables of few on-bits are read as lists, and others packed",
    arguments: ["t.csv", "t.npy", "t.idx", "t.svm", "t.dat", "t.bits", "t.csv.gz"])
  func files(name: String) throws {
    var rows = BinaryMatrix(rowCount: 300, columnCount: 3000) { ($0 * 31 + $1) % 701 == 0 }
    rows[299, 2999] = true
    try withTemporaryDirectory { folder in
      let path = folder + "/" + name
      for source in [rows, Self.listed(rows)] {
        try TableFile(path: path).write(source)
        let read = try read(path)
        #expect(read.isListed && read == rows)
        #expect(try DataTable.read(path).rows(split: .train) == rows)
        let columns = try self.read(path) { $0.columns = ["7-2000", "1"] }
        #expect(columns == rows.selecting(columns: Array(6..<2000) + [0]))
      }
      let dense = BinaryMatrix(rowCount: 40, columnCount: 100) { ($0 + $1) % 3 != 0 || $1 == 99 }
      try TableFile(path: path).write(dense)
      let packed = try read(path)
      #expect(!packed.isListed && packed == dense)
      // Few on-bits at first, and then many.
      let both = rows + BinaryMatrix.ones(rowCount: 200, columnCount: 3000)
      try TableFile(path: path).write(both)
      #expect(try read(path) == both)
    }
  }

  @Test("tables of items whose width grows, and that have a column 0, are read as they are packed")
  func items() throws {
    try withTemporaryDirectory { folder in
      for (name, base) in [("t.dat", 0), ("u.dat", 1)] {
        let path = folder + "/" + name
        var lines = ""
        var expected: [[Int]] = []
        // More than a chunk of a megabyte, wider and wider.
        for row in 0..<4000 {
          let items = [row % 7 + base, row + 10, row * 2 + 20]
          expected.append(items.map { $0 - base })
          lines += items.map(String.init).joined(separator: " ") + "\n"
        }
        try Data(lines.utf8).write(to: URL(filePath: path))
        let rows = try read(path)
        #expect(rows.isListed && rows == BinaryMatrix(onBits: expected, columnCount: 8019 - base))
        #expect(try BinaryMatrix(TableStream(path: path)) == rows)
      }
    }
  }

  @Test("a missing cell after rows that were lists")
  func others() throws {
    let row = [String](repeating: "0", count: 400).joined(separator: ",")
    try withTemporaryDirectory { folder in
      let path = folder + "/t.csv"
      let missing = "?," + row.dropFirst(2)
      try Data(([String](repeating: row, count: 12_000) + [missing]).joined(separator: "\n").utf8)
        .write(to: URL(filePath: path))
      var options = TableOptions()
      options.listedByteCount = 0
      guard case .partial(let partial) = try DataTable.read(path, options).contents else {
        Issue.record("no cell is missing")
        return
      }
      #expect(partial.rowCount == 12_001 && partial.known.onBitCount == 12_001 * 400 - 1)
      #expect(!partial.values.isListed && partial.values.onBitCount == 0)
    }
  }
}

extension BinaryMatrix {
  /// The same rows in packed words.
  fileprivate var packedForTest: BinaryMatrix {
    BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: words)
  }
}
