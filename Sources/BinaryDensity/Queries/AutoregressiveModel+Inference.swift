import Autodiff
import Kernels

extension AutoregressiveModel {
  /// Returns the exact log-probability of each row, in nats.
  ///
  ///     log p(x) = Σ_i  x_i · log σ(z_i) + (1 − x_i) · log σ(−z_i)
  ///
  /// and for K components log (1/K) Σ_k p_k(x). Each value is ≤ 0 and finite for finite weights, and within 1e-3
  /// nats of a Double computation. To ask often, keep an `Evaluator`.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func logProbability(of rows: BinaryMatrix, observing observe: (Double) -> Void) -> [Double] {
    Evaluator(self, batchCapacity: max(1, min(rows.rowCount, 512)))
      .logProbabilities(of: rows, observing: observe)
  }

  /// Returns log p of each row by the plain loops in Double.
  public func referenceLogProbability(of rows: BinaryMatrix) -> [Double] {
    Evaluator(reference: self).logProbabilities(of: rows)
  }

  /// Returns what computes the logits; for K components those of their mixture.
  ///
  /// - Precondition: the components share one ordering. A mixture over different orders has no common conditionals;
  ///   ask `conditionals(of:component:)` then.
  public func conditionalLogits<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> (BinaryMatrix) -> Matrix<Scalar> {
    guard let sharedOrdering else {
      preconditionFailure("the model's components differ in ordering: it has no common conditionals")
    }
    let evaluator = Evaluator<Scalar>(
      self, parameters: parameters.converted(to: type), batchCapacity: batchCapacity, keepingLogits: true)
    let count = componentCount
    return { rows in
      let logits = evaluator.logits(of: rows)
      return count == 1
        ? logits[0]
        : mixedLogits(
          logits, logWeights: Array(repeating: 0, count: count), rows: rows, ordering: sharedOrdering)
    }
  }

  /// Returns the conditionals of one component.
  public func conditionals(of rows: BinaryMatrix, component: Int) -> Matrix<Float> {
    precondition(
      component >= 0 && component < componentCount, "component \(component) is not in 0..<\(componentCount)")
    guard rows.rowCount > 0 else { return Matrix(rowCount: 0, columnCount: variableCount) }
    var result = logits(of: rows)[component]
    result.apply(.sigmoid)
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
    return (rows, logLikelihoods(logits: logits, of: rows))
  }

  private func drawSamples(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> (rows: BinaryMatrix, logits: Matrix<Float>?) {
    drawnFromComponents(
      count: count, variableCount: variableCount, componentCount: componentCount, using: &generator,
      draw: draw(uniforms:component:))
  }
}

/// Draws rows from a uniform mixture: the component of every row, if there are several, then the uniforms row by row,
/// then the rows of each component together.
///
/// The logits are those of the draws; nil for a mixture, whose log-probability they do not give.
func drawnFromComponents(
  count: Int, variableCount: Int, componentCount: Int, using generator: inout some RandomNumberGenerator,
  draw: (_ uniforms: Matrix<Float>, _ component: Int) -> (rows: BinaryMatrix, logits: Matrix<Float>)
) -> (rows: BinaryMatrix, logits: Matrix<Float>?) {
  precondition(count >= 0, "cannot draw \(count) rows")
  let components = (0..<count).map { _ in
    componentCount == 1 ? 0 : Int.random(in: 0..<componentCount, using: &generator)
  }
  var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
  uniforms.fillUniform(using: &generator)
  guard componentCount > 1 else {
    let (rows, logits) = draw(uniforms, 0)
    return (rows, logits)
  }
  var drawn: [BinaryMatrix] = []
  var origin: [Int] = []
  for component in 0..<componentCount {
    let members = (0..<count).filter { components[$0] == component }
    guard !members.isEmpty else { continue }
    drawn.append(draw(uniforms.selecting(rows: members, columns: nil), component).rows)
    origin += members
  }
  var place = Array(repeating: 0, count: count)
  for (index, member) in origin.enumerated() { place[member] = index }
  return (BinaryMatrix(concatenating: drawn, columnCount: variableCount).selecting(place), nil)
}
