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
  public mutating func step(_ executor: Executor<Scalar>, learningRate: Double) {
    begin()
    let scale = clippingScale(executor.gradients)
    for index in executor.parameters.matrices.indices {
      update(
        executor.parameters.unsafeMutableView(at: index), at: index,
        gradient: executor.gradients.unsafeView(at: index), scaledBy: scale, learningRate: learningRate)
    }
  }

  // The state's views are taken in `mutating` methods and used before they return, so that the state is this
  // optimizer's alone meanwhile and nothing replaces it.

  /// Begins a step; every parameter is then updated once.
  mutating func begin() { stepCount += 1 }

  /// Whether weights may be updated before the whole gradient is known.
  var canSpendGradients: Bool {
    if case .adam = method { clippingNorm == nil } else { false }
  }

  /// Updates the parameter at an index along its gradient.
  mutating func update(
    _ weights: UnsafeMutableMatrixView<Scalar>, at index: Int, gradient: UnsafeMatrixView<Scalar>,
    scaledBy scale: Scalar,
    learningRate: Double
  ) {
    switch method {
    case .sgd(let momentum):
      Scalar.descend(
        weights, gradient: gradient, scaledBy: scale, rate: Scalar(learningRate), momentum: Scalar(momentum),
        velocity: state[0].unsafeMutableView(at: index))
    case .adagrad(let epsilon):
      Scalar.adagrad(
        weights, gradient: gradient, scaledBy: scale, rate: Scalar(learningRate), epsilon: Scalar(epsilon),
        squares: state[0].unsafeMutableView(at: index))
    case .adam:
      Scalar.adam(
        weights, gradient: gradient, scaledBy: scale, step: adamStep(weights, learningRate: learningRate),
        mean: state[0].unsafeMutableView(at: index), variance: state[1].unsafeMutableView(at: index))
    }
  }

  /// Updates the weights at an index along the gradient xᵀ · dy of a masked layer, without forming it: everywhere, or
  /// only what the mask permits.
  ///
  /// - Precondition: `canSpendGradients`.
  mutating func spend(
    _ x: UnsafeMatrixView<Scalar>, _ dy: UnsafeMatrixView<Scalar>, mask: Staircase, method: ProductMethod,
    everywhere: Bool,
    learningRate: Double,
    on weights: UnsafeMutableMatrixView<Scalar>, at index: Int
  ) {
    Scalar.maskedLinearAdam(
      x, dy, mask: mask, method: method, everywhere: everywhere,
      step: adamStep(weights, learningRate: learningRate),
      weights: weights,
      mean: state[0].unsafeMutableView(at: index), variance: state[1].unsafeMutableView(at: index))
  }

  /// Updates the weights of a NADE, parameters w and v, along their gradients where these are made, and accumulates
  /// the gradients of its biases; those of the weights are only room to work in.
  ///
  /// - Precondition: `canSpendGradients`.
  mutating func spend(
    _ x: UnsafeMatrixView<Scalar>, _ dz: UnsafeMatrixView<Scalar>, parameters: NADEOperands<Scalar>,
    into gradients: NADEGradients<Scalar>, learningRate: Double, on weights: NADEWeights<Scalar>, at w: Int,
    _ v: Int
  ) {
    // Both weights have as many rows, so their steps are one.
    Scalar.nadeAdam(
      x, parameters: parameters, dz, into: gradients, step: adamStep(weights.w, learningRate: learningRate),
      weights: weights,
      means: NADEWeights(w: state[0].unsafeMutableView(at: w), v: state[0].unsafeMutableView(at: v)),
      variances: NADEWeights(w: state[1].unsafeMutableView(at: w), v: state[1].unsafeMutableView(at: v)))
  }

  private func adamStep(_ weights: UnsafeMutableMatrixView<Scalar>, learningRate: Double) -> AdamStep<Scalar>
  {
    guard case .adam(let beta1, let beta2, let epsilon, let weightDecay) = method else {
      preconditionFailure("\(method) is not Adam")
    }
    return AdamStep(
      rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weights.rowCount > 1 ? weightDecay : 0, stepNumber: stepCount)
  }

  private func clippingScale(_ gradients: Parameters<Scalar>) -> Scalar {
    guard let clippingNorm else { return 1 }
    // A loop, because `reduce` allocates where the compiler does not specialise it.
    var sumOfSquares = 0.0
    for matrix in gradients.matrices { sumOfSquares += matrix.withUnsafeView(Scalar.sumOfSquares) }
    let norm = sumOfSquares.squareRoot()
    return norm > clippingNorm ? Scalar(clippingNorm / norm) : 1
  }
}
