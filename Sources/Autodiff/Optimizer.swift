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

  /// Returns the optimizer with the matrices of every slot replaced by what `transform` makes of them.
  package func mappingState(_ transform: (Parameters<Scalar>) -> Parameters<Scalar>) -> Optimizer {
    Optimizer(method, state: state.map(transform), stepCount: stepCount, clippingNorm: clippingNorm)
  }

  /// Takes one step on an executor's parameters along the gradients of its last backward pass.
  ///
  /// Weight decay applies to matrices of more than one row, not to biases.
  public mutating func step(_ executor: Executor<Scalar>, rate: Double) {
    begin()
    let scale = clippingScale(executor.gradients)
    for index in executor.parameters.matrices.indices {
      update(
        executor.parameters.matrices[index].mutableView, at: index,
        gradient: executor.gradients.matrices[index].view, scaledBy: scale, rate: rate)
    }
  }

  /// Begins a step; every parameter is then updated once.
  mutating func begin() { stepCount += 1 }

  /// Whether weights may be updated before the whole gradient is known.
  var canSpendGradients: Bool {
    if case .adam = method { clippingNorm == nil } else { false }
  }

  /// Updates the parameter at an index along its gradient.
  mutating func update(
    _ weights: MatrixView<Scalar>, at index: Int, gradient: MatrixView<Scalar>, scaledBy scale: Scalar,
    rate: Double
  ) {
    switch method {
    case .sgd(let momentum):
      Scalar.descend(
        weights, gradient: gradient, scaledBy: scale, rate: Scalar(rate), momentum: Scalar(momentum),
        velocity: state[0].matrices[index].mutableView)
    case .adagrad(let epsilon):
      Scalar.adagrad(
        weights, gradient: gradient, scaledBy: scale, rate: Scalar(rate), epsilon: Scalar(epsilon),
        squares: state[0].matrices[index].mutableView)
    case .adam:
      Scalar.adam(
        weights, gradient: gradient, scaledBy: scale, step: adamStep(weights, rate: rate),
        mean: state[0].matrices[index].mutableView, variance: state[1].matrices[index].mutableView)
    }
  }

  /// Updates the weights at an index along the gradient xᵀ · dy of a masked layer, without forming it: everywhere, or
  /// only what the mask permits.
  ///
  /// - Precondition: `canSpendGradients`.
  mutating func spend(
    _ x: MatrixView<Scalar>, _ dy: MatrixView<Scalar>, mask: Staircase, method: ProductMethod,
    everywhere: Bool,
    rate: Double,
    on weights: MatrixView<Scalar>, at index: Int
  ) {
    Scalar.maskedLinearAdam(
      x, dy, mask: mask, method: method, everywhere: everywhere, step: adamStep(weights, rate: rate),
      weights: weights,
      mean: state[0].matrices[index].mutableView, variance: state[1].matrices[index].mutableView)
  }

  /// Updates the weights of a NADE, parameters w and v, along their gradients where these are made, and accumulates
  /// the gradients of its biases; those of the weights are only room to work in.
  ///
  /// - Precondition: `canSpendGradients`.
  mutating func spend(
    _ x: MatrixView<Scalar>, _ dz: MatrixView<Scalar>, into gradients: NADEGradients<Scalar>, rate: Double,
    on parameters: NADEOperands<Scalar>, at w: Int, _ v: Int
  ) {
    // Both weights have as many rows, so their steps are one.
    Scalar.nadeAdam(
      x, parameters: parameters, dz, into: gradients, step: adamStep(parameters.w, rate: rate),
      means: NADEMoments(w: state[0].matrices[w].mutableView, v: state[0].matrices[v].mutableView),
      variances: NADEMoments(w: state[1].matrices[w].mutableView, v: state[1].matrices[v].mutableView))
  }

  private func adamStep(_ weights: MatrixView<Scalar>, rate: Double) -> AdamStep<Scalar> {
    guard case .adam(let beta1, let beta2, let epsilon, let weightDecay) = method else {
      preconditionFailure("\(method) is not Adam")
    }
    return AdamStep(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weights.rowCount > 1 ? weightDecay : 0, stepNumber: stepCount)
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
