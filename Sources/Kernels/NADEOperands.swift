/// The operands of the NADE recursion besides its rows.
public struct NADEOperands<Scalar> {
  /// D × H, from the variables into the hidden units.
  package let w: UnsafeMatrixView<Scalar>
  /// D × H, from the hidden units to the conditionals.
  package let v: UnsafeMatrixView<Scalar>
  /// 1 × D, the biases of the conditionals.
  package let b: UnsafeMatrixView<Scalar>
  /// 1 × H, the biases of the hidden units.
  package let c: UnsafeMatrixView<Scalar>
  /// The permutation o: variable `ordering[i]` comes i-th.
  package let ordering: [Int32]
  /// `.sigmoid` or `.relu`.
  package let activation: Activation

  package init(
    w: UnsafeMatrixView<Scalar>, v: UnsafeMatrixView<Scalar>, b: UnsafeMatrixView<Scalar>,
    c: UnsafeMatrixView<Scalar>,
    ordering: [Int32], activation: Activation
  ) {
    precondition(activation == .sigmoid || activation == .relu, "NADE's hidden units are sigmoid or ReLU")
    self.w = w
    self.v = v
    self.b = b
    self.c = c
    self.ordering = ordering
    self.activation = activation
  }
}

/// Where the gradients of NADE's parameters accumulate, shaped like the parameters.
public struct NADEGradients<Scalar> {
  package let w: UnsafeMutableMatrixView<Scalar>
  package let v: UnsafeMutableMatrixView<Scalar>
  package let b: UnsafeMutableMatrixView<Scalar>
  package let c: UnsafeMutableMatrixView<Scalar>

  package init(
    w: UnsafeMutableMatrixView<Scalar>, v: UnsafeMutableMatrixView<Scalar>,
    b: UnsafeMutableMatrixView<Scalar>, c: UnsafeMutableMatrixView<Scalar>
  ) {
    self.w = w
    self.v = v
    self.b = b
    self.c = c
  }
}

/// The weights of a NADE, or what Adam keeps of them, to be written.
public struct NADEWeights<Scalar> {
  package let w: UnsafeMutableMatrixView<Scalar>
  package let v: UnsafeMutableMatrixView<Scalar>

  package init(w: UnsafeMutableMatrixView<Scalar>, v: UnsafeMutableMatrixView<Scalar>) {
    self.w = w
    self.v = v
  }
}
