import Autodiff
import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Sources of rows")
struct RowSourceTests {
  /// Rows of few bits, of many, of none and of all.
  static func rows(_ rowCount: Int, _ columnCount: Int, seed: UInt64) -> BinaryMatrix {
    var generator = SplitMix(state: seed)
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { row, _ in
      Double.random(in: 0..<1, using: &generator) < [0.1, 0.6, 0, 1][row % 4]
    }
  }

  /// The natural order (nil), its reverse, and a random one.
  static func orders(_ count: Int, seed: UInt64) -> [[Int]?] {
    var generator = Philox(seed: seed)
    return [nil, Array((0..<count).reversed()), generator.permutation(of: count)]
  }

  /// A batch holds what its rows are, column by column, in its order.
  static func expect<Scalar: KernelScalar>(
    _ batch: RowBatch<Scalar>, holds rows: [Int], of table: BinaryMatrix, _ comment: Comment
  ) {
    let order = batch.columnOrder ?? Array(0..<table.columnCount)
    #expect(batch.rowCount == rows.count, comment)
    for (place, row) in rows.enumerated() {
      let bits = order.map { table[row, $0] }
      #expect(batch.numbers(.values, ofRow: place) == bits.map { $0 ? 1 : 0 }, comment)
      #expect(batch.onBits(ofRow: place) == bits.indices.filter { bits[$0] }, comment)
    }
  }

  @Test(
    "gathering is to expand and then to permute",
    arguments: [0, 1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 784], InstructionSet.available)
  func gather(columnCount: Int, set: InstructionSet) {
    let table = Self.rows(13, columnCount, seed: 7)
    for (index, order) in Self.orders(columnCount, seed: 3).enumerated() {
      let floats = RowBatch<Float>(capacity: 20, columnCount: columnCount, columnOrder: order)
      let doubles = RowBatch<Double>(capacity: 20, columnCount: columnCount, columnOrder: order)
      // Fewer rows than before, and again more: nothing is left behind.
      for rows in [Array((0..<13).reversed()), [4], [], [5, 5, 0, 12, 5], Array(0..<13) + Array(0..<7)] {
        set.run { table.gather(rows, into: floats) }
        table.gather(rows, into: doubles)
        Self.expect(floats, holds: rows, of: table, "\(columnCount) columns, order \(index), rows \(rows)")
        Self.expect(doubles, holds: rows, of: table, "\(columnCount) columns, order \(index), rows \(rows)")
      }
    }
  }

  @Test(
    "the last columns are the context of the others, and a mask says what is known",
    arguments: [(1, 0), (3, 3), (20, 4), (65, 1), (130, 64)])
  func parts(columnCount: Int, contextCount: Int) {
    let table = Self.rows(9, columnCount, seed: 1)
    let known = Self.rows(9, columnCount, seed: 2)
    let values = BinaryMatrix(rowCount: 9, columnCount: columnCount) { table[$0, $1] && known[$0, $1] }
    let rows = [3, 8, 0, 0, 1]
    for order in Self.orders(columnCount, seed: 5) {
      let batch = RowBatch<Float>(
        capacity: 5, columnCount: columnCount, columnOrder: order, contextCount: contextCount, hasKnown: true)
      let variables = (order ?? Array(0..<columnCount)).prefix(columnCount - contextCount)
      let context = (order ?? Array(0..<columnCount)).suffix(contextCount)
      func numbers(_ table: BinaryMatrix, _ columns: some Sequence<Int>, _ row: Int) -> [Float] {
        columns.map { table[row, $0] ? 1 : 0 }
      }
      PartialRows(values: table, known: known).gather(rows, into: batch)
      for (place, row) in rows.enumerated() {
        #expect(batch.numbers(.values, ofRow: place) == numbers(values, variables, row))
        #expect(batch.numbers(.known, ofRow: place) == numbers(known, variables, row))
        #expect(batch.numbers(.context, ofRow: place) == numbers(values, context, row))
        #expect(batch.onBits(ofRow: place) == variables.indices.filter { values[row, variables[$0]] })
      }
      table.gather(rows, into: batch)
      for place in rows.indices {
        #expect(batch.numbers(.known, ofRow: place).allSatisfy { $0 == 1 })
      }
    }
  }

