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
    inputOrder = Staircase.ascendingOrder(of: inputDegrees)
    outputOrder = Staircase.ascendingOrder(of: outputDegrees)
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

  /// Returns the indices of degrees sorted by degree, those of equal degrees ascending.
  ///
  /// - Complexity: O(n) for degrees that lie close together, as those of a model do: training may make fresh masks
  ///   in every step.
  private static func ascendingOrder(of degrees: [Int]) -> [Int32] {
    guard let lowest = degrees.min(), let highest = degrees.max() else { return [] }
    let (range, isHuge) = highest.subtractingReportingOverflow(lowest)
    guard !isHuge, range <= 16 * degrees.count else {
      return degrees.indices.sorted { (degrees[$0], $0) < (degrees[$1], $1) }.map(Int32.init)
    }
    // First how many units have each degree, from that where those of each degree begin.
    var places = Array(repeating: 0, count: range + 1)
    for degree in degrees { places[degree - lowest] += 1 }
    var count = 0
    for index in places.indices { (places[index], count) = (count, count + places[index]) }
    var order = Array(repeating: Int32(0), count: degrees.count)
    for (unit, degree) in degrees.enumerated() {
      order[places[degree - lowest]] = Int32(unit)
      places[degree - lowest] += 1
    }
    return order
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
