import Essentials
import Kernels

/// Rows drawn of densities, block by block, and the means of what is computed of them.
///
/// A block's rows follow from the seed, the density's place and the block's number alone.
struct EntropyDraws: Sendable {
  /// One of the densities, and what is computed of its rows.
  struct Source: Sendable {
    let evaluator: Evaluator
    /// Returns a number a row for each figure.
    let figures: @Sendable (BinaryMatrix) throws(DensityError) -> [[Double]]
  }

  private let sources: [Source]
  private let options: EntropyOptions
  /// The means of each source's figures.
  private(set) var means: [[RunningMean]]
  /// How many rows of each source there are so far.
  private(set) var rowCount = 0
  private var blockCount: UInt64 = 0
  /// Each source's first row, as long as all others are equal to it.
  private var onlyRows: [BinaryMatrix?]

  init(_ sources: [Source], figureCount: Int, _ options: EntropyOptions) {
    self.sources = sources
    self.options = options
    means = sources.map { _ in Array(repeating: RunningMean(), count: figureCount) }
    onlyRows = sources.map { _ in nil }
  }

  /// Draws rows until the standard errors that `errors` gives of what was computed are small enough, or there are as many
  /// rows as may be.
  ///
  /// - Returns: false if `observe`, which is told the fraction done, said to stop.
  mutating func run(
    errors: (EntropyDraws) -> [Double], observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    // Of a few rows not even the error is known.
    var goal = options.targetError == nil ? options.rowCount : max(options.rowCount, Self.fewestRows)
    while true {
      while rowCount < goal {
        try drawBlock(upTo: goal)
        // What is still to come is known only as far as the goal.
        if try !observe(Double(rowCount) / Double(goal)) { return false }
      }
      guard let target = options.targetError, goal < options.rowLimit,
        let largest = errors(self).max(), largest > target
      else { return true }
      // The error falls as the square root of the rows grows; a tenth more makes up for what an error's error is.
      let growth = min(4, 1.1 * largest * largest / (target * target))
      goal = min(options.rowLimit, max(goal + 1, Int(growth * Double(goal))))
    }
  }

  private mutating func drawBlock(upTo goal: Int) throws(DensityError) {
    let columnCount = sources[0].evaluator.variableCount
    let count = min(goal - rowCount, Self.blockLength(columnCount: columnCount))
    for (index, source) in sources.enumerated() {
      let rows = try source.evaluator.block(
        blockCount, rowCount: count, seed: options.seed, source: UInt64(index))
      if rowCount == 0 { try source.evaluator.checkLogProbabilityOfFirst(rows) }
      for (figure, values) in try source.figures(rows).enumerated() { means[index][figure].add(values) }
      let first = rowCount == 0 ? rows.rows(0..<1) : onlyRows[index]
      onlyRows[index] = first.flatMap { first in
        stride(from: 0, to: rows.words.count, by: rows.wordsPerRow).allSatisfy {
          rows.words[$0..<$0 + rows.wordsPerRow] == first.words[...]
        } ? first : nil
      }
    }
    rowCount += count
    blockCount += 1
  }

  /// Whether all rows that were drawn of a source are the same: of what else there may be they tell nothing, least of all
  /// an error of 0.
  func isBlind(_ source: Int) -> Bool { onlyRows[source] != nil }

  /// Returns the mean of a source's figure.
  ///
  /// Where all n drawn rows give the same figure, but for rounding, they do not scatter, and tell nothing of rows that were not
  /// drawn. The error is then D · log 2 / n for D variables: as if one row in n differed by the largest entropy there is.
  func measured(_ source: Int, _ figure: Int) -> Measured {
    let measured = means[source][figure].measured
    guard let error = measured.standardError else { return measured }
    guard !isBlind(source) else { return Measured(measured.value, standardError: .infinity) }
    guard error <= 1e-12 * max(1, abs(measured.value)) else { return measured }
    let largest = Double(sources[source].evaluator.variableCount) * log(2)
    return Measured(measured.value, standardError: largest / Double(rowCount))
  }

  /// The fewest rows whose error is believed where one is to be reached.
  private static let fewestRows = 512

  /// So many rows are drawn at a time: a block of numbers, one a cell, takes 16 MB or less where rows are not very long.
  static func blockLength(columnCount: Int) -> Int { min(1024, max(16, (1 << 22) / columnCount)) }
}

extension Evaluator {
  /// Draws one block of rows.
  func block(
    _ number: UInt64, rowCount: Int, seed: UInt64, source: UInt64
  ) throws(DensityError) -> BinaryMatrix {
    var generator = Philox(seed: seed, stream: .modelRows, index: source << 40 | number)
    return try sample(count: rowCount, using: &generator)
  }

  /// Draws rows block by block; nil if `observe`, which is told the fraction done, says to stop.
  func rows(
    count: Int, seed: UInt64, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> BinaryMatrix? {
    let length = EntropyDraws.blockLength(columnCount: variableCount)
    var blocks: [BinaryMatrix] = []
    for start in stride(from: 0, to: count, by: length) {
      blocks.append(
        try block(UInt64(blocks.count), rowCount: min(length, count - start), seed: seed, source: 0))
      if try !observe(Double(min(count, start + length)) / Double(count)) { return nil }
    }
    return BinaryMatrix(concatenating: blocks, columnCount: variableCount)
  }
}
