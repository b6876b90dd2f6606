import Kernels

/// Rows on stacks: by the conditionals of a chain, or, of a mixture, by those of one component a row, which is itself drawn from
/// the stack so that choosing it costs nothing (bits-back coding).
///
///     take k off by p(k | x);  put x on by p_k(x);  put k on by w_k:   −log₂ (w_k p_k(x) / p(k | x)) = −log₂ p(x) bits
///
/// - Source: Townsend, Bird & Barber, ICLR 2019 (arXiv:1901.04866), section 2.
struct RowCode: Sendable {
  /// The chains: one, or a mixture's components.
  let parts: [any CursorSource]
  /// Their weights.
  let weights: SymbolTable

  var variableCount: Int { parts[0].variableCount }
  /// The fewest rows that one of the parts wants to be walked together.
  var rowsPerShard: Int { parts.reduce(Int.max) { min($0, $1.rowsPerShard) } }

  /// Puts rows on stacks.
  ///
  /// - Parameter lanes: the stack of each row.
  func push(_ columns: BitColumns, lanes: [Int], onto stacks: inout LaneStacks) {
    let all = Array(0..<columns.rowCount)
    var chosen = Array(repeating: 0, count: columns.rowCount)
    if parts.count > 1 {
      let products = parts.map { probabilities(of: columns, members: all, in: $0) }
      for row in all { chosen[row] = stacks.pop(of: posterior(products.map { $0[row] }), lane: lanes[row]) }
    }
    for (index, part) in parts.enumerated().reversed() {
      let members = all.filter { chosen[$0] == index }
      if !members.isEmpty { push(columns, members: members, of: part, lanes: lanes, onto: &stacks) }
    }
    guard parts.count > 1 else { return }
    for row in all.reversed() { stacks.push(chosen[row], of: weights, lane: lanes[row]) }
  }

  /// Takes rows off stacks: the inverse of `push`.
  func pop(lanes: [Int], from stacks: inout LaneStacks) -> BitColumns {
    var columns = BitColumns(rowCount: lanes.count, columnCount: variableCount)
    let all = Array(lanes.indices)
    let chosen = parts.count > 1 ? all.map { stacks.pop(of: weights, lane: lanes[$0]) } : all.map { _ in 0 }
    var products = parts.map { _ in all.map { _ in WideDouble.one } }
    for (index, part) in parts.enumerated() {
      let members = all.filter { chosen[$0] == index }
      guard !members.isEmpty else { continue }
      let own = pop(into: &columns, members: members, of: part, lanes: lanes, from: &stacks)
      for (row, value) in zip(members, own) { products[index][row] = value }
    }
    guard parts.count > 1 else { return columns }
    for (index, part) in parts.enumerated() {
      let others = all.filter { chosen[$0] != index }
      for (row, value) in zip(others, probabilities(of: columns, members: others, in: part)) {
        products[index][row] = value
      }
    }
    for row in all.reversed() {
      stacks.push(chosen[row], of: posterior(products.map { $0[row] }), lane: lanes[row])
    }
    return columns
  }

  /// p(k | x) from p_k(x).
  private func posterior(_ products: [WideDouble]) -> SymbolTable {
    let largest = products.reduce(.zero, max)
    return SymbolTable(
      shares: zip(weights.frequencies, products).map { Double($0) * ($1 / largest).double })
  }

  // MARK: Walks

  /// Puts the values of some rows on stacks by the conditionals of a part, the last first.
  private func push(
    _ columns: BitColumns, members: [Int], of part: any CursorSource, lanes: [Int],
    onto stacks: inout LaneStacks
  ) {
    var frequencies = [UInt32](repeating: 0, count: members.count)
    var cells = [LaneStacks.Cell](repeating: 0, count: members.count * variableCount)
    var next = 0
    walk(part, rowCount: members.count) { variable, logits, values in
      columns.copy(column: variable, members: members, into: &values)
      var span = frequencies.mutableSpan
      onFrequencies(logits: logits, into: &span)
      var target = cells.mutableSpan
      for index in frequencies.indices {
        target[next + index] = frequencies[index] | (values[index] ? LaneStacks.bitOfCell : 0)
      }
      next += members.count
    }
    let lanes = members.map { lanes[$0] }
    for start in stride(from: cells.count - members.count, through: 0, by: -members.count) {
      stacks.push(cells.span.extracting(start..<start + members.count), lanes: lanes.span)
    }
  }

