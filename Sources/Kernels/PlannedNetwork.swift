import CKernels

/// A copy of a network whose weights are arranged for sampling, to draw from many times.
///
/// It serves every instruction set and any number of threads at once.
package final class PlannedNetwork: Sendable {
  // Owned: made here and freed in `deinit`. A pointer is not Sendable by itself, but nothing writes to the plan.
  nonisolated(unsafe) private let plan: OpaquePointer
  private let variableCount: Int

  /// Arranges the weights.
  ///
  /// - Complexity: one pass over the weights, and memory for those that the masks permit.
  package init(_ network: MaskedNetwork<Float>) {
    let variableCount = network.ordering.count
    network.require(variableCount: variableCount)
    plan = network.withC { ck_plan_create($0, variableCount) }
    self.variableCount = variableCount
  }

  deinit { ck_plan_free(plan) }

  /// Draws rows as `KernelScalar.networkSample` does.
  package func sample(
    uniforms u: UnsafeMatrixView<Float>, into words: UnsafeMutablePointer<UInt64>,
    logits z: UnsafeMutableMatrixView<Float>
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
  func withC<Result>(_ body: (ck_network) -> Result) -> Result {
    hidden.withC { hidden in
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

  private func withLayer<Result>(
    _ layer: MaskedLayer<Float>?, _ body: (UnsafePointer<ck_layer>?) -> Result
  ) -> Result {
    guard let layer else { return body(nil) }
    return layer.withC { withUnsafePointer(to: $0) { body($0) } }
  }
}

extension Array<MaskedLayer<Float>> {
  /// Calls `body` with the layers as the C kernels take them.
  func withC<Result>(_ body: ([ck_layer]) -> Result) -> Result {
    func with(_ remaining: ArraySlice<MaskedLayer<Float>>, _ done: [ck_layer]) -> Result {
      guard let layer = remaining.first else { return body(done) }
      return layer.withC { with(remaining.dropFirst(), done + [$0]) }
    }
    return with(self[...], [])
  }
}

extension MaskedLayer where Scalar == Float {
  /// Calls `body` with the layer as the C kernels take it.
  fileprivate func withC<Result>(_ body: (ck_layer) -> Result) -> Result {
    mask.withC(spellingOutOrders: true) { mask in
      weights.withUnsafeView { weights in
        bias.withUnsafeView { bias in
          body(ck_layer(weights: weights.raw, bias: bias?.base, mask: mask, adds_inputs: addsInputs))
        }
      }
    }
  }
}
