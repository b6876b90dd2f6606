import Kernels

/// What a node of a graph computes: the closed set of primitive operations.
///
/// An op's operands, what its backward pass reads, its shape, forward pass, backward pass and description are one
/// exhaustive switch each, here and in `Op+Shape.swift`, `Executor+Forward.swift`, `Executor+Backward.swift` and
/// `Op+Description.swift`; the compiler names every one that a new op must be added to.
public enum Op: Hashable, Sendable {
  /// A trainable matrix, known by its name.
  case parameter(String)
  /// A matrix given at each run; `isSparse` promises that most of it is zero.
  case input(String, isSparse: Bool)
  /// a · b
  case product(Graph.Value, Graph.Value)
  /// x · (w ∘ mask) + bias, with the mask kept as a staircase in the executor's slot.
  case maskedLinear(Graph.Value, weights: Graph.Value, bias: Graph.Value?, mask: Graph.Mask)
  /// A row added to every row.
  case addBias(Graph.Value, bias: Graph.Value)
  /// a + b
  case add(Graph.Value, Graph.Value)
  /// a ∘ b, element by element
  case multiply(Graph.Value, Graph.Value)
  /// factor · x, but for the first rows, `sparing` many, which stay as they are
  case scale(Graph.Value, by: Double, sparing: Int)
  /// f(x), element by element
  case activation(Activation, Graph.Value)
  /// Values side by side.
  case concatenate([Graph.Value])
  /// Σ x along an axis
  case sum(Graph.Value, Axis)
  /// The mean along an axis
  case mean(Graph.Value, Axis)
  /// log (1/N) Σ_n exp x_n along the columns
  case logMeanExp(Graph.Value)
  /// x with each element zeroed with probability `rate`, or else divided by 1 − rate if rescaled; in training only, and not
  /// in the first columns, `sparing` many
  case dropout(Graph.Value, rate: Double, isRescaled: Bool, sparing: Int, stream: Int)
  /// Σ_i log p(t_i) of Bernoulli variables with the given logits, one number a row
  case bernoulliLogLikelihood(logits: Graph.Value, targets: Graph.Value)
  /// The logits of bits of which exactly one of each group is on, certain where earlier ones of the group decide
  case oneHot(logits: Graph.Value, rows: Graph.Value, groups: [[Int]])
  /// The logits of NADE's conditionals
  case nade(NADEValues)

  /// The operands of the NADE recursion.
  public struct NADEValues: Hashable, Sendable {
    /// B × D, the rows.
    public let x: Graph.Value
    /// D × H, from the variables into the hidden units.
    public let w: Graph.Value
    /// D × H, from the hidden units to the conditionals.
    public let v: Graph.Value
    /// 1 × D, the conditionals' biases.
    public let b: Graph.Value
    /// 1 × H, the hidden units' biases.
    public let c: Graph.Value
    /// The permutation of the variables.
    public let ordering: [Int32]
    /// `.sigmoid` or `.relu`.
    public let activation: Activation
  }

  /// The values the op reads.
  var operands: [Graph.Value] {
    switch self {
    case .parameter, .input: []
    case .product(let a, let b), .add(let a, let b), .multiply(let a, let b): [a, b]
    case .maskedLinear(let x, let weights, let bias, _): [x, weights] + (bias.map { [$0] } ?? [])
    case .addBias(let x, let bias): [x, bias]
    case .scale(let x, _, _), .activation(_, let x), .sum(let x, _), .mean(let x, _), .logMeanExp(let x),
      .dropout(let x, _, _, _, _):
      [x]
    case .concatenate(let values): values
    case .bernoulliLogLikelihood(let logits, let targets): [logits, targets]
    case .oneHot(let logits, let rows, _): [logits, rows]
    case .nade(let n): [n.x, n.w, n.v, n.b, n.c]
    }
  }

  /// The operands that no gradient flows into: rows of data.
  var constantOperands: [Graph.Value] {
    switch self {
    case .bernoulliLogLikelihood(_, let targets): [targets]
    case .oneHot(_, let rows, _): [rows]
    case .nade(let n): [n.x]
    case .parameter, .input, .product, .maskedLinear, .addBias, .add, .multiply, .scale, .activation,
      .concatenate,
      .sum, .mean, .logMeanExp, .dropout:
      []
    }
  }

  /// The operands whose values the backward pass reads.
  var operandsReadByBackward: [Graph.Value] {
    switch self {
    case .product, .multiply, .maskedLinear, .logMeanExp, .bernoulliLogLikelihood, .nade: operands
    case .oneHot(_, let rows, _): [rows]
    case .parameter, .input, .addBias, .add, .scale, .activation, .concatenate, .sum, .mean, .dropout: []
    }
  }

  /// Whether the backward pass reads the op's own value.
  var backwardReadsOwnValue: Bool {
    switch self {
    case .activation, .logMeanExp: true
    case .parameter, .input, .product, .maskedLinear, .addBias, .add, .multiply, .scale, .concatenate, .sum,
      .mean,
      .dropout, .bernoulliLogLikelihood, .oneHot, .nade:
      false
    }
  }
}
