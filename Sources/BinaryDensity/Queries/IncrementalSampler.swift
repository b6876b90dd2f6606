import Kernels

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
  func draw(_ uniforms: Matrix<Float>) -> BinaryMatrix {
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
    return BinaryMatrix(rowCount: rowCount, columnCount: columnCount, words: words)
  }
}
