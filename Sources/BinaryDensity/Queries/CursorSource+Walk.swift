import Kernels

extension CursorSource {
  /// The number D of variables.
  public var variableCount: Int { ordering.variables.count }

  /// Walks rows on all threads, a cursor a shard, and returns them with the values that `decide` gave.
  ///
  /// For each shard and each variable in the ordering, `decide` is told which rows and which variable these are and the
  /// logits of p(x_i = 1 | the variables before i), and writes the rows' values; they are false before. It is called from
  /// several threads, for different shards, in any order.
  /// - Parameters:
  ///   - rowCount: the number of rows.
  ///   - observe: is told the fraction done, and says whether to go on.
  ///   - decide: writes the values of some rows' variable, given its logits.
  /// - Returns: the rows, or nil if `observe` stopped the walk.
  /// - Complexity: about that of a likelihood of the rows.
  public func walk(
    rowCount: Int,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true },
    decide:
      @Sendable (
        _ rows: Range<Int>, _ variable: Int, _ logits: Span<Float>, _ values: inout MutableSpan<Bool>
      ) -> Void
  ) throws(DensityError) -> BinaryMatrix? {
    try mapShards(rowCount: rowCount, observing: observe) { walkShard($0, decide) }
  }

  /// Returns the rows whose packed words `body` gives, shard by shard, on all threads.
  private func mapShards(
    rowCount: Int, observing observe: (Double) throws(DensityError) -> Bool,
    _ body: @Sendable (Range<Int>) -> [UInt64]
  ) throws(DensityError) -> BinaryMatrix? {
    precondition(rowCount >= 0, "cannot walk \(rowCount) rows")
    // Some shards for every thread; a row's bits do not depend on which it is in.
    let size = max(1, min(rowsPerShard, (rowCount + Threads.count - 1) / Threads.count))
    let shardCount = (rowCount + size - 1) / size
    let wave = 4 * Threads.count
    var words: [UInt64] = []
    words.reserveCapacity(rowCount * ((variableCount + 63) / 64))
    for first in stride(from: 0, to: shardCount, by: wave) {
      let shards = Threads.map(count: min(wave, shardCount - first)) { index in
        let start = (first + index) * size
        return body(start..<min(start + size, rowCount))
      }
      for shard in shards { words += shard }
      if try !observe(Double(min(first + wave, shardCount)) / Double(shardCount)) { return nil }
    }
    return BinaryMatrix(rowCount: rowCount, columnCount: variableCount, words: words)
  }

  /// Walks one shard; returns the packed rows.
  private func walkShard(
    _ rows: Range<Int>,
    _ decide: (Range<Int>, Int, Span<Float>, inout MutableSpan<Bool>) -> Void
  ) -> [UInt64] {
    let cursor = cursor(rowCount: rows.count)
    // The rows' first bytes, then their second ones: the bits of a variable are written side by side.
    let wordsPerRow = (variableCount + 63) / 64
    var bytes = [[UInt8]](repeating: Array(repeating: 0, count: rows.count), count: wordsPerRow * 8)
    var logits = [Float](repeating: 0, count: rows.count)
    var values = [Bool](repeating: false, count: rows.count)
    for variable in ordering.variables {
      cursor.nextLogits(into: &logits)
      values.withUnsafeMutableBufferPointer { $0.update(repeating: false) }
      var span = values.mutableSpan
      decide(rows, variable, logits.span, &span)
      cursor.advance(values.span)
      let bit: UInt8 = 1 << UInt8(variable % 8)
      var column = bytes[variable / 8].mutableSpan
      for row in values.indices { column[row] |= values[row] ? bit : 0 }
    }
    var words = [UInt64](repeating: 0, count: rows.count * wordsPerRow)
    for (place, column) in bytes.enumerated() {
      let shift = UInt64(place % 8 * 8)
      for row in column.indices { words[row * wordsPerRow + place / 8] |= UInt64(column[row]) << shift }
    }
    return words
  }

  /// Draws rows by walking them.
  public func draw(uniforms: Matrix<Float>) -> BinaryMatrix { drawByWalking(uniforms: uniforms) }

  /// Draws rows by walking them, whether or not the source has a way of its own.
  package func drawByWalking(uniforms: Matrix<Float>) -> BinaryMatrix {
    precondition(
      uniforms.columnCount == variableCount,
      "uniforms of \(uniforms.columnCount) columns for \(variableCount) variables")
    let goOn: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
    let rows = try? mapShards(rowCount: uniforms.rowCount, observing: goOn) { rows in
      var column = [Float](repeating: 0, count: rows.count)
      return walkShard(rows) { _, variable, logits, values in
        for row in rows { column[row - rows.lowerBound] = uniforms[row, variable] }
        drawBits(uniforms: column.span, logits: logits, into: &values)
      }
    }
    // Nothing stops the walk, and nothing throws.
    return rows.flatMap(\.self) ?? BinaryMatrix(rowCount: 0, columnCount: variableCount)
  }

  /// Draws rows exactly: a table of uniforms row by row, then each variable given the ones before it.
  func sample(count: Int, using generator: inout some RandomNumberGenerator) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    var uniforms = Matrix<Float>(uninitializedRowCount: count, columnCount: variableCount)
    uniforms.fillUniform(using: &generator)
    return draw(uniforms: uniforms)
  }
}