  @Test("streams in blocks of any length are the table", arguments: [1, 2, 3, 7, 16, 29, 30, 1000])
  func streams(length: Int) throws {
    let grey = BinarizationTests.noise(rowCount: 29, columnCount: 70, seed: 1)
    let fixed = grey.binarized(.standard, split: .train)
    let dynamic = DynamicBinarization(grey, fixed: fixed, seed: 5)
    for (source, expected) in [
      (fixed as any RowSource, fixed), (dynamic, fixed),
      (dynamic.rows(inPass: 3), grey.redrawn(seed: 5, epoch: 3)),
    ] {
      var blocks: [BinaryMatrix] = []
      try source.forEachBlock(of: length) { block in
        blocks.append(block)
        return true
      }
      #expect(blocks.dropLast().allSatisfy { $0.rowCount == length })
      #expect(blocks.count == (29 + length - 1) / length)
      #expect(BinaryMatrix(concatenating: blocks, columnCount: 70) == expected)
      #expect(try BinaryMatrix(source) == expected)
      // A stream ends where it is told to, and with the error of what it is told.
      var count = 0
      try source.forEachBlock(of: length) { _ in
        count += 1
        return count < 2
      }
      #expect(count == min(2, blocks.count))
      #expect(throws: DensityError.missingFile(path: "x")) {
        try source.forEachBlock(of: length) { (_) throws(DensityError) in throw .missingFile(path: "x") }
      }
    }
  }

  @Test("grey levels are drawn as they are asked for, by their place in the table")
  func dynamicBinarization() throws {
    let grey = BinarizationTests.noise(rowCount: 40, columnCount: 130, seed: 2)
    let fixed = grey.binarized(.standard, split: .train)
    let source = DynamicBinarization(grey, fixed: fixed, seed: 9)
    #expect(source.rowCount == 40 && source.columnCount == 130)
    let rows = [39, 0, 17, 17, 3]
    for order in Self.orders(130, seed: 4) {
      let batch = RowBatch<Float>(capacity: 5, columnCount: 130, columnOrder: order)
      source.gather(rows, into: batch)
      Self.expect(batch, holds: rows, of: fixed, "fixed")
      for epoch in [0, 1, 12] {
        let epochRows = source.rows(inPass: epoch)
        #expect(epochRows.checksum == fixed.checksum)
        try epochRows.gather(rows, into: batch)
        Self.expect(batch, holds: rows, of: grey.redrawn(seed: 9, epoch: epoch), "epoch \(epoch)")
      }
    }
  }

  @Test("an executor computes the same bits from a batch as from its numbers", arguments: [1, 7, 50])
  func executor(rowCount: Int) {
    let (variables, units) = (65, 40)
    let table = Self.rows(60, variables + 20, seed: 5)
    func gradients(isListed: Bool, contextCount: Int, dropout: Double, ordering: [Int]) -> [[UInt32]] {
      let inputs = Array(1...variables)
      let degrees = (0..<units).map { 1 + $0 * (variables - 1) / units }
      var graph = Graph()
      let x = graph.input("x", columns: variables, isSparse: true)
      let mask = graph.mask(
        Staircase(inputDegrees: ordering.map { inputs[$0] }, outputDegrees: degrees), isFixed: true)
      let dropped = dropout > 0 ? graph.dropout(x, rate: dropout) : x
      let a = graph.maskedLinear(
        dropped, weights: graph.parameter("w", rows: variables, columns: units), mask: mask)
      let c = graph.input("c", columns: contextCount)
      let shift = graph.product(c, graph.parameter("u", rows: contextCount, columns: units))
      let loss = graph.mean(graph.sum(graph.apply(.tanh, graph.add(a, shift)), over: .columns), over: .rows)
      var parameters = Parameters<Float>()
      parameters.append("w", .uniform(variables, units, seed: 6))
      parameters.append("u", .uniform(contextCount, units, seed: 7))
      let executor = Executor(
        graph, outputs: [a], loss: loss, batchCapacity: 50, parameters: parameters)
      executor.isTraining = true
      let batch = RowBatch<Float>(
        capacity: 50, columnCount: variables + contextCount, contextCount: contextCount)
      let rows = BinaryMatrix(rowCount: 60, columnCount: variables + contextCount) { table[$0, $1] }
      for start in [0, 60 - rowCount] {
        rows.gather(Array(start..<start + rowCount), into: batch)
        if isListed {
          executor.set(x, to: batch)
          executor.set(c, to: batch, part: .context)
        } else {
          for (input, part) in [(x, RowBatch<Float>.Part.values), (c, .context)] {
            let columns = batch.columnCount(of: part)
            executor.set(
              input,
              to: Matrix(
                rowCount: rowCount, columnCount: columns,
                elements: (0..<rowCount).flatMap { batch.numbers(part, ofRow: $0) }))
          }
        }
        executor.forward()
        executor.backward()
      }
      return [executor[a].bitPatterns] + executor.gradients.matrices.map(\.bitPatterns)
    }
    let natural = Array(0..<variables)
    for (dropout, contextCount, ordering) in [
      (0, 3, natural), (0, 17, natural.reversed()), (0.3, 1, natural), (0.3, 3, natural.reversed()),
    ] {
      #expect(
        gradients(isListed: true, contextCount: contextCount, dropout: dropout, ordering: ordering)
          == gradients(isListed: false, contextCount: contextCount, dropout: dropout, ordering: ordering))
    }
  }

  @Test("an evaluator gives the rows of any source the bits that it gives a table")
  func evaluator() throws {
    let table = Self.rows(50, 12, seed: 3)
    let random = try NADE(NADE.Configuration(variableCount: 12, hiddenCount: 9, ordering: .random), seed: 1)
    let made = try MADE(
      MADE.Configuration(variableCount: 12, hiddenCounts: [20], maskCount: 2, ordering: .resampled), seed: 2)
    let eonade = try EoNADE(
      EoNADE.Configuration(variableCount: 12, hiddenCounts: [8], orderCount: 3), seed: 3)
    let tree = try ChowLiuTree.fit(to: table)
    let densities: [any Density] = [
      random, made, eonade, tree, Ensemble([random, random]), Mixture([random, made, tree]),
    ]
    for density in densities {
      let expected = density.logProbabilities(of: table)
      let evaluator = Evaluator(density, batchCapacity: 7)
      let source = OtherRows(table: table)
      var fractions: [Double] = []
      let found = try evaluator.logProbabilities(of: source) { (fraction) throws(DensityError) in
        fractions.append(fraction)
        return true
      }
      #expect(found == expected)
      #expect(fractions == fractions.sorted() && fractions.last == 1)
      #expect(try evaluator.logProbabilities(of: source) { (_) throws(DensityError) in false } == nil)
      let error = DensityError.missingFile(path: "rows")
      #expect(throws: error) {
        let failing = OtherRows(table: table, error: error)
        _ = try evaluator.logProbabilities(of: failing) { (_) throws(DensityError) in true }
      }
    }
  }

  @Test("a fingerprint is the check of the training rows and then the validation rows")
  func fingerprint() {
    for (rowCount, columnCount) in [(1, 1), (3, 64), (5, 65), (100, 784)] {
      let train = Self.rows(rowCount, columnCount, seed: 1)
      let validation = Self.rows(rowCount + 2, columnCount, seed: 2)
      #expect(DataSplits(name: "a", train: train).fingerprint.checksum == train.checksum)
      let data = DataSplits(name: "a", train: train, validation: validation)
      #expect(data.fingerprint.checksum == (train + validation).checksum)
      #expect(data.fingerprint == data.fingerprint)
      let empty = DataSplits(name: "a", train: train, validation: train.rows(0..<0))
      #expect(empty.fingerprint.checksum == train.checksum)
    }
    // Checkpoints hold such numbers: they stay from version to version.
    let numbers = BinaryMatrix(rowCount: 5, columnCount: 70) { ($0 + 3) * ($1 + 1) % 7 < 3 }
    let data = DataSplits(name: "numbers", train: numbers, validation: numbers.rows(1..<3))
    #expect(data.fingerprint.description == "numbers: 5 × 70, checksum 89a4a869")
  }

  @Test("a broken contract stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      BinaryMatrix(rowCount: 2, columnCount: 3).gather(
        [2], into: RowBatch<Float>(capacity: 1, columnCount: 3))
    }
    await #expect(processExitsWith: .failure) {
      BinaryMatrix(rowCount: 2, columnCount: 3).gather(
        [0, 1], into: RowBatch<Float>(capacity: 1, columnCount: 3))
    }
    await #expect(processExitsWith: .failure) {
      BinaryMatrix(rowCount: 2, columnCount: 3).gather(
        [0], into: RowBatch<Float>(capacity: 1, columnCount: 4))
    }
    await #expect(processExitsWith: .failure) {
      _ = RowBatch<Float>(capacity: 1, columnCount: 3, columnOrder: [0, 1])
    }
    await #expect(processExitsWith: .failure) {
      _ = RowBatch<Float>(capacity: 1, columnCount: 3, columnOrder: [0, 1, 1])
    }
  }
}
