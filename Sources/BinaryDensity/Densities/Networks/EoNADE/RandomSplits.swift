import Essentials
import Kernels

/// Random splits of D variables into known and unknown ones, stratified by how many are known.
///
/// Split j of n has d_j = (o + ⌊j · D / n⌋) mod D known variables, with one uniform o for all: each d_j is uniform in
/// 0 ..< D, and together they cover that range evenly. Which variables they are is drawn from numbers that belong to j
/// alone.
package struct RandomSplits: Sendable {
  private let count: Int
  private let variableCount: Int
  private let offset: Int
  /// The same o for rows that have any number of variables, as a share of it.
  private let share: Double
  private let generator: Philox

  /// Prepares to draw `count` splits from the sequence of a generator, which must be at its start.
  package init(count: Int, variableCount: Int, using generator: Philox) {
    self.count = count
    self.variableCount = variableCount
    var generator = generator
    offset = generator.integer(below: variableCount)
    share = unitDouble(generator.next())
    self.generator = generator
  }

  /// The number of known variables of split `index`.
  package func knownCount(at index: Int) -> Int {
    (offset + index * variableCount / count) % variableCount
  }

  /// Returns the splits with the given indices, one a row, on where a variable is known.
  ///
  /// - Complexity: O(min(d, D − d)) draws a row, on all threads.
  package func known(at indices: some RandomAccessCollection<Int> & Sendable) -> BinaryMatrix {
    let indices = Array(indices)
    return table(rowCount: indices.count) { row in
      let picks = picks(knownCount(at: indices[row]), of: variableCount, at: indices[row])
      var words = picks.words
      if !picks.areKnown {
        for word in words.indices { words[word] = ~words[word] }
        if variableCount % 64 > 0 { words[words.count - 1] &= 1 << UInt64(variableCount % 64) - 1 }
      }
      return words
    }
  }

  /// Returns splits of the variables that rows have, one a row: of n variables ⌊n · ((o + j / count) mod 1)⌋ are known.
  ///
  /// - Parameters:
  ///   - indices: the index of the split of each row.
  ///   - cells: a row for each, on where there is a variable to be known or not.
  package func known(
    at indices: some RandomAccessCollection<Int> & Sendable, among cells: BinaryMatrix
  ) -> BinaryMatrix {
    let indices = Array(indices)
    return table(rowCount: indices.count) { row in
      var words = [UInt64](repeating: 0, count: (variableCount + 63) / 64)
      let variables = Array(cells.onBits(ofRow: row))
      guard !variables.isEmpty else { return words }
      let place = share + Double(indices[row]) / Double(count)
      let knownCount = Int((place - place.rounded(.down)) * Double(variables.count))
      let picks = picks(min(knownCount, variables.count - 1), of: variables.count, at: indices[row])
      for (number, variable) in variables.enumerated() {
        let isPicked = picks.words[number >> 6] >> UInt64(number & 63) & 1 == 1
        if isPicked == picks.areKnown { words[variable >> 6] |= 1 << UInt64(variable & 63) }
      }
      return words
    }
  }

  /// Returns a table of rows of packed words, made on all threads.
  private func table(rowCount: Int, _ words: @Sendable (_ row: Int) -> [UInt64]) -> BinaryMatrix {
    let chunk = 16
    let parts = Threads.map(count: (rowCount + chunk - 1) / chunk) { part in
      (part * chunk..<min((part + 1) * chunk, rowCount)).flatMap(words)
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: variableCount, words: parts.flatMap { $0 })
  }

  /// Draws the known ones of n things, or where they are fewer the unknown ones, as packed bits.
  ///
  /// - Source: R. W. Floyd's sampling without replacement, in Bentley & Floyd, A Sample of Brilliance, CACM 30 (9), 1987.
  private func picks(_ knownCount: Int, of n: Int, at index: Int) -> (words: [UInt64], areKnown: Bool) {
    var generator = Philox(
      seed: generator.seed, stream: generator.stream, position: UInt64(index + 1) << 32)
    let areKnown = 2 * knownCount <= n
    let pickCount = areKnown ? knownCount : n - knownCount
    var words = [UInt64](repeating: 0, count: (n + 63) / 64)
    for last in n - pickCount..<n {
      var pick = generator.integer(below: last + 1)
      if words[pick >> 6] >> UInt64(pick & 63) & 1 == 1 { pick = last }
      words[pick >> 6] |= 1 << UInt64(pick & 63)
    }
    return (words, areKnown)
  }
}
