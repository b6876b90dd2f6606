import Kernels
import Synchronization

/// Exact ancestral sampling from a masked network of any depth in the operations of one likelihood.
///
/// A hidden unit of degree m is final once the first m variables of the ordering are known. The variables are drawn
/// in order, and just before each draw the units that have become final are computed, each once; drawing from
/// repeated full passes would cost D times as much.
struct IncrementalSampler: Sendable {
  /// A masked layer.
  struct Layer {
    let mask: Staircase
    /// K × N.
    let weights: Matrix<Float>
    /// 1 × N, or nil for zero.
    let bias: Matrix<Float>?
    /// Whether a hidden layer adds its inputs to its units.
    var addsInputs = false

    /// The layer as kernels take it, valid while this one lives.
    fileprivate var view: MaskedLayer<Float> {
      MaskedLayer(weights: weights.view, bias: bias?.view, mask: mask, addsInputs: addsInputs)
    }
  }

  private let network: PlannedNetwork

  /// Prepares to draw from a network: hidden layers first to last, the layer from the last of them to the logits if
  /// there are any, and the one from the variables to the logits if it has direct weights.
  init(
    ordering: Ordering, hidden: [Layer] = [], activation: Activation = .relu, output: Layer? = nil,
    direct: Layer?
  ) {
    network = PlannedNetwork(
      MaskedNetwork(
        ordering: ordering.variables.map(Int32.init), hidden: hidden.map(\.view), activation: activation,
        output: output?.view, direct: direct?.view))
    withExtendedLifetime((hidden, output, direct)) {}
  }

  /// Draws one row for each row of uniforms (B × D).
  func draw(_ uniforms: Matrix<Float>) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    let (rowCount, columnCount) = (uniforms.rowCount, uniforms.columnCount)
    let wordCount = rowCount * ((columnCount + 63) / 64)
    var logits = Matrix<Float>(uninitializedRowCount: rowCount, columnCount: columnCount)
    let words = [UInt64](unsafeUninitializedCapacity: wordCount) { buffer, count in
      if let base = buffer.baseAddress {
        network.sample(uniforms: uniforms.view, into: base, logits: logits.mutableView)
      }
      count = wordCount
    }
    withExtendedLifetime(uniforms) {}
    return (BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: words), logits)
  }
}

/// The sampler that was asked for last, so that a model asked again need not arrange its weights again.
///
/// A model makes a new, empty one whenever its parameters are written.
final class LatestSampler: Sendable {
  private let latest = Mutex<(component: Int, sampler: IncrementalSampler)?>(nil)

  /// Returns the sampler of a component, making it if it is not the latest.
  func sampler(ofComponent component: Int, _ make: () -> IncrementalSampler) -> IncrementalSampler {
    if let latest = latest.withLock({ $0 }), latest.component == component { return latest.sampler }
    let sampler = make()
    latest.withLock { $0 = (component, sampler) }
    return sampler
  }
}
