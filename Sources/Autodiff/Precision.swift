import Kernels

/// The number format in which the products of a training are taken.
///
/// Parameters, sums and the optimizer's state are single precision in any case.
public enum Precision: String, CaseIterable, Hashable, Sendable, Codable {
  /// Single precision: 24 significant bits.
  case float32
  /// Operands rounded to bfloat16: 8 significant bits and the exponents of single precision.
  case bf16

  /// Whether this machine multiplies in this format.
  public var isAvailable: Bool {
    switch self {
    case .float32: true
    case .bf16: ProductMethod.bf16.isAvailable
    }
  }
}
