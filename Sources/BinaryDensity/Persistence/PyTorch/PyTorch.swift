import Kernels

/// The map between this package's networks and PyTorch's state dicts, kept as safetensors.
///
/// | network | arrays in PyTorch                                                                                       |
/// |---------|---------------------------------------------------------------------------------------------------------|
/// | MADE    | `layers.l.weight` (outputs × inputs), `layers.l.bias`, `layers.l.mask`; `direct.weight`, `direct.mask`  |
/// | FVSBN   | `weight` (outputs × inputs), `bias`, `mask`                                                             |
/// | NADE    | `W` (H × D), `c` (H), `V` (D × H), `b` (D)                                                              |
///
/// The last of a MADE's layers gives the logits. The metadata say `activation`, `ordering` (the variables in order) and
/// `degrees` (of the hidden units, a list a layer), the two as JSON. See FORMAT.md.
public enum PyTorch {
  /// Writes a network as a state dict: one MADE of one mask set, one NADE or one FVSBN.
  ///
  /// Weights that the mask forbids are written as zeros.
  /// - Throws: `DensityError.unsupported` for another density; `.unwritable`.
  public static func export(_ density: any Density, to path: String) throws(DensityError) {
    let file: SafetensorsFile
    switch density {
    case let made as MADE where made.componentCount == 1: file = stateDict(of: made)
    case let fvsbn as FVSBN: file = stateDict(of: fvsbn)
    case let nade as NADE: file = stateDict(of: nade)
    default:
      let found = (density as? MADE).map { "a MADE of \($0.componentCount) mask sets" }
      throw .unsupported(
        "a state dict holds a MADE of one mask set, a NADE or an FVSBN, not "
          + (found ?? "a density of type \(type(of: density))"))
    }
    try file.write(to: path)
  }

  private static func stateDict(of made: MADE) -> SafetensorsFile {
    let set = made.maskSets[0]
    let depth = made.configuration.hiddenCounts.count
    var tensors: [SafetensorsFile.Tensor] = []
    for layer in 0..<depth {
      tensors += linear("layers.\(layer).", made.parameters["w\(layer)"], set.staircases[layer])
      tensors.append(bias("layers.\(layer).bias", made.parameters["c\(layer)"]))
    }
    if depth > 0 { tensors += linear("layers.\(depth).", made.parameters["v"], set.staircases[depth]) }
    tensors.append(bias("layers.\(depth).bias", made.parameters["b"]))
    if made.configuration.hasDirectWeights {
      tensors += linear(
        depth > 0 ? "direct." : "layers.0.", made.parameters["direct"],
        set.staircases[set.staircases.count - 1])
    }
    var metadata = metadata(of: .made, ordering: set.ordering)
    metadata["activation"] = made.configuration.activation.rawValue
    metadata["degrees"] =
      JSONValue.array(set.hiddenDegrees.map { .array($0.map(JSONValue.integer)) }).description
    if made.configuration.isResidual { metadata["residual"] = "true" }
    return SafetensorsFile(metadata: metadata, tensors: tensors)
  }

  private static func stateDict(of fvsbn: FVSBN) -> SafetensorsFile {
    SafetensorsFile(
      metadata: metadata(of: .fvsbn, ordering: fvsbn.ordering),
      tensors: linear("", fvsbn.parameters["w"], fvsbn.masks(ofComponent: 0)[0])
        + [bias("bias", fvsbn.parameters["b"])])
  }

  private static func stateDict(of nade: NADE) -> SafetensorsFile {
    var metadata = metadata(of: .nade, ordering: nade.ordering)
    metadata["activation"] = nade.configuration.activation.rawValue
    return SafetensorsFile(
      metadata: metadata,
      tensors: [
        .init(name: "W", nade.parameters["w"].transposed), bias("c", nade.parameters["c"]),
        .init(name: "V", nade.parameters["v"]), bias("b", nade.parameters["b"]),
      ])
  }

  private static func metadata(of kind: ModelKind, ordering: Ordering) -> [String: String] {
    [
      "format": "pt", "model": kind.rawValue,
      "ordering": JSONValue.array(ordering.variables.map(JSONValue.integer)).description,
    ]
  }

  /// The weight and the mask of a linear layer, outputs × inputs.
  private static func linear(
    _ prefix: String, _ weights: Matrix<Float>, _ mask: Staircase
  ) -> [SafetensorsFile.Tensor] {
    let (inputs, outputs) = (weights.rowCount, weights.columnCount)
    let masked = Matrix<Float>(rowCount: outputs, columnCount: inputs) { output, input in
      mask.permits(input, output) ? weights[input, output] : 0
    }
    let permitted = (0..<outputs * inputs).map { UInt8(mask.permits($0 % inputs, $0 / inputs) ? 1 : 0) }
    return [
      .init(name: prefix + "weight", masked),
      .init(name: prefix + "mask", shape: [outputs, inputs], scalars: .bool(permitted)),
    ]
  }

  private static func bias(_ name: String, _ matrix: Matrix<Float>) -> SafetensorsFile.Tensor {
    SafetensorsFile.Tensor(name: name, shape: [matrix.columnCount], scalars: .float32(matrix.elements))
  }
}

extension Matrix {
  /// The matrix with rows and columns exchanged.
  package var transposed: Matrix { Matrix(rowCount: columnCount, columnCount: rowCount) { self[$1, $0] } }
}
