import Autodiff
import Kernels

/// A network read from a PyTorch state dict, kept as safetensors.
public struct PyTorchImport {
  /// The network: a `MADE`, a `NADE` or an `FVSBN`.
  public let model: any Density
  /// What was assumed because the file does not say it, such as the activation; empty if nothing was.
  public let assumptions: [String]

  /// Reads a state dict of a MADE, a NADE or an FVSBN whose arrays have the names of `PyTorch`.
  ///
  /// A MADE's layers may have any common prefix and any rising numbers, such as `net.0`, `net.2`; arrays may be `F16`,
  /// `BF16`, `F32` or `F64`. Which connections a layer has is what its `mask` says, or, where it has none, which of its
  /// weights are not zero; if the metadata say `ordering` and `degrees`, these say it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - activation: what hidden units apply, if the file does not say it; nil for ReLU in a MADE, the logistic function
  ///     in a NADE.
  /// - Throws: `DensityError.missingFile`, `.unreadable`, `.malformed`; `.mismatch` for names that fit no family, shapes
  ///   that do not fit each other, and connections that are autoregressive along no ordering.
  public init(contentsOf path: String, activation: Activation? = nil) throws(DensityError) {
    var reader = try StateDictReader(path: path)
    if reader.isNADE {
      model = try reader.nade(activation: activation)
    } else {
      model = try reader.layered(activation: activation)
    }
    assumptions = reader.assumptions
    try reader.file.expectNothingElse()
  }
}

/// The reading of one state dict.
private struct StateDictReader {
  let file: SafetensorsReader
  var assumptions: [String] = []
  private let names: [String]

  /// The names of a NADE's arrays: this package's, and those of the library pytorch-generative.
  private static let nadeNames = [["W", "c", "V", "b"], ["_in_W", "_in_b", "_h_W", "_h_b"]]

  init(path: String) throws(DensityError) {
    file = try SafetensorsReader(path: path)
    names = file.arrays.map(\.name)
  }

  private func mismatch(_ expected: String, _ found: String) -> DensityError {
    .mismatch(path: file.path, expected: expected, found: found)
  }

  // MARK: Families

  /// Whether more of a NADE's arrays are here than of the others'.
  var isNADE: Bool { nadeNames.filter(names.contains).count > layers.count }

  private var nadeNames: [String] {
    Self.nadeNames.max { $0.count(where: names.contains) < $1.count(where: names.contains) } ?? []
  }

  /// A layer of weights by its number: what stands before `weight` and `bias`.
  private struct Layer {
    let prefix: String
    let number: Int

    /// What stands before the number.
    var stem: Substring {
      let name = prefix.dropLast()
      return name[..<(name.lastIndex(of: ".") ?? name.startIndex)]
    }
  }

  /// The layers in order: `PREFIX.NUMBER.` with one prefix, or a single one without a number.
  private var layers: [Layer] {
    let all = names.filter { ($0 == "weight" || $0.hasSuffix(".weight")) && $0 != "direct.weight" }
      .map { String($0.dropLast("weight".count)) }
    let numbered = all.compactMap { prefix in
      Int(prefix.dropLast().split(separator: ".").last ?? "").map { Layer(prefix: prefix, number: $0) }
    }
    return numbered.isEmpty
      ? all.map { Layer(prefix: $0, number: 0) } : numbered.sorted { $0.number < $1.number }
  }

  /// Returns the shape of an array that must be there.
  private func shape(_ name: String, rank: Int, of family: String) throws(DensityError) -> [Int] {
    guard let shape = file.shape(of: name) else {
      let present = names.isEmpty ? "no array" : names.prefix(8).joined(separator: ", ")
      throw mismatch(
        "the arrays of a MADE, a NADE or an FVSBN (nearest is \(family), which lacks '\(name)')",
        present + (names.count > 8 ? ", …" : ""))
    }
    guard shape.count == rank else {
      throw mismatch("the array '\(name)' with \(rank) dimension\(rank == 1 ? "" : "s")", "\(shape)")
    }
    return shape
  }

  // MARK: NADE

