/// The ordering and the hidden degrees that a network's connections allow.
///
/// A network is autoregressive along an ordering if no output depends on its own variable or on a later one. Which
/// variables a unit depends on follows from the connections, layer by layer; an ordering puts the variable of each
/// output behind all that it depends on, and a hidden unit gets the degree of the last variable it depends on. The
/// masks of such degrees (see `Staircase`) permit every connection that counts, and perhaps more, which then have the
/// weight zero; so the network computes what it did, whatever scheme its masks were made by.
struct MaskRecovery {
  private let variableCount: Int
  /// The 64-bit words of a set of variables.
  private let wordCount: Int
  /// The variables that each unit of the top layer so far depends on, a set after the other.
  private var top: [UInt64]
  /// The same of the hidden layers.
  private var hidden: [[UInt64]] = []

  /// Begins with the inputs: each depends on its own variable.
  init(variableCount: Int) {
    self.variableCount = variableCount
    wordCount = (variableCount + 63) / 64
    top = Array(repeating: 0, count: variableCount * wordCount)
    for variable in 0..<variableCount {
      top[variable * wordCount + variable / 64] = 1 << UInt64(variable % 64)
    }
  }

  /// Adds a layer of hidden units.
  ///
  /// - Parameter isConnected: whether an input of the layer reaches one of its outputs.
  mutating func addHiddenLayer(
    inputCount: Int, outputCount: Int, _ isConnected: (_ input: Int, _ output: Int) -> Bool
  ) {
    top = dependencies(on: top, inputCount: inputCount, outputCount: outputCount, isConnected)
    hidden.append(top)
  }

  /// Returns the ordering and the degrees that the outputs allow, or nil if they are autoregressive along no ordering.
  ///
  /// - Parameters:
  ///   - isConnected: whether a unit of the top hidden layer, or an input if there is none, reaches an output.
  ///   - isDirectlyConnected: whether an input reaches an output past the hidden layers.
  /// - Complexity: O(D²) beyond the connections.
  func solution(
    inputCount: Int, _ isConnected: (_ input: Int, _ output: Int) -> Bool,
    isDirectlyConnected: (_ input: Int, _ output: Int) -> Bool
  ) -> (ordering: Ordering, hiddenDegrees: [[Int]])? {
    var outputs = dependencies(on: top, inputCount: inputCount, outputCount: variableCount, isConnected)
    for output in 0..<variableCount {
      for input in 0..<variableCount where isDirectlyConnected(input, output) {
        outputs[output * wordCount + input / 64] |= 1 << UInt64(input % 64)
      }
    }
    guard let ordering = ordering(outputs) else { return nil }
    let degrees = hidden.map { layer in
      stride(from: 0, to: layer.count, by: wordCount).map { unit in
        let degree = variables(layer[unit..<unit + wordCount]).reduce(0) {
          max($0, ordering.positions[$1] + 1)
        }
        // A unit that depends on the last variable reaches no output, and what reaches it may be forbidden.
        return min(degree, variableCount - 1)
      }
    }
    return (ordering, degrees)
  }

  private func dependencies(
    on below: [UInt64], inputCount: Int, outputCount: Int,
    _ isConnected: (_ input: Int, _ output: Int) -> Bool
  ) -> [UInt64] {
    var result = Array(repeating: UInt64(0), count: outputCount * wordCount)
    for output in 0..<outputCount {
      for input in 0..<inputCount where isConnected(input, output) {
        for word in 0..<wordCount { result[output * wordCount + word] |= below[input * wordCount + word] }
      }
    }
    return result
  }

  private func variables(_ set: ArraySlice<UInt64>) -> [Int] {
    set.enumerated().flatMap { word, bits in
      (0..<64).filter { bits >> UInt64($0) & 1 == 1 }.map { 64 * word + $0 }
    }
  }

  /// Returns the variables with each behind all that its output depends on: of those that could come next the one that
  /// depends on fewest, then the first column.
  private func ordering(_ outputs: [UInt64]) -> Ordering? {
    let needs = (0..<variableCount).map { variables(outputs[$0 * wordCount..<($0 + 1) * wordCount]) }
    var missing = needs.map(\.count)
    var followers: [[Int]] = Array(repeating: [], count: variableCount)
    for (variable, before) in needs.enumerated() { for other in before { followers[other].append(variable) } }
    var result: [Int] = []
    var ready = (0..<variableCount).filter { missing[$0] == 0 }
    while !ready.isEmpty {
      let next = ready.indices.min {
        (needs[ready[$0]].count, ready[$0]) < (needs[ready[$1]].count, ready[$1])
      }
      let variable = ready.remove(at: next ?? 0)
      result.append(variable)
      for follower in followers[variable] {
        missing[follower] -= 1
        if missing[follower] == 0 { ready.append(follower) }
      }
    }
    return result.count == variableCount ? Ordering(result) : nil
  }
}
