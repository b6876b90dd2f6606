import Essentials
import Kernels

/// A density made ready to say of many rows what each variable adds to log p: see `Contributions`.
///
/// Immutable; may be shared between threads.
public struct ContributionEvaluator: Sendable {
  /// What the variables' probabilities are conditioned on.
  public let conditioning: Conditioning
  /// The number D of variables.
  public let variableCount: Int
  /// The densities that the density mixes, each of one order; none where all others are given.
  private let parts: [OrderedPart]
  private let inference: Inference?

  /// Prepares a density.
  ///
  /// - Throws: `DensityError.unsupported` for a density that gives log p of whole rows alone, unless given all others.
  public init(_ density: any Density, given conditioning: Conditioning = .before) throws(DensityError) {
    self.conditioning = conditioning
    variableCount = density.variableCount
    guard conditioning == .before else {
      (parts, inference) = ([], try density.inference())
      return
    }
    let leaves = density.leaves
    var parts: [OrderedPart] = []
    for leaf in leaves { parts.append(try OrderedPart(leaf, isAlone: leaves.count == 1)) }
    (self.parts, inference) = (parts, nil)
  }

  /// Whether the density mixes several orders, so that a part of log p belongs to no variable.
  public var hasRemainder: Bool { parts.count > 1 }

  /// Returns what each variable of each row adds to log p.
  ///
  /// - Parameters:
  ///   - rows: any number.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: nil if `observe` said to stop.
  /// - Throws: `DensityError.undefined` for a row whose log p is not a number, `DensityError.invalidConfiguration` where the
  ///   numbers do not fit into memory, and what `observe` throws.
  /// - Precondition: `rows.columnCount == variableCount`.
  public func contributions(
    of rows: BinaryMatrix, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Contributions? {
    try contributions(of: rows, inDouble: false, observing: observe)
  }

  /// As the above; in Double by the plain reference loops, if that is wanted.
  package func contributions(
    of rows: BinaryMatrix, inDouble: Bool, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Contributions? {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    try checkMemory(
      of: "what each cell adds", bytes: 16 * Double(rows.rowCount) * Double(paddedStride(variableCount)))
    if let inference {
      return try inference.logConditionalsGivenAllOthers(of: rows, observing: observe).map {
        Contributions(conditioning: conditioning, values: $0, remainders: nil)
      }
    }
    var mixed = MixedContributions(rowCount: rows.rowCount, columnCount: variableCount)
    for (index, part) in parts.enumerated() {
      let terms = part.terms(of: rows, inDouble: inDouble)
      if let row = (0..<rows.rowCount).first(where: { terms[row: $0].contains(where: \.isNaN) }) {
        throw .undefined(row: row)
      }
      mixed.add(terms, logWeight: part.logWeight)
      guard try observe(Double(index + 1) / Double(parts.count)) else { return nil }
    }
    return mixed.contributions
  }
}

/// A component that has conditionals along one order.
private struct OrderedPart: Sendable {
  let logWeight: Double
  /// The density as a chain; nil for one whose marginals are exact and that is no chain by itself.
  private let chain: (any AutoregressiveDensity)?
  private let tractable: (any TractableDensity)?
  /// The conditionals, kept ready; nil for one of many components, each of which can be as large as a file.
  private let kept: Conditionals?

  init(_ component: Component, isAlone: Bool) throws(DensityError) {
    let density = component.density
    (chain, tractable) = (density.autoregressive(), density.tractable)
    guard chain != nil || tractable != nil else {
      throw .unsupported(
        "a density of type \(type(of: density)) gives log p of whole rows alone; what a variable adds takes conditionals "
          + "along an order, components, or a tractable density (given all others any density will do)")
    }
    logWeight = isAlone ? 0 : log(component.weight)
    kept = isAlone && tractable == nil ? chain.map { Conditionals($0, batchCapacity: 512) } : nil
  }

  /// Returns log p(x_i | x_<i) of each cell.
  func terms(of rows: BinaryMatrix, inDouble: Bool) -> Matrix<Double> {
    guard let chain else {
      return tractable?.logConditionalsInTurn(of: rows) ?? Matrix(rowCount: 0, columnCount: 0)
    }
    let capacity = max(1, min(512, rows.rowCount))
    // A tractable density computes in double precision anyway.
    guard inDouble || tractable != nil else {
      return logTerms((kept ?? Conditionals(chain, batchCapacity: capacity)).logits(of: rows), of: rows)
    }
    return logTerms(
      chain.anyConditionalExecutor(in: Double.self, batchCapacity: capacity).logits(of: rows), of: rows)
  }

  private func logTerms<Scalar: KernelScalar>(_ logits: Matrix<Scalar>, of rows: BinaryMatrix) -> Matrix<
    Double
  > {
    Matrix(rowCount: rows.rowCount, columnCount: rows.columnCount) { row, column in
      let z = Double(logits[row, column])
      return orImpossible(logSigmoid(rows[row, column] ? z : -z))
    }
  }
}

extension TractableDensity {
  /// Returns log p(x_i | x_<i) of each cell in the order of the columns, as differences of marginals.
  fileprivate func logConditionalsInTurn(of rows: BinaryMatrix) -> Matrix<Double> {
    var result = Matrix<Double>(rowCount: rows.rowCount, columnCount: variableCount)
    var before = [Double](repeating: 0, count: rows.rowCount)
    for column in 0..<variableCount {
      let marginals = logMarginals(of: PartialRows(rows, knownColumns: 0..<column + 1))
      for row in before.indices {
        // What comes after an impossible beginning is as good as certain.
        result[row, column] = before[row] == -.infinity ? 0 : min(0, marginals[row] - before[row])
      }
      before = marginals
    }
    return result
  }
}

/// The mean of components' terms by the probability that a row came from each, as one component after another is added.
///
/// A row's terms so far are held scaled by exp(−largest s_k), s_k = log w_k + log p_k(x), so that K components take the memory
/// of one.
private struct MixedContributions {
  private var values: Matrix<Double>
  private var totals: [Double]
  private var largest: [Double]
  /// log w_k, and s_k of each row, of each component.
  private var components: [(logWeight: Double, scores: [Double])] = []

  init(rowCount: Int, columnCount: Int) {
    values = Matrix(rowCount: rowCount, columnCount: columnCount)
    totals = Array(repeating: 0, count: rowCount)
    largest = Array(repeating: -.infinity, count: rowCount)
  }

  mutating func add(_ terms: Matrix<Double>, logWeight: Double) {
    var scores: [Double] = []
    for row in totals.indices {
      let terms = terms[row: row]
      let score = logWeight + terms.reduce(0, +)
      scores.append(score)
      // A row that no component can have shows what the first says of it.
      guard score > -.infinity || components.isEmpty else { continue }
      let top = max(largest[row], score)
      let (old, new) = top > -.infinity ? (exp(largest[row] - top), exp(score - top)) : (0, 0)
      for column in terms.indices {
        let former = old > 0 ? old * values[row, column] : 0
        values[row, column] = new > 0 ? former + new * terms[column] : terms[column]
      }
      (totals[row], largest[row]) = (old * totals[row] + new, top)
    }
    components.append((logWeight, scores))
  }

  var contributions: Contributions {
    let scaled = Matrix(rowCount: values.rowCount, columnCount: values.columnCount) { row, column in
      totals[row] > 0 ? values[row, column] / totals[row] : values[row, column]
    }
    let remainders = totals.indices.map { row in
      let logProbability = logSumExp(components.map { $0.scores[row] })
      return components.reduce(0.0) { sum, component in
        let logShare = component.scores[row] - logProbability
        return component.scores[row] > -.infinity
          ? sum - exp(logShare) * (logShare - component.logWeight) : sum
      }
    }
    return Contributions(
      conditioning: .before, values: scaled,
      remainders: components.count > 1 ? remainders.map { min(0, $0) } : nil)
  }
}
