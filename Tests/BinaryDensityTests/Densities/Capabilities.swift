import BinaryDensity
import Kernels
import Testing

extension NetworkDensity {
  /// The logits (B × D) of each component.
  func logits(of rows: BinaryMatrix) -> [Matrix<Float>] {
    (0..<componentCount).map { component($0).conditionalLogits(of: rows) }
  }
}

extension Density {
  /// The density along its own ordering, which it must have.
  func chain() throws -> any AutoregressiveDensity { try #require(autoregressive()) }
}

extension ValidationJudge {
  /// The log-probabilities of all rows.
  func logProbabilities(of table: BinaryMatrix) -> [Double] {
    (try? logProbabilities(of: table) { (_) throws(DensityError) in true }) ?? []
  }
}