  mutating func nade(activation: Activation?) throws(DensityError) -> NADE {
    let names = nadeNames
    let shapes = try names.enumerated().map { (index, name) throws(DensityError) in
      try shape(name, rank: index % 2 == 0 ? 2 : 1, of: "a NADE")
    }
    let (hidden, variables) = (shapes[1][0], shapes[3][0])
    let w = try file.matrix(named: names[0], rowCount: hidden, columnCount: variables).transposed
    let configuration = NADE.Configuration(
      variableCount: variables, hiddenCount: hidden,
      activation: try self.activation(activation, usual: .sigmoid), ordering: .natural, seed: nil)
    if let problem = configuration.problem { throw mismatch("a possible NADE", problem) }
    let ordering = try self.ordering(count: variables)
    if ordering == nil { assumptions.append("the columns' own ordering") }
    return NADE(
      configuration,
      parameters: [
        "w": w, "v": try file.matrix(named: names[2], rowCount: variables, columnCount: hidden),
        "b": try file.matrix(named: names[3], rowCount: 1, columnCount: variables),
        "c": try file.matrix(named: names[1], rowCount: 1, columnCount: hidden),
      ], ordering: ordering ?? .natural(count: variables))
  }

  // MARK: MADE and FVSBN

  /// Whether the metadata say that hidden layers add the layer below.
  private func isResidual() throws(DensityError) -> Bool {
    switch file.metadata["residual"] {
    case nil, "false": return false
    case "true": return true
    case let text?: throw mismatch("metadata 'residual' to be true or false", "'\(text)'")
    }
  }

  mutating func layered(activation: Activation?) throws(DensityError) -> any Density {
    let layers = layers
    let stems = Set(layers.map(\.stem))
    guard stems.count <= 1, Set(layers.map(\.number)).count == layers.count else {
      throw mismatch(
        "the layers of one network, PREFIX.NUMBER.weight with one prefix and numbers that rise",
        layers.map { "'\($0.prefix)weight'" }.joined(separator: ", "))
    }
    // Without any layer this is the array that is missing.
    let first = try shape((layers.first?.prefix ?? "layers.0.") + "weight", rank: 2, of: "a MADE")
    let variables = first[1]
    var sizes = [variables]
    for layer in layers {
      let shape = try shape(layer.prefix + "weight", rank: 2, of: "a MADE")
      guard shape[1] == sizes[sizes.count - 1] else {
        throw mismatch(
          "'\(layer.prefix)weight' of \(sizes[sizes.count - 1]) inputs, as the layer below gives", "\(shape)")
      }
      _ = try self.shape(layer.prefix + "bias", rank: 1, of: "a MADE")
      sizes.append(shape[0])
    }
    guard sizes[sizes.count - 1] == variables, variables > 0 else {
      throw mismatch("\(variables) logits, one an input, of the last layer", "\(sizes[sizes.count - 1])")
    }
    let hasDirect = names.contains("direct.weight")
    var weights: [Matrix<Float>] = []
    var recovery = MaskRecovery(variableCount: variables)
    for (index, layer) in layers.enumerated() {
      let matrix = try connectedWeights(layer.prefix, inputs: sizes[index], outputs: sizes[index + 1])
      if index < layers.count - 1 {
        recovery.addHiddenLayer(inputCount: matrix.rowCount, outputCount: matrix.columnCount) {
          matrix[$0, $1] != 0
        }
      }
      weights.append(matrix)
    }
    let direct = hasDirect ? try connectedWeights("direct.", inputs: variables, outputs: variables) : nil
    let top = weights[weights.count - 1]
    let solution =
      try storedDegrees(Array(sizes[1..<layers.count]), variableCount: variables)
      ?? recovery.solution(inputCount: top.rowCount) {
        top[$0, $1] != 0
      } isDirectlyConnected: { input, output in
        direct.map { $0[input, output] != 0 } ?? false
      }
    guard let solution else {
      throw mismatch(
        "layers whose masks, or weights that are zero, let each output see only variables before its own",
        "variables that see each other; is a mask missing?")
    }
    let biases = try zip(layers, sizes.dropFirst()).map { (layer, count) throws(DensityError) in
      try file.matrix(named: layer.prefix + "bias", rowCount: 1, columnCount: count)
    }
    guard layers.count > 1 else {
      return FVSBN(
        FVSBN.Configuration(variableCount: variables, ordering: .natural, seed: nil),
        parameters: ["w": weights[0], "b": biases[0]], ordering: solution.ordering)
    }
    return try made(
      sizes: sizes, weights: weights, biases: biases, direct: direct, solution: solution,
      activation: self.activation(activation, usual: .relu))
  }

