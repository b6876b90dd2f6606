import Autodiff
import Kernels

/// A family of networks that can see a row's class, and never predicts it.
///
/// Its network of C + D variables has the class first in every order: C bits of which one is on. Each of them goes through
/// weights of its own into layers above, so that given the class these weights are a bias (`givenEachClass(of:)`).
package protocol ContextNetwork: NetworkFamily, NetworkDensity {
  /// The biases that variables feed directly, with the weights through which they do.
  static func inputWeights(_ configuration: Configuration) -> [(weights: String, bias: String)]
  /// The parameters of which a row, not a column, belongs to the logit of a variable.
  static var outputRows: Set<String> { get }
  /// The orderings and degrees of a network of the same configuration in which every conditional can see what is there
  /// before all variables.
  func masksSeeingClasses() -> StoredMasks
  /// Returns a configuration of another number of variables.
  static func resized(_ configuration: Configuration, variableCount: Int) -> Configuration
  /// What is wrong with letting the network see a class, or nil.
  var contextProblem: String? { get }
}

extension ContextNetwork {
  package static var outputRows: Set<String> { [] }
  package func masksSeeingClasses() -> StoredMasks { storedMasks }
  package var contextProblem: String? { nil }

  /// Returns an untrained network of the shape of this one that sees one of so many classes before its variables.
  ///
  /// Logits of the class's bits are zero: a fair coin each, which nobody asks for.
  func seeing(classCount: Int, seed: UInt64) throws(DensityError) -> Self {
    if let contextProblem { throw .invalidConfiguration(contextProblem) }
    let configuration = Self.resized(configuration, variableCount: classCount + variableCount)
    let parameters = try Parameters(initialising: Self.parameterShapes(configuration), seed: seed)
    var network = Self(
      configuration, parameters: consume parameters,
      masks: masksSeeingClasses().shifted(by: classCount))
    network.clearForbiddenWeights()
    network.parameters = network.withoutClassLogits(network.parameters, classCount: classCount)
    return network
  }

  /// Returns parameters with those of the logits of the first variables, a class, at zero.
  func withoutClassLogits(_ parameters: Parameters<Float>, classCount: Int) -> Parameters<Float> {
    var result = parameters
    for shape in parameterShapes {
      let isByRow = Self.outputRows.contains(shape.name)
      guard isByRow || shape.hasVariableColumns else { continue }
      result.modify(shape.name) { matrix in
        if isByRow {
          for row in 0..<classCount { matrix.withUnsafeMutableRow(row) { $0.update(repeating: 0) } }
        } else {
          for row in 0..<matrix.rowCount {
            matrix.withUnsafeMutableRow(row) { $0[..<classCount].update(repeating: 0) }
          }
        }
      }
    }
    return result
  }

  /// Returns the network over its last D variables given each class: the same weights, kept once, and biases of its own.
  ///
  ///     bias(class) = bias + the weights of the class's bit
  ///
  /// - Complexity: a copy of the weights that variables have, and the biases for each class.
  func givenEachClass(of classCount: Int) -> [Self] {
    let kept = Array(classCount..<variableCount)
    let configuration = Self.resized(configuration, variableCount: kept.count)
    var shared = Parameters<Float>()
    for shape in parameterShapes {
      shared.append(
        shape.name,
        shape.hasVariableRows || shape.hasVariableColumns
          ? parameters[shape.name].selecting(
            rows: shape.hasVariableRows ? kept : nil, columns: shape.hasVariableColumns ? kept : nil)
          : parameters[shape.name])
    }
    let inputs = Self.inputWeights(configuration).map { names in
      let weights = parameters[names.weights]
      let hasVariables = weights.columnCount == variableCount && shared[names.bias].columnCount == kept.count
      return (names.bias, weights.selecting(rows: Array(0..<classCount), columns: hasVariables ? kept : nil))
    }
    let masks = storedMasks.shifted(by: -classCount)
    return (0..<classCount).map { index in
      var parameters = shared
      for (bias, weights) in inputs {
        parameters.modify(bias) { bias in
          for column in 0..<bias.columnCount { bias[0, column] += weights[index, column] }
        }
      }
      return Self(configuration, parameters: parameters, masks: masks)
    }
  }
}

extension StoredMasks {
  /// Returns the orderings and degrees with so many variables more, or fewer, before all others.
  func shifted(by count: Int) -> StoredMasks {
    StoredMasks(
      orderings: orderings.map { ordering in
        Ordering(
          count >= 0
            ? Array(0..<count) + ordering.variables.map { $0 + count }
            : ordering.variables[(-count)...].map { $0 + count })
      },
      hiddenDegrees: hiddenDegrees.map { $0.map { $0.map { $0 + count } } })
  }
}

extension NADE: ContextNetwork {
  package static func inputWeights(_: Configuration) -> [(weights: String, bias: String)] { [("w", "c")] }
  package static var outputRows: Set<String> { ["v"] }

  package static func resized(_ configuration: Configuration, variableCount: Int) -> Configuration {
    var result = configuration
    (result.variableCount, result.ordering) = (variableCount, .natural)
    return result
  }
}

extension FVSBN: ContextNetwork {
  package static func inputWeights(_: Configuration) -> [(weights: String, bias: String)] { [("w", "b")] }

  package static func resized(_ configuration: Configuration, variableCount: Int) -> Configuration {
    var result = configuration
    (result.variableCount, result.ordering) = (variableCount, .natural)
    return result
  }
}

extension MADE: ContextNetwork {
  package static func inputWeights(_ configuration: Configuration) -> [(weights: String, bias: String)] {
    (configuration.hiddenCounts.isEmpty ? [] : [("w0", "c0")])
      + (configuration.hasDirectWeights ? [("direct", "b")] : [])
  }

  package var contextProblem: String? {
    configuration.trainsOnFreshMasks
      ? "a MADE that sees classes is trained on the masks it has, not on fresh ones" : nil
  }

  /// With units of degree 0, without which the first variable could see nothing.
  package func masksSeeingClasses() -> StoredMasks {
    StoredMasks(
      orderings: maskSets.map(\.ordering),
      hiddenDegrees: maskSets.map { set in
        // Masks of the same degrees have the same again.
        let index = maskSets.firstIndex { $0.hiddenDegrees == set.hiddenDegrees }
        return MaskSet(configuration, index: index ?? 0, lowestDegree: 0).hiddenDegrees
      })
  }

  package static func resized(_ configuration: Configuration, variableCount: Int) -> Configuration {
    var result = configuration
    result.variableCount = variableCount
    // Orderings come with the masks; one mask has one, several have theirs.
    if configuration.ordering != .resampled { result.ordering = .natural }
    return result
  }
}
