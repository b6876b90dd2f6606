import Kernels
import Synchronization

/// Exact ancestral sampling from a masked network of any depth in the operations of one likelihood.
///
/// A hidden unit of degree m is final once the first m variables of the ordering are known. The variables are drawn
/// in order, and just before each draw the units that have become final are computed, each once; drawing from
/// repeated full passes would cost D times as much.
struct IncrementalSampler: Sendable {
  private let network: PlannedNetwork

  /// Prepares to draw from a network.
  init(_ network: MaskedNetwork<Float>) { self.network = PlannedNetwork(network) }

  /// Draws one row for each row of uniforms (B × D).
  func draw(_ uniforms: Matrix<Float>) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    let (rowCount, columnCount) = (uniforms.rowCount, uniforms.columnCount)
    let wordCount = rowCount * ((columnCount + 63) / 64)
    var logits = Matrix<Float>(uninitializedRowCount: rowCount, columnCount: columnCount)
    let words = [UInt64](unsafeUninitializedCapacity: wordCount) { buffer, count in
      if let base = buffer.baseAddress {
        logits.withUnsafeMutableView(reading: uniforms) {
          network.sample(uniforms: $1, into: base, logits: $0)
        }
      }
      count = wordCount
    }
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
