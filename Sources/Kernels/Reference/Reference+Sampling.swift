extension Reference {
  /// Draws by definition: a whole pass through the network for every variable.
  static func networkSample<S: KernelScalar>(
    uniforms u: UnsafeMatrixView<S>, network: MaskedNetwork<S>, into words: UnsafeMutablePointer<UInt64>,
    logits z: UnsafeMutableMatrixView<S>
  ) {
    network.require(variableCount: u.columnCount)
    let wordCount = (u.columnCount + 63) / 64
    for row in 0..<u.rowCount {
      let rowWords = words + row * wordCount
      rowWords.update(repeating: 0, count: wordCount)
      var x = [S](repeating: 0, count: u.columnCount)
      for variable in network.ordering.map(Int.init) {
        let logit = logits(network, x)[variable]
        z[row, variable] = logit
        guard u[row, variable] < sigmoid(logit) else { continue }
        x[variable] = 1
        rowWords[variable / 64] |= 1 << UInt64(variable % 64)
      }
    }
  }

  private static func logits<S: KernelScalar>(_ network: MaskedNetwork<S>, _ x: [S]) -> [S] {
    var h = x
    for layer in network.hidden {
      let units = outputs(layer, h).map { value(of: network.activation, $0) }
      h = layer.addsInputs ? zip(units, h).map(+) : units
    }
    let direct = network.direct.map { outputs($0, x) }
    guard let output = network.output.map({ outputs($0, h) }) else { return direct ?? [] }
    return direct.map { zip(output, $0).map(+) } ?? output
  }

  private static func outputs<S: KernelScalar>(_ layer: MaskedLayer<S>, _ x: [S]) -> [S] {
    (0..<layer.weights.columnCount).map { n in
      var sum = layer.bias.map { $0[0, n] } ?? 0
      for k in x.indices where layer.mask.permits(k, n) { sum += x[k] * layer.weights[k, n] }
      return sum
    }
  }
}
