import CKernels

extension Float {
  public static func networkSample(
    uniforms u: MatrixView<Float>, network: MaskedNetwork<Float>, into words: UnsafeMutablePointer<UInt64>,
    logits z: MatrixView<Float>
  ) {
    network.require(variableCount: u.columnCount)
    z.require("z", shapeOf: u)
    network.withC {
      kernels.pointee.network_sample(u.raw, $0, words, (u.columnCount + 63) / 64, z.raw)
    }
  }
}

extension MaskedNetwork where Scalar == Float {
  /// Calls `body` with the network as the C kernels take it.
  fileprivate func withC(_ body: (ck_network) -> Void) {
    withLayers(hidden[...], []) { hidden in
      hidden.withUnsafeBufferPointer { hidden in
        ordering.withUnsafeBufferPointer { ordering in
          withLayer(output) { output in
            withLayer(direct) { direct in
              body(
                ck_network(
                  ordering: ordering.baseAddress, hidden: hidden.baseAddress, depth: hidden.count,
                  activation: activation.raw, output: output, direct: direct))
            }
          }
        }
      }
    }
  }

  private func withLayers(
    _ remaining: ArraySlice<MaskedLayer<Float>>, _ done: [ck_layer], _ body: ([ck_layer]) -> Void
  ) {
    guard let layer = remaining.first else { return body(done) }
    layer.mask.withC(spellingOutOrders: true) { mask in
      withLayers(remaining.dropFirst(), done + [layer.raw(mask)], body)
    }
  }

  private func withLayer(_ layer: MaskedLayer<Float>?, _ body: (UnsafePointer<ck_layer>?) -> Void) {
    guard let layer else { return body(nil) }
    layer.mask.withC(spellingOutOrders: true) { mask in withUnsafePointer(to: layer.raw(mask)) { body($0) } }
  }
}

extension MaskedLayer where Scalar == Float {
  fileprivate func raw(_ mask: ck_staircase) -> ck_layer {
    ck_layer(weights: weights.raw, bias: bias?.base, mask: mask)
  }
}

extension Philox {
  /// Fills a view, row by row, with the uniform numbers that the next words stand for, one word an element.
  ///
  /// Equal to `Scalar(unitFloat(nextWord()))` for each element in turn.
  package mutating func fill<Scalar: KernelScalar>(_ view: MatrixView<Scalar>) {
    if let floats = view as? MatrixView<Float> {
      kernels.pointee.uniforms(raw, floats.raw)
      self = Philox(
        seed: seed, stream: stream, position: position + UInt64(view.rowCount * view.columnCount))
      return
    }
    for row in 0..<view.rowCount {
      for column in 0..<view.columnCount { view[row, column] = Scalar(unitFloat(nextWord())) }
    }
  }
}
