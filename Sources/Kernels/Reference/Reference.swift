/// The plain loop of every kernel: the definition written down, one scalar at a time, in any precision.
///
/// In `Double` these functions are the oracle of the tests and of `density evaluate --reference`; in `Float` they
/// are what each fast variant is compared with.
package enum Reference {
  /// Returns 1 / (1 + e⁻ˣ) without overflow.
  @inlinable static func sigmoid<S: KernelScalar>(_ x: S) -> S {
    if x >= 0 { return 1 / (1 + S.exponential(-x)) }
    let e = S.exponential(x)
    return e / (1 + e)
  }

  /// Returns log(1 + eˣ) without overflow.
  @inlinable static func softplus<S: KernelScalar>(_ x: S) -> S {
    (x > 0 ? x : 0) + S.logarithmOnePlus(S.exponential(-abs(x)))
  }

  @inlinable static func value<S: KernelScalar>(of f: Activation, _ x: S) -> S {
    switch f {
    case .relu: x > 0 ? x : 0
    case .sigmoid: sigmoid(x)
    case .tanh: S.hyperbolicTangent(x)
    case .softplus: softplus(x)
    }
  }

  /// Returns f′(x) from y = f(x).
  @inlinable static func derivative<S: KernelScalar>(of f: Activation, output y: S) -> S {
    switch f {
    case .relu: y > 0 ? 1 : 0
    case .sigmoid: y * (1 - y)
    case .tanh: 1 - y * y
    case .softplus: 1 - S.exponential(-y)
    }
  }
}
