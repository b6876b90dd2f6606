import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Lossless compression")
struct DensityCoderTests {
  /// Tables of every kind: like the model's, of one value, and of noise.
  private static func tables(_ density: any Density, seed: UInt64) throws -> [BinaryMatrix] {
    let count = density.variableCount
    var generator = Philox(seed: seed)
    return [
      try density.sample(count: 150, using: &generator),
      BinaryMatrix(rowCount: 3, columnCount: count),
      BinaryMatrix(rowCount: 70, columnCount: count) { _, _ in true },
      .random(66, count, probability: 0.5, seed: seed), BinaryMatrix(rowCount: 0, columnCount: count),
    ]
  }

  @Test(
    "rows come back, whatever compressed and decompressed them",
    arguments: InferenceCase.all + InferenceCase.grouped)
  func roundTrip(_ model: InferenceCase) throws {
    let density = try model.density(3)
    let coder = try density.coder()
    for rows in try Self.tables(density, seed: 4) {
      let bytes = coder.compress(rows)
      #expect(try coder.decompress(bytes) == rows)
      for (index, set) in InstructionSet.available.enumerated() {
        // Another number of threads with each.
        let again = set.run { Threads.run(on: index + 1) { coder.compress(rows) } }
        #expect(again == bytes, "\(set)")
        let found = try set.run { try Threads.run(on: 3 - index % 3) { try coder.decompress(bytes) } }
        #expect(found == rows, "\(set)")
      }
    }
  }

  /// Lanes and blocks of many sizes are walked: 64 lanes, a last block of a few rows, several blocks.
  @Test(
    "large models and tables", arguments: ModelCase.larger.map { $0.testDescription }.indices,
    [1, 64, 777, 3000])
  func larger(index: Int, rowCount: Int) throws {
    let density = try ModelCase.larger[index].model(seed: 2, spread: 0.3)
    var generator = Philox(seed: 9)
    let rows = try density.sample(count: rowCount, using: &generator)
    let coder = try density.coder()
    let bytes = try #require(InstructionSet.available.first).run { coder.compress(rows) }
    for threads in [1, 2, 3] {
      let found = try Threads.run(on: threads) { try coder.decompress(bytes) }
      #expect(found == rows)
    }
    try expectSize(bytes, rows, density)
  }

  /// The number of components that rows are coded by.
  private static func partCount(_ density: any Density) -> Int {
    guard density.autoregressive() == nil, let components = density.components else { return 1 }
    return components.reduce(0) { $0 + partCount($1.density) }
  }

  /// The bytes are within 0.5 % of what log p says, and a constant.
  private func expectSize(_ bytes: [UInt8], _ rows: BinaryMatrix, _ density: any Density) throws {
    let ideal = density.logProbabilities(of: rows).reduce(0) { $0 - $1 / log(2) }
    let layout = try CompressedRows(bytes).layout
    let components = Self.partCount(density)
    // The header; a lane's length and 31 to 39 bits; what the components of the first block's rows cost.
    let constant =
      Double(8 * 40 + layout.laneCount * (16 + 40)) + Double(layout.blockLength) * log2(Double(components))
    #expect(Double(8 * bytes.count) <= 1.005 * ideal + constant, "\(8 * bytes.count) bits for \(ideal)")
    #expect(Double(8 * bytes.count) >= 0.99 * ideal)
  }

  @Test("a file is within 0.5 % of Σ −log₂ p(x)", arguments: InferenceCase.some)
  func size(_ model: InferenceCase) throws {
    let density = try model.density(1)
    var generator = Philox(seed: 5)
    let rows = try density.sample(count: 20_000, using: &generator)
    let bytes = try density.coder().compress(rows)
    #expect(try density.coder().decompress(bytes) == rows)
    try expectSize(bytes, rows, density)
  }

  @Test("MNIST's test digits are within 0.5 %, header and all")
  func digits() throws {
    let data = try DataSplits.mnist(directory: MNISTTests.directory)
    let rows = try #require(data.test)
    let tree = try ChowLiuTree.fit(to: data.train.rows(0..<5000))
    let coder = try tree.coder()
    let bytes = coder.compress(rows)
    #expect(try coder.decompress(bytes) == rows)
    let ideal = tree.logProbabilities(of: rows).reduce(0) { $0 - $1 / log(2) }
    #expect(Double(8 * bytes.count) <= 1.005 * ideal)
  }

