import Autodiff
import Kernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension AutoregressiveModel {
  /// Returns the exact log-probability of each row, in nats.
  ///
  ///     log p(x) = Σ_i  x_i · log σ(z_i) + (1 − x_i) · log σ(−z_i)
  ///
  /// and for K components log (1/K) Σ_k p_k(x). Each value is ≤ 0 and finite for finite weights, and within 1e-3
  /// nats of a Double computation. To ask often, keep an `Evaluator`.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbability(of rows: BinaryMatrix) -> [Double] {
    guard rows.rowCount > 0 else { return [] }
    return Evaluator(self, batchCapacity: min(rows.rowCount, 512)).logProbabilities(of: rows)
  }

  /// Returns the conditionals p(x_i = 1 | the variables before i), one column a variable in the table's order.
  ///
  /// Shapes: rows (B × D) to B × D. A conditional does not depend on its own variable or any later one. For K
  /// components of one ordering the conditionals are those of the mixture,
  ///
  ///     p(x_i = 1 | x_<i) = Σ_k w_k · p_k(x_i = 1 | x_<i),   w_k ∝ p_k(x_<i)
  ///
  /// - Precondition: the components share one ordering (`sharedOrdering != nil`); a mixture over different orders
  ///   has no common conditionals. Ask `conditionals(of:component:)` then.
  public func conditionals(of rows: BinaryMatrix) -> Matrix<Float> {
    guard componentCount > 1 else { return conditionals(of: rows, component: 0) }
    guard let ordering = sharedOrdering else {
      preconditionFailure("the model's components differ in ordering: it has no common conditionals")
    }
    let logits = logits(of: rows)
    var result = Matrix<Float>(rowCount: rows.rowCount, columnCount: variableCount)
    let target = result.mutableView
    for row in 0..<rows.rowCount {
      var logWeights = [Double](repeating: 0, count: componentCount)
      for variable in ordering.variables {
        let largest = logWeights.reduce(-Double.infinity, max)
        let weights = logWeights.map { exp($0 - largest) }
        let total = weights.reduce(0, +)
        let isOn = rows[row, variable]
        var probability = 0.0
        for (component, weight) in weights.enumerated() {
          let z = Double(logits[component].view[row, variable])
          probability += weight / total / (1 + exp(-z))
          let signed = isOn ? z : -z
          logWeights[component] += min(signed, 0) - log1p(exp(-abs(signed)))
        }
        target[row, variable] = Float(probability)
      }
    }
    return result
  }

  /// Returns the conditionals of one component.
  public func conditionals(of rows: BinaryMatrix, component: Int) -> Matrix<Float> {
    precondition(
      component >= 0 && component < componentCount, "component \(component) is not in 0..<\(componentCount)")
    guard rows.rowCount > 0 else { return Matrix(rowCount: 0, columnCount: variableCount) }
    var result = logits(of: rows)[component]
    let view = result.mutableView
    Float.apply(.sigmoid, view, into: view)
    return result
  }

  /// Returns the logits (rows × D) of each component.
  package func logits(of rows: BinaryMatrix) -> [Matrix<Float>] {
    Evaluator(
      self, parameters: parameters, batchCapacity: max(1, min(rows.rowCount, 512)), keepingLogits: true
    )
    .logits(of: rows)
  }

  /// Draws rows from the model exactly, by ancestral sampling: each variable given the ones before it.
  ///
  /// Cost: about that of one likelihood evaluation a row, at any depth.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    drawSamples(count: count, using: &generator).rows
  }

  /// Draws rows, and returns the exact log-probability of each with it, in nats.
  public func sampleWithLogProbabilities(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logProbabilities: [Double]) {
    let (rows, logits) = drawSamples(count: count, using: &generator)
    guard let logits else { return (rows, logProbability(of: rows)) }
    var targets = Matrix<Float>(rowCount: count, columnCount: variableCount)
    rows.copyRows(0..<count, into: targets.mutableView)
    var sums = Matrix<Float>(rowCount: count, columnCount: 1)
    Float.bernoulliLogLikelihood(logits: logits.view, targets: targets.view, into: sums.mutableView)
    withExtendedLifetime((logits, targets)) {}
    return (rows, sums.elements.map(Double.init))
  }

  /// Draws the component of every row, if there are several, then the uniforms row by row, then the rows.
  ///
  /// The logits are those of the draws; nil for a mixture, whose log-probability they do not give.
  private func drawSamples(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logits: Matrix<Float>?) {
    precondition(count >= 0, "cannot draw \(count) rows")
    let components = (0..<count).map { _ in
      componentCount == 1 ? 0 : Int.random(in: 0..<componentCount, using: &generator)
    }
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    guard componentCount > 1 else {
      let (rows, logits) = draw(uniforms: uniforms, component: 0)
      return (rows, logits)
    }
    var drawn: [BinaryMatrix] = []
    var origin: [Int] = []
    for component in 0..<componentCount {
      let members = (0..<count).filter { components[$0] == component }
      guard !members.isEmpty else { continue }
      var part = Matrix<Float>(uninitializedRowCount: members.count, columnCount: variableCount)
      let target = part.mutableView
      for (row, member) in members.enumerated() {
        Float.copy(uniforms.view.rows(member..<member + 1), into: target.rows(row..<row + 1))
      }
      drawn.append(draw(uniforms: part, component: component).rows)
      origin += members
    }
    var place = Array(repeating: 0, count: count)
    for (index, member) in origin.enumerated() { place[member] = index }
    return (BinaryMatrix(concatenating: drawn, columnCount: variableCount).selecting(place), nil)
  }
}
