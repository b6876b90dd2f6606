import Essentials

extension TabulatedDensity {
  /// Fits a table to the counts of whole rows, which are drawn towards independent columns.
  ///
  ///     p(x) = (n(x) + c·m(x)) / (N + c)
  ///
  /// n(x) is how many of the N rows are x, m(x) its probability under independent Bernoullis, and c, a power of two up to
  /// 2²⁰, the one by which each row is likeliest given all others: Π_n (n(x_n) − 1 + c·m(x_n)) / (N − 1 + c).
  /// - Throws: `DensityError.invalidConfiguration` for a table without rows or columns, or of more than 16 columns.
  /// - Complexity: O(N·D + 2ᴰ).
  /// - Source: the posterior mean of a Dirichlet prior around m: Good, The Estimation of Probabilities, 1965, chapter 3.
  package static func fit(to rows: BinaryMatrix) throws(DensityError) -> TabulatedDensity {
    let marginals = try IndependentBernoulli.fit(to: rows)
    guard rows.columnCount <= variableLimit else {
      throw .invalidConfiguration(
        "a table of probabilities has at most \(variableLimit) variables, not \(rows.columnCount)")
    }
    var counts = [Double](repeating: 0, count: 1 << rows.columnCount)
    // A row of so few columns is one word.
    for word in rows.words { counts[Int(word)] += 1 }
    let base = marginals.logProbabilities(of: .allRows(ofWidth: rows.columnCount)).map { exp($0) }
    let seen = counts.indices.filter { counts[$0] > 0 }
    let total = Double(rows.rowCount)
    func score(_ c: Double) -> Double {
      seen.reduce(-total * log(total - 1 + c)) { $0 + counts[$1] * log(counts[$1] - 1 + c * base[$1]) }
    }
    let candidates = (0...20).map { Double(1 << $0) }
    let c = candidates.max { score($0) < score($1) } ?? 1
    return TabulatedDensity(terms: zip(counts, base).map { log($0 + c * $1) })
  }
}