  @Test("no row costs more than 24 bits a cell")
  func worstCase() throws {
    // Every cell is as good as impossible.
    let density = IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 50) { _, _ in -60 })
    let rows = BinaryMatrix(rowCount: 100, columnCount: 50) { _, _ in true }
    let coder = try density.coder()
    let bytes = coder.compress(rows)
    #expect(try coder.decompress(bytes) == rows)
    #expect(8 * bytes.count <= 24 * 5000 + 8 * 48 && 8 * bytes.count >= 24 * 5000)
    // And what is certain costs as good as nothing.
    let none = BinaryMatrix(rowCount: 100, columnCount: 50)
    #expect(coder.compress(none).count <= 40)
    #expect(try coder.decompress(coder.compress(none)) == none)
  }

  @Test("what has log p of whole rows alone is refused, with who can")
  func opaque() {
    struct Opaque: Density {
      let variableCount = 3
      func logProbabilities(of rows: BinaryMatrix) -> [Double] { rows.words.map { _ in -3 * log(2) } }
    }
    for density in [Opaque(), Mixture([Opaque(), Opaque()])] as [any Density] {
      #expect {
        _ = try density.coder()
      } throws: {
        "\($0)".contains("Opaque gives log p of whole rows alone")
          && "\($0)".contains("conditionals along an order")
      }
    }
  }

  @Test("names and pictures come back, and who stops gets nothing")
  func extras() throws {
    let density = try ModelCase.made(6, [3, 1, 8], .softplus, direct: true, ordering: .random).model(seed: 1)
    let coder = try density.coder()
    let rows = BinaryMatrix.random(20, 6, seed: 1)
    let names = ["a", "b,\"c", "ü", "", "e", "f"]
    let bytes = coder.compress(rows, columnNames: names, imageShape: ImageShape(height: 2, width: 3))
    let file = try CompressedRows(bytes)
    #expect(file.columnNames == names && file.imageShape == ImageShape(height: 2, width: 3))
    #expect(file.rowCount == 20 && file.columnCount == 6 && file.fingerprint == coder.fingerprint)
    #expect(try coder.decompress(bytes) == rows)
    #expect(try coder.compress(rows) { (_) throws(DensityError) in false } == nil)
    #expect(try coder.decompress(file) { (_, _) throws(DensityError) in false } == false)
  }

  @Test("a checkpoint's density has the fingerprint of the one it was made of, and no other has")
  func fingerprints() throws {
    let nade = try NADE(
      NADE.Configuration(variableCount: 7, hiddenCount: 5, ordering: .random, seed: 1), seed: 1)
    let made = try MADE(
      MADE.Configuration(variableCount: 7, hiddenCounts: [9, 8], hasDirectWeights: true), seed: 2)
    let masks = try MADE(
      MADE.Configuration(variableCount: 7, hiddenCounts: [9], maskCount: 3, ordering: .resampled, seed: 3),
      seed: 3)
    let orders = try EoNADE(
      EoNADE.Configuration(variableCount: 7, hiddenCounts: [9], orderCount: 2, seed: 4), seed: 4)
    let fvsbn = try FVSBN(FVSBN.Configuration(variableCount: 7), seed: 5)
    let tree = try ChowLiuTree.fit(to: .random(50, 7, seed: 6))
    let densities: [any Density] = [
      nade, made, masks, orders, fvsbn, tree, Ensemble([made, fvsbn]), Mixture([nade, made, orders]),
      Mixture([nade, made, orders], weights: [1, 2, 3]), Mixture([nade, tree]),
    ]
    var fingerprints: Set<UInt32> = []
    for density in densities {
      let fingerprint = try density.coder().fingerprint
      try withTemporaryDirectory { folder in
        try Checkpoint(model: density).write(to: folder + "/model.safetensors")
        let read = try Checkpoint(contentsOf: folder + "/model.safetensors").model
        #expect(try read.coder().fingerprint == fingerprint)
      }
      fingerprints.insert(fingerprint)
    }
    #expect(fingerprints.count == densities.count)
    // One weight that no made-up row need see.
    var other = nade
    other.parameters["v"][3, 2] = other.parameters["v"][3, 2].nextUp
    #expect(try other.coder().fingerprint != nade.coder().fingerprint)
    let bytes = try nade.coder().compress(BinaryMatrix(rowCount: 1, columnCount: 7))
    #expect {
      _ = try other.coder().decompress(bytes)
    } throws: {
      "\($0)".contains("rows that this model compressed")
    }
  }
}
