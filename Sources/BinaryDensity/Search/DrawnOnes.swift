import Essentials
import Kernels

/// How many ones the rows have that a density draws, beside those of the table that it learnt from.
///
/// log p asks how probable each variable is given the table's own values before it. In a draw the values before it are drawn too, so
/// that small errors add up.
package struct DrawnOnes: Sendable {
  /// Ones a row, of rows that were drawn.
  package let drawn: ExactMoments
  /// Ones a row of the table's training rows.
  package let table: ExactMoments

  private static let rowCount = 256
  private static let trustedErrors = 5.0

  /// Draws rows by a seed; nil where cells of the table are missing, whose ones nobody knows, and of one row, which tells
  /// nothing of others.
  package init?(of density: any Density, learntFrom data: DataSplits, seed: UInt64) throws(DensityError) {
    guard data.partialRows(.train) == nil, data.train.rowCount > 1 else { return nil }
    var generator = Philox(seed: seed, stream: .referenceRows)
    drawn = Self.moments(try density.evaluator().sample(count: Self.rowCount, using: &generator))
    table = Self.moments(data.train)
  }

  private static func moments(_ rows: BinaryMatrix) -> ExactMoments {
    var moments = ExactMoments()
    moments.add((0..<rows.rowCount).lazy.map { Double(rows.onBitCount(ofRow: $0)) })
    return moments
  }

  /// Whether the means are five standard errors apart or more, so that chance does not explain it.
  package var isOff: Bool {
    let (a, b) = (drawn.standardError ?? 0, table.standardError ?? 0)
    return abs(drawn.mean - table.mean) > Self.trustedErrors * (a * a + b * b).squareRoot()
  }
}
