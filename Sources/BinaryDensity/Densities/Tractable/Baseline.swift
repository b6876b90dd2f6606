import Kernels

/// What the baselines share: densities that are fitted by counting, in closed form or by expectation maximisation.
enum Baseline {
  /// The largest absolute value of a logit.
  ///
  /// No table comes near it: with N rows and the smallest pseudo-count a logit stays below log(2·N²·10⁹). It keeps
  /// probabilities, and products of eight of them, well above the smallest numbers of a Double.
  static let largestLogit: Float = 80

  /// Checks that a table can be fitted.
  ///
  /// - Throws: `DensityError.invalidConfiguration`.
  static func check(_ rows: BinaryMatrix, pseudoCount: Double) throws(DensityError) {
    guard rows.rowCount > 0 else { throw .invalidConfiguration("a model cannot be fitted to no rows") }
    guard rows.columnCount > 0 else {
      throw .invalidConfiguration("a model needs at least one variable, not 0")
    }
    guard pseudoCount >= 1e-9 && pseudoCount <= 1e9 else {
      throw .invalidConfiguration("a pseudo-count is from 1e-9 to 1e9, not \(pseudoCount)")
    }
  }

  /// The configuration of a density that its number of variables describes.
  struct Configuration: Codable {
    let variableCount: Int
  }
}

extension DensityArchive {
  /// Returns a matrix of logits, none of which is beyond `Baseline.largestLogit`.
  func logits(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> Matrix<Float> {
    let logits = try matrix(name, rowCount: rowCount, columnCount: columnCount)
    if let wrong = logits.elements.first(where: { !(abs($0) <= Baseline.largestLogit) }) {
      throw malformed("\(name) within ±\(Baseline.largestLogit)", found: "\(wrong)")
    }
    return logits
  }

  /// Returns the number of variables of a `Baseline.Configuration`.
  func variableCount() throws(DensityError) -> Int {
    let count = try configuration(Baseline.Configuration.self).variableCount
    guard count > 0 else { throw malformed("at least one variable", found: "\(count)") }
    return count
  }
}

extension BinaryMatrix {
  /// Returns `body(r)` of every row r, on all threads.
  func mapRows<Result: Sendable>(_ body: @Sendable (Int) -> Result) -> [Result] {
    let chunk = 64
    return Threads.map(count: (rowCount + chunk - 1) / chunk) { part in
      (part * chunk..<min((part + 1) * chunk, rowCount)).map(body)
    }.flatMap { $0 }
  }

  /// Calls `body` with consecutive rows as scalars, some hundred at a time, for as long as `goesOn` says so.
  func forEachBatch<Scalar: KernelScalar>(
    in type: Scalar.Type, while goesOn: () -> Bool = { true },
    _ body: (_ range: Range<Int>, _ rows: UnsafeMatrixView<Scalar>) -> Void
  ) {
    let capacity = min(1024, rowCount)
    var batch = Matrix<Scalar>(rowCount: capacity, columnCount: columnCount)
    batch.withUnsafeMutableView { view in
      for start in stride(from: 0, to: rowCount, by: max(1, capacity)) where goesOn() {
        let range = start..<min(start + capacity, rowCount)
        let rows = view.rows(0..<range.count)
        copyRows(range, into: rows)
        body(range, UnsafeMatrixView(rows))
      }
    }
  }
}

/// Computes logits by a function of the rows.
final class TableConditionals<Scalar: KernelScalar>: ConditionalExecutor {
  private let compute: (BinaryMatrix) -> Matrix<Scalar>

  init(_ compute: @escaping (BinaryMatrix) -> Matrix<Scalar>) { self.compute = compute }

  func logits(of rows: BinaryMatrix) -> Matrix<Scalar> { compute(rows) }
}