  private func made(
    sizes: [Int], weights: [Matrix<Float>], biases: [Matrix<Float>], direct: Matrix<Float>?,
    solution: (ordering: Ordering, hiddenDegrees: [[Int]]), activation: Activation
  ) throws(DensityError) -> MADE {
    let depth = weights.count - 1
    let configuration = MADE.Configuration(
      variableCount: sizes[0], hiddenCounts: Array(sizes[1...depth]), activation: activation,
      hasDirectWeights: direct != nil, isResidual: try isResidual(), ordering: .natural,
      seed: nil)
    var parameters = Parameters<Float>()
    for layer in 0..<depth {
      parameters.append("w\(layer)", weights[layer])
      parameters.append("c\(layer)", biases[layer])
    }
    parameters.append("v", weights[depth])
    parameters.append("b", biases[depth])
    if let direct { parameters.append("direct", direct) }
    let set = MADE.MaskSet(
      ordering: solution.ordering, hiddenDegrees: solution.hiddenDegrees, in: configuration)
    if let problem = configuration.problem ?? MADE.MaskSet.problem(of: [set], in: configuration) {
      throw mismatch("a possible MADE", problem)
    }
    var made = MADE(configuration, parameters: parameters, maskSets: [set])
    // Weights without a mask of their own, under degrees that the metadata say.
    made.clearForbiddenWeights()
    return made
  }

  /// Returns the weights of a layer, inputs × outputs, with zeros where its mask, if it has one, forbids.
  private func connectedWeights(_ prefix: String, inputs: Int, outputs: Int) throws(DensityError) -> Matrix<
    Float
  > {
    var weights = try file.matrix(named: prefix + "weight", rowCount: outputs, columnCount: inputs)
    if names.contains(prefix + "mask") {
      let mask = try file.truths(named: prefix + "mask", shape: [outputs, inputs])
      for output in 0..<outputs {
        weights.withUnsafeMutableRow(output) { row in
          for input in 0..<inputs where !mask[output * inputs + input] { row[input] = 0 }
        }
      }
    }
    return weights.transposed
  }

  // MARK: Metadata

  private mutating func activation(_ given: Activation?, usual: Activation) throws(DensityError) -> Activation
  {
    if let name = file.metadata["activation"] {
      guard let activation = Activation(rawValue: name) else {
        throw malformed(
          "activation", Activation.allCases.map(\.rawValue).joined(separator: ", "), "'\(name)'")
      }
      return activation
    }
    if given == nil { assumptions.append("activation \(usual.rawValue)") }
    return given ?? usual
  }

  private func ordering(count: Int) throws(DensityError) -> Ordering? {
    guard let text = file.metadata["ordering"] else { return nil }
    guard let variables = integers(text), let ordering = Ordering(checking: variables),
      variables.count == count
    else {
      throw malformed("ordering", "a permutation of 0 … \(count - 1)", "'\(text)'")
    }
    return ordering
  }

  /// Returns the ordering and the degrees that the metadata say, if they say both.
  private func storedDegrees(
    _ counts: [Int], variableCount: Int
  ) throws(DensityError) -> (ordering: Ordering, hiddenDegrees: [[Int]])? {
    guard let ordering = try ordering(count: variableCount) else { return nil }
    guard !counts.isEmpty else { return (ordering, []) }
    guard let text = file.metadata["degrees"] else { return nil }
    let value = try? JSONValue(parsing: Array(text.utf8)[...], path: file.path)
    let degrees = value?.elements?.map { $0.elements?.compactMap(\.integer) ?? [] }
    guard let degrees, degrees.map(\.count) == counts else {
      throw malformed("degrees", "a list of the degrees of each layer of \(counts) units", "'\(text)'")
    }
    return (ordering, degrees)
  }

  private func integers(_ text: String) -> [Int]? {
    let elements = (try? JSONValue(parsing: Array(text.utf8)[...], path: file.path))?.elements
    guard let elements else { return nil }
    let integers = elements.compactMap(\.integer)
    return integers.count == elements.count ? integers : nil
  }

  private func malformed(_ key: String, _ expected: String, _ found: String) -> DensityError {
    .malformed(path: file.path, at: .field("metadata '\(key)'"), expected: expected, found: found)
  }
}
