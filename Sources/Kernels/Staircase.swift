/// An autoregressive mask, kept as one integer a unit instead of a matrix of zeros and ones.
///
/// The *degree* of a unit is the number of variables that must be known before it is final. An input at position
/// `p` of the ordering has degree p + 1, a hidden unit of degree m sees the first m variables, and the output at
/// position `p` has degree p. The weight from unit k to unit n is permitted where
///
///     degree(k) ≤ degree(n)
///
/// Sorted by degree, the permitted inputs of every output are a prefix, and the prefixes grow: a staircase.
/// That variable i cannot reach its own conditional is then a fact about integers.
///
/// - Source: the masks of Germain, Gregor, Murray, Larochelle, MADE, ICML 2015, with the strict inequality of the
///   output layer absorbed into the degrees.
public struct Staircase: Hashable, Sendable {
  /// The degree of each input, in the caller's order.
  public let inputDegrees: [Int]
  /// The degree of each output, in the caller's order.
  public let outputDegrees: [Int]
  /// The inputs sorted by degree (stable): `inputOrder[0]` has the smallest degree.
  package let inputOrder: [Int32]
  /// The outputs sorted by degree (stable).
  package let outputOrder: [Int32]
  /// How many of `inputOrder` each sorted output may see; never decreases.
  package let prefixLengths: [Int32]
  /// Whether the inputs stand in the order of their degrees.
  package let hasSortedInputs: Bool
  /// Whether the outputs do.
  package let hasSortedOutputs: Bool
  /// Whether both do: then every kernel reads the operands as they lie.
  package var isSorted: Bool { hasSortedInputs && hasSortedOutputs }

  /// Creates the mask in which input k reaches output n where `inputDegrees[k] ≤ outputDegrees[n]`.
  public init(inputDegrees: [Int], outputDegrees: [Int]) {
    self.inputDegrees = inputDegrees
    self.outputDegrees = outputDegrees
    func sorted(_ degrees: [Int]) -> [Int32] {
      degrees.indices.sorted { (degrees[$0], $0) < (degrees[$1], $1) }.map(Int32.init)
    }
    inputOrder = sorted(inputDegrees)
    outputOrder = sorted(outputDegrees)
    var lengths: [Int32] = []
    lengths.reserveCapacity(outputOrder.count)
    var length = 0
    for output in outputOrder {
      let degree = outputDegrees[Int(output)]
      while length < inputOrder.count, inputDegrees[Int(inputOrder[length])] <= degree { length += 1 }
      lengths.append(Int32(length))
    }
    prefixLengths = lengths
    hasSortedInputs = inputOrder.elementsEqual(0..<Int32(inputDegrees.count))
    hasSortedOutputs = outputOrder.elementsEqual(0..<Int32(outputDegrees.count))
  }

  /// Creates the mask that permits everything.
  public init(denseInputCount: Int, outputCount: Int) {
    self.init(
      inputDegrees: Array(repeating: 0, count: denseInputCount),
      outputDegrees: Array(repeating: 0, count: outputCount))
  }

  /// The number of inputs.
  public var inputCount: Int { inputDegrees.count }
  /// The number of outputs.
  public var outputCount: Int { outputDegrees.count }

  /// Whether the weight from an input to an output is permitted.
  public func permits(_ input: Int, _ output: Int) -> Bool { inputDegrees[input] <= outputDegrees[output] }

  /// The number of permitted weights.
  public var permittedCount: Int { prefixLengths.reduce(0) { $0 + Int($1) } }
}