  /// Takes the values of some rows off stacks by the conditionals of a part; returns p of each in it, of a mixture.
  private func pop(
    into columns: inout BitColumns, members: [Int], of part: any CursorSource, lanes: [Int],
    from stacks: inout LaneStacks
  ) -> [WideDouble] {
    let lanes = members.map { lanes[$0] }
    var frequencies = [UInt32](repeating: 0, count: members.count)
    var product = RowProbabilities(rowCount: parts.count > 1 ? members.count : 0)
    walk(part, rowCount: members.count) { variable, logits, values in
      var span = frequencies.mutableSpan
      onFrequencies(logits: logits, into: &span)
      stacks.pop(frequencies: frequencies.span, lanes: lanes.span, into: &values)
      columns.set(column: variable, members: members, to: values.span)
      if parts.count > 1 { product.multiply(values.span, frequencies: frequencies.span) }
    }
    return product.values
  }

  /// Returns p of some rows in a part.
  private func probabilities(
    of columns: BitColumns, members: [Int], in part: any CursorSource
  ) -> [WideDouble] {
    guard !members.isEmpty else { return [] }
    var frequencies = [UInt32](repeating: 0, count: members.count)
    var product = RowProbabilities(rowCount: members.count)
    walk(part, rowCount: members.count) { variable, logits, values in
      columns.copy(column: variable, members: members, into: &values)
      var span = frequencies.mutableSpan
      onFrequencies(logits: logits, into: &span)
      product.multiply(values.span, frequencies: frequencies.span)
    }
    return product.values
  }

  /// The CRC-32 of the logits that a part gives some rows, position after position.
  func logitChecksum(of columns: BitColumns, in part: any CursorSource) -> UInt32 {
    var check = CRC32()
    let all = Array(0..<columns.rowCount)
    walk(part, rowCount: columns.rowCount) { variable, logits, values in
      columns.copy(column: variable, members: all, into: &values)
      check.update([UInt8](logits.indices.map { logits[$0] }, order: .little))
    }
    return check.value
  }

  /// Walks rows along a part's order, whose values `decide` writes.
  private func walk(
    _ part: any CursorSource, rowCount: Int,
    _ decide: (_ variable: Int, _ logits: Span<Float>, _ values: inout MutableSpan<Bool>) -> Void
  ) {
    let cursor = part.cursor(rowCount: rowCount)
    var logits = [Float](repeating: 0, count: rowCount)
    var values = [Bool](repeating: false, count: rowCount)
    for variable in part.ordering.variables {
      cursor.nextLogits(into: &logits)
      var span = values.mutableSpan
      decide(variable, logits.span, &span)
      cursor.advance(values.span)
    }
  }
}

/// Products of conditionals, of rows in lockstep: of the frequencies that bits are coded with, so that a row's probabilities in
/// several components have the proportions of what it costs in them.
///
/// Only products and comparisons, which every processor rounds alike.
private struct RowProbabilities {
  private(set) var values: [WideDouble]

  init(rowCount: Int) { values = Array(repeating: .one, count: rowCount) }

  /// Multiplies by the probabilities of bits, given how often they are on.
  mutating func multiply(_ bits: Span<Bool>, frequencies: Span<UInt32>) {
    for row in values.indices {
      let on = frequencies[row]
      values[row] *= Double(bits[row] ? on : SymbolTable.total - on) * 0x1p-24
    }
  }
}
