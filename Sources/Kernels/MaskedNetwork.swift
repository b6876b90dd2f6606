/// A masked layer y = bias + x · w, where the mask permits.
public struct MaskedLayer<Scalar: KernelScalar>: Sendable {
  /// K × N.
  package let weights: Matrix<Scalar>
  /// 1 × N, or nil for zero.
  package let bias: Matrix<Scalar>?
  /// Which weights are used.
  package let mask: Staircase
  /// Whether a hidden layer adds its inputs, which are as many, to its units: f(y) + x.
  package let addsInputs: Bool

  package init(
    weights: Matrix<Scalar>, bias: Matrix<Scalar>?, mask: Staircase,
    addsInputs: Bool = false
  ) {
    mask.require(weights: weights)
    bias?.require("bias", rows: 1, columns: weights.columnCount)
    self.weights = weights
    self.bias = bias
    self.mask = mask
    self.addsInputs = addsInputs
  }
}

/// The logits of D variables as an autoregressive network computes them from the variables before.
///
///     z = output(h_L) + direct(x),   h_l = f(hidden_l(h_{l−1})),   h_0 = x
///
/// and h_l = f(hidden_l(h_{l−1})) + h_{l−1} where a layer adds its inputs.
public struct MaskedNetwork<Scalar: KernelScalar>: Sendable {
  /// The permutation o: variable `ordering[p]` comes p-th.
  package let ordering: [Int32]
  /// The hidden layers, first to last.
  package let hidden: [MaskedLayer<Scalar>]
  /// What the hidden units apply.
  package let activation: Activation
  /// From the last hidden layer to the logits; nil without hidden layers.
  package let output: MaskedLayer<Scalar>?
  /// From the variables to the logits; nil without direct weights.
  package let direct: MaskedLayer<Scalar>?

  package init(
    ordering: [Int32], hidden: [MaskedLayer<Scalar>], activation: Activation, output: MaskedLayer<Scalar>?,
    direct: MaskedLayer<Scalar>?
  ) {
    self.ordering = ordering
    self.hidden = hidden
    self.activation = activation
    self.output = output
    self.direct = direct
  }

  /// Stops unless the layers fit each other and no logit depends on its own variable or a later one.
  func require(variableCount: Int) {
    precondition(
      ordering.count == variableCount, "\(ordering.count) positions order \(variableCount) variables")
    precondition(
      (output == nil) == hidden.isEmpty && (output ?? direct) != nil,
      "hidden layers come with an output layer, and none with direct weights")
    var order = ordering
    // How many variables each of a layer's inputs depends on, in their order.
    var degrees = Array(1..<variableCount + 1)
    precondition(
      [hidden.first, output, direct].allSatisfy { $0?.addsInputs != true },
      "only hidden layers over others add their inputs")
    for layer in hidden + [output].compactMap(\.self) {
      precondition(layer.mask.inputOrder == order, "a layer takes other inputs than the one before it gives")
      // So it depends on the input it adds, and is known no earlier.
      precondition(
        !layer.addsInputs
          || layer.mask.outputOrder == order && zip(layer.mask.prefixLengths, 0...).allSatisfy { $0 > $1 },
        "a unit adds an input that it may not see")
      order = layer.mask.outputOrder
      degrees = layer.mask.prefixLengths.map { $0 == 0 ? 0 : degrees[Int($0) - 1] }
    }
    if let output {
      precondition(
        output.mask.outputOrder == ordering && zip(degrees, 0..<variableCount).allSatisfy { $0 <= $1 },
        "a logit depends on a variable that is not before it")
    }
    if let direct {
      precondition(
        direct.mask.inputOrder == ordering && direct.mask.outputOrder == ordering
          && direct.mask.prefixLengths.elementsEqual(0..<Int32(variableCount)),
        "the direct weights of a logit are those of the variables before it")
    }
  }
}
