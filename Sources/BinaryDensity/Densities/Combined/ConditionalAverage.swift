import Essentials
import Kernels

/// The conditionals of an ensemble, member after member.
struct ConditionalAverage<Scalar: KernelScalar> {
  private let averaged: Ensemble.Averaged
  /// Σ_k w_k · z_k; or of probabilities log Σ_k w_k · σ(z_k).
  private var on: Matrix<Scalar>
  /// log Σ_k w_k · σ(−z_k), of probabilities.
  private var off: Matrix<Scalar>?

  init(_ averaged: Ensemble.Averaged, rowCount: Int, columnCount: Int) {
    self.averaged = averaged
    let isLogarithm = averaged == .probabilities
    on = Matrix(rowCount: rowCount, columnCount: columnCount, repeating: isLogarithm ? -.infinity : 0)
    off = isLogarithm ? on : nil
  }

  /// Adds the logits of a member's conditionals, of the rows from `row` on.
  mutating func add(_ logits: Matrix<Scalar>, weight: Double, atRow row: Int) {
    guard averaged == .probabilities else {
      on.withUnsafeMutableView(reading: logits) {
        Scalar.accumulate($1, scaledBy: Scalar(weight), into: $0.rows(row..<row + $1.rowCount))
      }
      return
    }
    let logWeight = log(weight)
    func add(_ sign: Double, to sums: inout Matrix<Scalar>) {
      for place in 0..<logits.rowCount {
        for column in 0..<logits.columnCount {
          let term = logWeight + logSigmoid(sign * Double(logits[place, column]))
          sums[row + place, column] = Scalar(logSumExp(Double(sums[row + place, column]), term))
        }
      }
    }
    add(1, to: &on)
    guard var rest = off.take() else { return }
    add(-1, to: &rest)
    off = rest
  }

  /// The logits of the averages.
  var logits: Matrix<Scalar> { logits(ofWeight: 1) }

  /// Returns the logits of the averages, of members whose weights have a sum of `total`.
  func logits(ofWeight total: Double) -> Matrix<Scalar> {
    guard let off else {
      guard total != 1 else { return on }
      var mean = Matrix<Scalar>(rowCount: on.rowCount, columnCount: on.columnCount)
      mean.withUnsafeMutableView(reading: on) {
        Scalar.accumulate($1, scaledBy: Scalar(1 / total), into: $0)
      }
      return mean
    }
    // The total is in both, and cancels.
    return Matrix(rowCount: on.rowCount, columnCount: on.columnCount) { on[$0, $1] - off[$0, $1] }
  }
}
