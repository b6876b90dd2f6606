import CKernels

extension Float {
  public static func networkSample(
    uniforms u: MatrixView<Float>, network: MaskedNetwork<Float>, into words: UnsafeMutablePointer<UInt64>,
    logits z: MatrixView<Float>
  ) {
    PlannedNetwork(network).sample(uniforms: u, into: words, logits: z)
  }
}

/// A copy of a network whose weights are arranged for sampling, to draw from many times.
///
/// It outlives the network's views and serves every instruction set and any number of threads at once, for nothing
/// writes to it.
package final class PlannedNetwork: Sendable {
  // An address, because a pointer may not be sent to other threads even if nobody writes where it points.
  private let address: UInt
  private let variableCount: Int
  private var plan: OpaquePointer {
    guard let plan = OpaquePointer(bitPattern: address) else { preconditionFailure("a plan has an address") }
    return plan
  }

  /// Arranges the weights.
  ///
  /// - Complexity: one pass over the weights, and memory for those that the masks permit.
  package init(_ network: MaskedNetwork<Float>) {
    variableCount = network.ordering.count
    network.require(variableCount: variableCount)
    address = network.withC { [variableCount] in UInt(bitPattern: ck_plan_create($0, variableCount)) }
  }

  deinit { ck_plan_free(plan) }

  /// Draws rows as `KernelScalar.networkSample` does.
  package func sample(
    uniforms u: MatrixView<Float>, into words: UnsafeMutablePointer<UInt64>, logits z: MatrixView<Float>
  ) {
    u.require("u", rows: u.rowCount, columns: variableCount)
    z.require("z", shapeOf: u)
    // The kernel knows the plan by its address alone: without this the last reference could go, and the plan with it,
    // while rows are being drawn.
    withExtendedLifetime(self) {
      kernels.pointee.network_sample(plan, u.raw, words, (variableCount + 63) / 64, z.raw)
    }
  }
}

extension MaskedNetwork where Scalar == Float {
  /// Calls `body` with the network as the C kernels take it.
  fileprivate func withC<Result>(_ body: (ck_network) -> Result) -> Result {
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

  private func withLayers<Result>(
    _ remaining: ArraySlice<MaskedLayer<Float>>, _ done: [ck_layer], _ body: ([ck_layer]) -> Result
  ) -> Result {
    guard let layer = remaining.first else { return body(done) }
    return layer.mask.withC(spellingOutOrders: true) { mask in
      withLayers(remaining.dropFirst(), done + [layer.raw(mask)], body)
    }
  }

  private func withLayer<Result>(
    _ layer: MaskedLayer<Float>?, _ body: (UnsafePointer<ck_layer>?) -> Result
  ) -> Result {
    guard let layer else { return body(nil) }
    return layer.mask.withC(spellingOutOrders: true) { mask in
      withUnsafePointer(to: layer.raw(mask)) { body($0) }
    }
  }
}

extension MaskedLayer where Scalar == Float {
  fileprivate func raw(_ mask: ck_staircase) -> ck_layer {
    ck_layer(weights: weights.raw, bias: bias?.base, mask: mask, adds_inputs: addsInputs)
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
