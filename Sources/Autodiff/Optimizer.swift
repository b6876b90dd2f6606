import Kernels

/// A rule that turns gradients into steps, with the state it keeps for every parameter.
public struct Optimizer<Scalar: KernelScalar>: Sendable {
  /// The rule.
  public let method: OptimizerMethod
  /// The largest Euclidean norm of the whole gradient; a longer one is scaled down to it.
  ///
  /// Nil leaves it alone.
  public let clippingNorm: Double?
  /// How many steps have been taken.
  public private(set) var stepCount: Int
  /// The state: for each of the method's slots, matrices shaped like the parameters, zero at the start.
  public private(set) var state: [Parameters<Scalar>]

  /// Creates the optimizer of some parameters before its first step.
  public init(_ method: OptimizerMethod, for parameters: Parameters<Scalar>, clippingNorm: Double? = nil) {
    var zeros = Parameters<Scalar>()
    for (name, matrix) in zip(parameters.names, parameters.matrices) {
      zeros.append(name, Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount))
    }
    self.init(
      method, state: method.slotNames.map { _ in zeros }, stepCount: 0, clippingNorm: clippingNorm)
  }

  /// Restores an optimizer from its state.
  ///
  /// - Precondition: `state` has one collection for each of `method.slotNames`.
  public init(
    _ method: OptimizerMethod, state: [Parameters<Scalar>], stepCount: Int, clippingNorm: Double? = nil
  ) {
    precondition(state.count == method.slotNames.count, "\(method) keeps \(method.slotNames.count) slots")
    self.method = method
    self.clippingNorm = clippingNorm
    self.stepCount = stepCount
    self.state = state
  }

  /// Takes one step on an executor's parameters along the gradients of its last backward pass.
  ///
  /// Weight decay applies to matrices of more than one row, not to biases.
  public mutating func step(_ executor: Executor<Scalar>, rate: Double) {
    stepCount += 1
    let scale = clippingScale(executor.gradients)
    for index in executor.parameters.matrices.indices {
      let weights = executor.parameters.matrices[index].mutableView
      let gradient = executor.gradients.matrices[index].view
      switch method {
      case .sgd(let momentum):
        Scalar.descend(
          weights, gradient: gradient, scaledBy: scale, rate: Scalar(rate), momentum: Scalar(momentum),
          velocity: state[0].matrices[index].mutableView)
      case .adagrad(let epsilon):
        Scalar.adagrad(
          weights, gradient: gradient, scaledBy: scale, rate: Scalar(rate), epsilon: Scalar(epsilon),
          squares: state[0].matrices[index].mutableView)
      case .adam(let beta1, let beta2, let epsilon, let weightDecay):
        let isMatrix = weights.rowCount > 1
        Scalar.adam(
          weights, gradient: gradient, scaledBy: scale,
          step: AdamStep(
            rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: isMatrix ? weightDecay : 0,
            stepNumber: stepCount),
          mean: state[0].matrices[index].mutableView, variance: state[1].matrices[index].mutableView)
      }
    }
  }

  private func clippingScale(_ gradients: Parameters<Scalar>) -> Scalar {
    guard let clippingNorm else { return 1 }
    // A loop, because `reduce` allocates where the compiler does not specialise it.
    var sumOfSquares = 0.0
    for matrix in gradients.matrices { sumOfSquares += Scalar.sumOfSquares(matrix.view) }
    let norm = sumOfSquares.squareRoot()
    return norm > clippingNorm ? Scalar(clippingNorm / norm) : 1
  }
}

/// The update rules.
public enum OptimizerMethod: Hashable, Sendable, Codable {
  /// Stochastic gradient descent: `v ← momentum·v + g`, `w ← w − rate·v`.
  case sgd(momentum: Double = 0)
  /// Adagrad: `s ← s + g²`, `w ← w − rate·g / (√s + ε)`.
  ///
  /// - Source: Duchi, Hazan, Singer, JMLR 12, 2011.
  case adagrad(epsilon: Double = 1e-6)
  /// Adam; with a weight decay, AdamW: the decay is decoupled from the gradient's scale.
  ///
  /// - Source: Kingma & Ba, Adam, ICLR 2015, Algorithm 1; Loshchilov & Hutter, Decoupled Weight Decay
  ///   Regularization, ICLR 2019, Algorithm 2.
  case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0)

  /// The names of the matrices kept for each parameter.
  public var slotNames: [String] {
    switch self {
    case .sgd: ["velocity"]
    case .adagrad: ["squares"]
    case .adam: ["mean", "variance"]
    }
  }
}
