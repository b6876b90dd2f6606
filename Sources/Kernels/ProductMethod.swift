import CKernels

/// How a masked layer multiplies.
public enum ProductMethod: Hashable, Sendable, CaseIterable {
  /// Every permitted product.
  case dense
  /// Only where x is not zero: for an x that mostly is.
  case sparse
  /// Every permitted product of operands rounded to bfloat16 (8 significant bits), summed in single precision.
  ///
  /// It is `dense` where `isAvailable` says no, and in Double.
  case bf16

  /// Whether this machine and the current instruction set have the method.
  public var isAvailable: Bool { self == .bf16 ? ck_has_bf16() : true }
}

/// Which operand of a product is transposed.
public enum Transposition: Hashable, Sendable {
  /// a · b
  case none
  /// aᵀ · b
  case left
  /// a · bᵀ
  case right
}
