import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("PyTorch state dicts")
struct PyTorchTests {
  private static let folder = packageRoot + "/Tests/formats/pytorch"

  /// The files that PyTorch wrote, each with log p of all rows of six variables as PyTorch computed it.
  static let files: [(name: String, logProbabilities: [Double])] = {
    let lines = (try? String(contentsOfFile: folder + "/logprob.txt", encoding: .utf8))?.split(
      separator: "\n")
    let fields = (lines ?? []).map { $0.split(separator: " ") }
    return Dictionary(grouping: fields, by: { String($0[0]) })
      .map { (name: $0, logProbabilities: $1.compactMap { Double($0[1]) }) }.sorted { $0.name < $1.name }
  }()

  /// All rows with the first column as the highest digit, as Python's product counts.
  private static let rows = BinaryMatrix(rowCount: 64, columnCount: 6) { $0 >> (5 - $1) & 1 == 1 }

  private func imported(_ name: String) throws -> any Density {
    try PyTorchImport(contentsOf: "\(Self.folder)/\(name).safetensors").model
  }

  @Test("log p is PyTorch's", arguments: files.indices)
  func golden(index: Int) throws {
    let (name, expected) = Self.files[index]
    let found = try imported(name).logProbabilities(of: Self.rows)
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-5 * abs(b), "\(name)") }
  }

  @Test("what is exported is imported as the same density", arguments: files.indices)
  func roundTrip(index: Int) throws {
    try withTemporaryDirectory { folder in
      let model = try imported(Self.files[index].name)
      try PyTorch.export(model, to: folder + "/a.safetensors")
      let again = try PyTorchImport(contentsOf: folder + "/a.safetensors")
      #expect(again.assumptions.isEmpty)
      #expect(again.model.kind == model.kind)
      #expect(again.model.logProbabilities(of: Self.rows) == model.logProbabilities(of: Self.rows))
      try PyTorch.export(again.model, to: folder + "/b.safetensors")
      #expect(try AtomicFile.read(folder + "/a.safetensors") == AtomicFile.read(folder + "/b.safetensors"))
      // And it becomes a checkpoint, of a network without a seed.
      try Checkpoint(model: model).write(to: folder + "/c.safetensors")
      let loaded = try Checkpoint(contentsOf: folder + "/c.safetensors").model
      #expect(loaded.logProbabilities(of: Self.rows) == model.logProbabilities(of: Self.rows))
    }
  }

  @Test(
    "a trained network goes to PyTorch and back",
    arguments: [
      MADE.Configuration(
        variableCount: 6, hiddenCounts: [7, 5], activation: .softplus, hasDirectWeights: true, seed: 4),
      MADE.Configuration(variableCount: 6, hiddenCounts: [7, 7, 5], isResidual: true, seed: 5),
      MADE.Configuration(variableCount: 6, hiddenCounts: [], seed: 6),
    ])
  func networks(_ configuration: MADE.Configuration) throws {
    try withTemporaryDirectory { folder in
      var model = try MADE(configuration, seed: 3)
      if configuration.hasDirectWeights { model.parameters["direct"] = .uniform(6, 6, in: -1...1, seed: 7) }
      try PyTorch.export(model, to: folder + "/a.safetensors")
      let again = try PyTorchImport(contentsOf: folder + "/a.safetensors").model
      #expect(again.logProbabilities(of: Self.rows) == model.logProbabilities(of: Self.rows))
    }
  }

  @Test("what was assumed is told")
  func assumptions() throws {
    func assumptions(_ name: String) throws -> [String] {
      try PyTorchImport(contentsOf: "\(Self.folder)/\(name).safetensors").assumptions
    }
    #expect(try assumptions("made-buffers-f32") == ["activation relu"])
    #expect(try assumptions("made-degrees-f64").isEmpty)
    #expect(try assumptions("nade-f32") == ["activation sigmoid", "the columns' own ordering"])
    #expect(
      try PyTorchImport(contentsOf: Self.folder + "/nade-f32.safetensors", activation: .relu).assumptions
        .count == 1)
  }

  /// Expects one line with some words of an import.
  private func expectRefusal(
    _ tensors: [SafetensorsFile.Tensor], _ metadata: [String: String] = [:], _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/state.safetensors"
      try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
      let error = #expect(throws: DensityError.self, sourceLocation: sourceLocation) {
        try PyTorchImport(contentsOf: path)
      }
      let text = try #require(error).description
      #expect(text.hasPrefix(path) && !text.contains("\n"), sourceLocation: sourceLocation)
      for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
    }
  }

  private func array(_ name: String, _ shape: Int..., value: Float = 1) -> SafetensorsFile.Tensor {
    .init(name: name, shape: shape, scalars: .float32(Array(repeating: value, count: shape.reduce(1, *))))
  }

  @Test("names that fit no family: one line says which is nearest and what it lacks")
  func names() throws {
    try expectRefusal([], [:], "a MADE", "lacks 'layers.0.weight'", "no array")
    try expectRefusal(
      [array("encoder", 2, 2)], [:], "nearest is a MADE", "lacks 'layers.0.weight'", "encoder")
    try expectRefusal([array("net.0.weight", 3, 2)], [:], "nearest is a MADE", "lacks 'net.0.bias'")
    try expectRefusal(
      [array("W", 3, 2), array("V", 2, 3), array("b", 2)], [:], "nearest is a NADE", "lacks 'c'")
    try expectRefusal(
      [array("weight", 2, 2, value: 0), array("bias", 2), array("scale", 1)], [:], "array 'scale'")
  }

  @Test("shapes that do not fit each other, and masks that cannot be made out")
  func shapes() throws {
    try expectRefusal(
      [array("0.weight", 3, 2), array("0.bias", 3), array("2.weight", 2, 4), array("2.bias", 2)], [:],
      "'2.weight' of 3 inputs", "[2, 4]")
    try expectRefusal(
      [array("0.weight", 3, 2), array("0.bias", 3), array("2.weight", 4, 3), array("2.bias", 4)], [:],
      "2 logits", "4")
    try expectRefusal([array("0.weight", 3, 2), array("0.bias", 4)], [:], "2 logits")
    let dense = [array("0.weight", 3, 2), array("0.bias", 3), array("2.weight", 2, 3), array("2.bias", 2)]
    try expectRefusal(dense, [:], "before its own", "is a mask missing?")
    try expectRefusal(
      [array("W", 3, 2), array("V", 3, 2), array("b", 2), array("c", 3)], [:], "'V'", "[2, 3]", "[3, 2]")
    try expectRefusal(
      dense, ["ordering": "[0,0]", "degrees": "[[0,1,1]]"], "ordering", "permutation of 0 … 1")
    try expectRefusal(dense, ["ordering": "[1,0]", "degrees": "[[0,1]]"], "degrees", "[3] units")
    try expectRefusal(dense, ["ordering": "[1,0]", "degrees": "[[0,1,2]]"], "degree 2", "from 0 to 1")
    try expectRefusal(
      dense, ["ordering": "[1,0]", "degrees": "[[0,1,1]]", "activation": "gelu"], "activation", "gelu")
    try expectRefusal([array("weight", 2, 2, value: .nan), array("bias", 2)], [:], "finite")
    try expectRefusal(
      dense, ["ordering": "[1,0]", "degrees": "[[0,1,1]]", "residual": "True"], "'residual'", "'True'")
  }

  @Test("the layers of two networks, or two layers of one number, are refused")
  func twoNetworks() throws {
    let coder = [
      array("enc.0.weight", 5, 3, value: 0), array("enc.0.bias", 5), array("dec.0.weight", 3, 5, value: 0),
      array("dec.0.bias", 3),
    ]
    try expectRefusal(coder, [:], "one prefix", "'enc.0.weight'", "'dec.0.weight'")
    let twice = [
      array("n.0.weight", 3, 3, value: 0), array("n.0.bias", 3), array("n.00.weight", 3, 3, value: 0),
      array("n.00.bias", 3),
    ]
    try expectRefusal(twice, [:], "numbers that rise")
  }

  @Test("what a state dict cannot hold is refused")
  func unsupported() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a.safetensors"
      let made = try MADE(MADE.Configuration(variableCount: 4, hiddenCounts: [5], maskCount: 2), seed: 1)
      for (density, words) in [(made as any Density, "2 mask sets"), (Mixture([made]), "Mixture")] {
        let error = #expect(throws: DensityError.self) { try PyTorch.export(density, to: path) }
        let text = try #require(error).description
        #expect(text.contains(words))
      }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  /// Whatever scheme connections were made by, the network computes what it did.
  @Test("random connections that are autoregressive are made out", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func recovery(seed: UInt64) throws {
    var generator = Philox(seed: seed)
    let (count, widths) = (6, [9, 4])
    // Each unit has a degree of its own along a hidden ordering, and half of what that permits.
    let ordering = Ordering(Array(0..<count).shuffled(using: &generator))
    let degrees =
      [ordering.positions.map { $0 + 1 }]
      + widths.map { (0..<$0).map { _ in Int.random(in: 0..<count, using: &generator) } } + [
        ordering.positions
      ]
    var tensors: [SafetensorsFile.Tensor] = []
    for layer in 0..<degrees.count - 1 {
      let (below, above) = (degrees[layer], degrees[layer + 1])
      let weights = above.flatMap { n in
        below.map { k in
          k <= n && Bool.random(using: &generator) ? Float.random(in: -1...1, using: &generator) : 0
        }
      }
      tensors.append(
        .init(name: "\(layer).weight", shape: [above.count, below.count], scalars: .float32(weights)))
      tensors.append(array("\(layer).bias", above.count, value: 0.1))
    }
    try withTemporaryDirectory { folder in
      let path = folder + "/state.safetensors"
      try SafetensorsFile(tensors: tensors).write(to: path)
      let made = try PyTorchImport(contentsOf: path).model
      let found = made.logProbabilities(of: Self.rows)
      for (row, value) in found.enumerated() {
        var h = Self.rows[row: row].map { $0 ? 1.0 : 0 }
        let x = h
        for (layer, tensor) in stride(from: 0, to: tensors.count, by: 2).map({ tensors[$0] }).enumerated() {
          guard case .float32(let weights) = tensor.scalars else { continue }
          let inputs = h
          h = (0..<tensor.shape[0]).map { unit in
            inputs.indices.reduce(0.1) { $0 + Double(weights[unit * inputs.count + $1]) * inputs[$1] }
          }
          if layer < degrees.count - 2 { h = h.map { max($0, 0) } }
        }
        let expected = zip(x, h).reduce(0) { $0 - log1p(exp($1.0 == 1 ? -$1.1 : $1.1)) }
        #expect(abs(value - expected) <= 1e-5 * abs(expected))
      }
      #expect(abs(found.reduce(0) { $0 + exp($1) } - 1) < 1e-5)
    }
  }
}
