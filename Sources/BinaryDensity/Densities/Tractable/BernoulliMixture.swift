import Essentials
import Kernels

/// A mixture of K densities of independent variables.
///
///     p(x) = Σ_k w_k · Π_i σ(z_ik)^{x_i} · σ(−z_ik)^{1 − x_i}
///
/// Parameters: logits z (D × K), log-weights log w (1 × K). Cost O(K · on-bits) a row, for with the row of zeros'
/// share c_k = log w_k + Σ_i log σ(−z_ik) taken once, log w_k p_k(x) = c_k + Σ_{i on} z_ik is a product of sparse rows.
///
///     let mixture = try BernoulliMixture.fit(to: train, validation: validation, componentCount: 500)
///
/// - Source: latent class analysis, Lazarsfeld & Henry, 1968; fitted as in Dempster, Laird, Rubin, J. Royal
///   Statistical Society B 39, 1977.
public struct BernoulliMixture: AutoregressiveDensity {
  /// Mixture of Bernoullis.
  package static let kind = ModelKind.bernoulliMixture
  /// The logits of every variable (D) in every component (K), D × K.
  public let logits: Matrix<Float>
  /// The logarithms of the components' weights, 1 × K.
  ///
  /// They count up to a common term: see `weights`.
  public let logWeights: Matrix<Float>
  /// The components' weights: positive, with a sum of 1.
  public let weights: [Double]
  /// c (1 × K): the logarithm of w_k p_k of a row of zeros.
  let logJointOfZeros: Matrix<Double>
  /// Permits every product of D on-bits and K components.
  private let mask: Staircase

  /// Creates a mixture of given parameters; the weights are scaled to a sum of 1.
  ///
  /// - Precondition: `logits` is D × K and `logWeights` 1 × K, D and K ≥ 1; no logit is beyond ±80, and the
  ///   log-weights are finite.
  public init(logits: Matrix<Float>, logWeights: Matrix<Float>) {
    precondition(
      logits.rowCount > 0 && logits.columnCount > 0 && logWeights.rowCount == 1
        && logWeights.columnCount == logits.columnCount,
      "logits \(logits.rowCount) × \(logits.columnCount) and log-weights "
        + "\(logWeights.rowCount) × \(logWeights.columnCount) are not D × K and 1 × K")
    precondition(
      logits.elements.allSatisfy { abs($0) <= Baseline.largestLogit },
      "a logit is beyond ±\(Baseline.largestLogit)")
    precondition(logWeights.elements.allSatisfy(\.isFinite), "a log-weight is not finite")
    self.logits = logits
    self.logWeights = logWeights
    mask = Staircase(denseInputCount: logits.rowCount, outputCount: logits.columnCount)
    let terms = logWeights.elements.map { Double($0) }
    let total = logSumExp(terms)
    weights = terms.map { exp($0 - total) }
    // Each sum in the order of the variables, a few components a thread.
    let width = 8
    let joint = Threads.map(count: (terms.count + width - 1) / width) { part in
      let components = part * width..<min((part + 1) * width, terms.count)
      var joint = terms[components].map { $0 - total }
      for variable in 0..<logits.rowCount {
        for (place, component) in components.enumerated() {
          joint[place] += logSigmoid(-Double(logits[variable, component]))
        }
      }
      return joint
    }
    logJointOfZeros = Matrix(rowCount: 1, columnCount: terms.count, elements: joint.flatMap(\.self))
  }

  /// The number K of components.
  public var componentCount: Int { logits.columnCount }
  /// The number of variables.
  public var variableCount: Int { logits.rowCount }
  /// K·D logits and K weights.
  public var parameterCount: Int { componentCount * (variableCount + 1) }
  /// The columns' own order, as good as any.
  public var ordering: Ordering { .natural(count: variableCount) }

  // MARK: Likelihoods

  /// Returns log p(x) of each row.
  public func logProbabilities(of rows: BinaryMatrix) -> [Double] {
    logProbabilities(of: rows, in: Float.self)
  }

  /// Returns log p(x) of each row, in Double throughout.
  package func referenceLogProbabilities(of rows: BinaryMatrix) -> [Double] {
    logProbabilities(of: rows, in: Double.self)
  }

  private func logProbabilities<Scalar: KernelScalar>(
    of rows: BinaryMatrix, in type: Scalar.Type
  ) -> [Double] {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    var result: [Double] = []
    result.reserveCapacity(rows.rowCount)
    forEachBatch(of: ObservedRows(rows), in: type) { _, _, logProbabilities in
      for row in 0..<logProbabilities.rowCount { result.append(min(0, Double(logProbabilities[row, 0]))) }
    }
    return result
  }

