import BinaryDensity
import Essentials
import Kernels

/// Completed rows: bits, or the probabilities that cells are on.
enum CompletedRows {
  /// `perRow` completions of each row, one after another.
  case bits(BinaryMatrix, perRow: Int)
  /// A row of probabilities for each row.
  case probabilities(Matrix<Float>)

  var rowCount: Int {
    switch self {
    case .bits(let rows, _): rows.rowCount
    case .probabilities(let rows): rows.rowCount
    }
  }

  /// The completions of one row of evidence, as numbers.
  func numbers(ofRow row: Int) -> [[Float]] {
    switch self {
    case .bits(let rows, let perRow):
      (row * perRow..<(row + 1) * perRow).map { rows[row: $0].map { $0 ? 1 : 0 } }
    case .probabilities(let rows): [rows[row: row]]
    }
  }
}

/// Completes rows in one of the ways of `density impute`, block by block.
final class RowCompleter {
  private enum Way {
    case draws(Int)
    case mean(drawCount: Int)
    case mode(ModeSearch)
  }

  private let way: Way
  private let inference: Inference
  private let exactMeans: ExactMeans
  private var generator: Philox
  /// The least effective number of particles that a row was drawn from, where particles drew it.
  private var leastSize: Double?
  private var (rowCount, provedCount, drawnCount) = (0, 0, 0)

  init(
    _ density: any Density, how: String, drawCount: Int?, _ options: ModeSearch.Options,
    _ inferenceOptions: Inference.Options
  ) throws(DensityError) {
    switch how {
    case "mode": way = .mode(ModeSearch(density, options))
    case "mean": way = .mean(drawCount: drawCount ?? 100)
    default: way = .draws(drawCount ?? 1)
    }
    inference = try Inference(density, inferenceOptions)
    exactMeans = ExactMeans(density, inference)
    generator = Philox(seed: inferenceOptions.seed, stream: .sampling)
  }

  /// So many rows are completed at a time that no thread is idle, and so few that the first come soon.
  var blockLength: Int {
    switch way {
    case .draws(let count): max(1, 4096 / count)
    // One question for each unknown cell.
    case .mean(let count): min(64, max(1, 4096 / count))
    case .mode: 256
    }
  }

  /// Completes rows; nil if `observe` said to stop.
  func complete(
    _ rows: PartialRows, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> CompletedRows? {
    rowCount += rows.rowCount
    switch way {
    case .draws(let count):
      return try draw(rows, count, observe).map { .bits($0, perRow: count) }
    case .mean(let count): return try mean(rows, count, observe).map { .probabilities($0) }
    case .mode(let search):
      guard let modes = try search.completions(of: rows, observing: observe) else { return nil }
      provedCount += (0..<modes.rows.rowCount).count { modes.isProved($0) }
      return .bits(modes.rows, perRow: 1)
    }
  }

  /// What is to be said of the completions, once all are made.
  var note: String? {
    switch way {
    case .mode:
      let line = "\(provedCount) of \(rowCount) completions are proved to be the most probable"
      return provedCount < rowCount ? line + "; more --nodes may prove others" : line
    case .mean(let count):
      guard drawnCount > 0 else { return "means exact" }
      // The standard deviation of a bit is at most a half.
      let error = fixed(0.5 / Double(count).squareRoot(), 3)
      let line =
        (drawnCount == rowCount
          ? "all means estimated"
          : "means of \(rowCount - drawnCount) rows exact, of \(drawnCount) estimated")
        + ", by \(count) draws each, standard errors up to \(error)"
      return leastSize.map { line + "; " + InferenceArguments.note($0) } ?? line
    case .draws: return leastSize.map { InferenceArguments.note($0) }
    }
  }

  /// p(x_i = 1 | known) of each cell: exact row by row where that is quick, else by draws.
  private func mean(
    _ rows: PartialRows, _ count: Int, _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Matrix<Float>? {
    var rest: [Int] = []
    var result = Matrix<Float>(rowCount: rows.rowCount, columnCount: rows.columnCount)
    for row in 0..<rows.rowCount {
      if let means = try exactMeans.means(of: rows, row: row) {
        for column in 0..<rows.columnCount { result[row, column] = means[column] }
      } else {
        rest.append(row)
      }
      if try !observe(Double(row + 1) / Double(rows.rowCount)) { return nil }
    }
    guard !rest.isEmpty else { return result }
    drawnCount += rest.count
    let drawn: BinaryMatrix?
    do throws(DensityError) {
      drawn = try draw(rows.selecting(rest), count, observe)
    } catch .impossibleEvidence(let row, let onBitCount) {
      throw .impossibleEvidence(row: rest[row], onBitCount: onBitCount)
    }
    guard let drawn else { return nil }
    let means = Self.means(of: drawn, perRow: count)
    for (index, row) in rest.enumerated() {
      for column in 0..<rows.columnCount { result[row, column] = means[index, column] }
    }
    return result
  }

  private func draw(
    _ rows: PartialRows, _ count: Int, _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> BinaryMatrix? {
    let drawn = try inference.sample(given: rows, count: count, using: &generator, observing: observe)
    for size in drawn?.effectiveSampleSizes ?? [] {
      if let size { leastSize = min(leastSize ?? size, size) }
    }
    return drawn?.rows
  }

  /// The share of each row's draws in which a cell is on.
  private static func means(of drawn: BinaryMatrix, perRow: Int) -> Matrix<Float> {
    let rowCount = drawn.rowCount / perRow
    var means = Matrix<Float>(rowCount: rowCount, columnCount: drawn.columnCount)
    for row in 0..<drawn.rowCount {
      for column in drawn.onBits(ofRow: row) { means[row / perRow, column] += 1 / Float(perRow) }
    }
    // A cell that is on in all draws is 1 to the last bit.
    return Matrix(rowCount: rowCount, columnCount: drawn.columnCount) { row, column in
      let mean = (means[row, column] * Float(perRow)).rounded() / Float(perRow)
      return min(mean, 1)
    }
  }
}
