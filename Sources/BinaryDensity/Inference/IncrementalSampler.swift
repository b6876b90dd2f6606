import Kernels

/// Exact ancestral sampling from a masked network of any depth in the operations of one likelihood.
///
/// A hidden unit of degree m is final once the first m variables of the ordering are known. The variables are drawn
/// in order, and just before each draw the units that have become final are computed, each once; drawing from
/// repeated full passes would cost D times as much.
struct IncrementalSampler: Sendable {
  /// A masked layer.
  struct Layer: Sendable {
    let mask: Staircase
    /// K × N.
    let weights: Matrix<Float>
    /// 1 × N, or nil for zero.
    let bias: Matrix<Float>?

    /// The layer as kernels take it, valid while this one lives.
    fileprivate var view: MaskedLayer<Float> {
      MaskedLayer(weights: weights.view, bias: bias?.view, mask: mask)
    }
  }

  let ordering: Ordering
  /// The hidden layers, first to last.
  var hidden: [Layer] = []
  /// What the hidden units apply.
  var activation = Activation.relu
  /// From the last hidden layer to the logits; nil without hidden layers.
  var output: Layer?
  /// From the variables to the logits; nil without direct weights.
  var direct: Layer?

  /// Draws one row for each row of uniforms (B × D).
  func draw(_ uniforms: Matrix<Float>) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    let wordCount = uniforms.rowCount * ((uniforms.columnCount + 63) / 64)
    var logits = Matrix<Float>(rowCount: uniforms.rowCount, columnCount: uniforms.columnCount)
    let network = MaskedNetwork(
      ordering: ordering.variables.map(Int32.init), hidden: hidden.map(\.view), activation: activation,
      output: output?.view, direct: direct?.view)
    let words = [UInt64](unsafeUninitializedCapacity: wordCount) { buffer, count in
      if let base = buffer.baseAddress {
        Float.networkSample(
          uniforms: uniforms.view, network: network, into: base, logits: logits.mutableView)
      }
      count = wordCount
    }
    withExtendedLifetime((self, uniforms)) {}
    return (
      BinaryMatrix(rowCount: uniforms.rowCount, columnCount: uniforms.columnCount, words: words), logits
    )
  }
}