  /// Calls `body` with rows, log w_k p_k of the known cells of each in each component (B × K), and log p of
  /// each (B × 1), for as long as `goesOn` says so.
  ///
  /// A missing cell is an off one whose share log σ(−z_ik) is taken away again.
  func forEachBatch<Scalar: KernelScalar>(
    of rows: ObservedRows, in type: Scalar.Type, while goesOn: () -> Bool = { true },
    _ body: (
      _ rows: ObservedRows.Batch, _ joint: UnsafeMatrixView<Scalar>,
      _ logProbabilities: UnsafeMatrixView<Scalar>
    ) -> Void
  ) {
    // As they are, if they need no conversion: D · K numbers for each call would be many.
    let weights = logits as? Matrix<Scalar> ?? logits.converted(to: type)
    let bias = logJointOfZeros.converted(to: type)
    let shares =
      rows.missing == nil
      ? nil
      : Matrix<Scalar>(rowCount: variableCount, columnCount: componentCount) {
        Scalar(-logSigmoid(-Double(logits[$0, $1])))
      }
    let logCount = Scalar.logarithm(Scalar(componentCount))
    rows.forEachBatch(while: goesOn) { x in
      var joint = Matrix<Scalar>(uninitializedRowCount: x.rowCount, columnCount: componentCount)
      var logProbabilities = Matrix<Scalar>(rowCount: x.rowCount, columnCount: 1)
      joint.withUnsafeMutableView(reading: weights, bias) {
        x.values.linear(weights: $1, bias: $2, mask: mask, into: $0)
      }
      if let missing = x.missing, let shares {
        var removed = Matrix<Scalar>(uninitializedRowCount: x.rowCount, columnCount: componentCount)
        removed.withUnsafeMutableView(reading: shares) {
          missing.linear(weights: $1, bias: nil, mask: mask, into: $0)
        }
        joint.withUnsafeMutableView(reading: removed) { Scalar.accumulate($1, scaledBy: 1, into: $0) }
      }
      logProbabilities.withUnsafeMutableView(reading: joint) { logProbabilities, joint in
        Scalar.logMeanExp(joint, into: logProbabilities)
        for row in 0..<x.rowCount { logProbabilities[row, 0] += logCount }
        body(x, joint, UnsafeMatrixView(logProbabilities))
      }
    }
  }

  // MARK: Conditionals

  /// Returns the logits of the conditionals, B × D.
  public func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> { preparedLogits(of: rows) }

  /// Returns what computes the logits of the mixture's own conditionals.
  ///
  ///     p(x_i = 1 | x_<i) = Σ_k r_k · σ(z_ik),   r_k ∝ w_k · p_k(x_<i)
  ///
  /// - Complexity: O(D·K) a row, on all threads.
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    let z = logits.elements.map { Double($0) }
    let shape = (rows: variableCount, columns: componentCount)
    let on = Matrix<Double>(
      rowCount: shape.rows, columnCount: shape.columns, elements: z.map { exp(logSigmoid($0)) })
    let off = Matrix<Double>(
      rowCount: shape.rows, columnCount: shape.columns, elements: z.map { exp(logSigmoid(-$0)) })
    return TableConditionals { rows in
      precondition(
        rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
      let logits = rows.mapRows { conditionalLogits(of: rows, row: $0, on: on, off: off).map { Scalar($0) } }
      return Matrix(rowCount: rows.rowCount, columnCount: variableCount, elements: logits.flatMap { $0 })
    }
  }

  /// Returns the logits of one row's conditionals, from σ(z) and σ(−z), D × K.
  ///
  /// A component's share is exp(its logarithm at the start of a block of eight variables) times a product over the
  /// block. As no factor is below e⁻⁸⁰, a share lost to underflow could not have mattered before its logarithm is
  /// looked at again.
  private func conditionalLogits(
    of rows: BinaryMatrix, row: Int, on: Matrix<Double>, off: Matrix<Double>
  ) -> [Double] {
    var logShares = weights.map(log)
    var shares = weights
    var products = weights.map { _ in 1.0 }
    return withUnsafeViews(of: on, off) { on, off in
      (0..<variableCount).map { variable in
        if variable % 8 == 0 && variable > 0 {
          for k in logShares.indices { logShares[k] += log(products[k]) }
          let largest = logShares.reduce(-Double.infinity, max)
          for k in logShares.indices {
            shares[k] = exp(logShares[k] - largest)
            products[k] = 1
          }
        }
        let (p, q) = (on.base + variable * on.stride, off.base + variable * off.stride)
        let taken = rows[row, variable] ? p : q
        var (sumOn, sumOff) = (0.0, 0.0)
        for k in shares.indices {
          let share = shares[k] * products[k]
          sumOn += share * p[k]
          sumOff += share * q[k]
          products[k] *= taken[k]
        }
        return log(sumOn / sumOff)
      }
    }
  }

  // MARK: Sampling

  /// Draws the component of every row, then its variables.
  public func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    let components = (0..<count).map { _ in drawIndex(weights: weights, using: &generator) }
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    return BinaryMatrix(rowCount: count, columnCount: variableCount) { row, variable in
      Double(uniforms[row, variable]) < exp(logSigmoid(Double(logits[variable, components[row]])))
    }
  }

  // MARK: Checkpoints

  private struct Configuration: Codable {
    let componentCount: Int
    let variableCount: Int
  }

  /// The logits and the log-weights.
  package func archived() -> DensityArchive {
    DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(
        Configuration(componentCount: componentCount, variableCount: variableCount)),
      parameters: ["logits": logits, "log_weights": logWeights])
  }

  /// Restores a mixture.
  package init(_ archive: DensityArchive) throws(DensityError) {
    let shape = try archive.configuration(Configuration.self)
    guard shape.variableCount > 0, shape.componentCount > 0 else {
      throw archive.malformed(
        "at least one variable and one component", found: "\(shape.variableCount) and \(shape.componentCount)"
      )
    }
    let logits = try archive.logits(
      "logits", rowCount: shape.variableCount, columnCount: shape.componentCount)
    let logWeights = try archive.matrix("log_weights", rowCount: 1, columnCount: shape.componentCount)
    guard logWeights.elements.allSatisfy(\.isFinite) else {
      throw archive.malformed("finite log-weights", found: "\(logWeights.elements.filter { !$0.isFinite })")
    }
    self.init(logits: logits, logWeights: logWeights)
  }
}

extension BernoulliMixture: ArchivableDensity, PreparableConditionals {}
