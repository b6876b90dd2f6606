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
      let logarithms = parts.map { logProbabilities(of: columns, members: all, in: $0) }
      for row in all { chosen[row] = stacks.pop(of: posterior(logarithms.map { $0[row] }), lane: lanes[row]) }
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
    var logarithms = parts.map { _ in all.map { _ in 0.0 } }
    for (index, part) in parts.enumerated() {
      let members = all.filter { chosen[$0] == index }
      guard !members.isEmpty else { continue }
      let own = pop(into: &columns, members: members, of: part, lanes: lanes, from: &stacks)
      for (row, value) in zip(members, own) { logarithms[index][row] = value }
    }
    guard parts.count > 1 else { return columns }
    for (index, part) in parts.enumerated() {
      let others = all.filter { chosen[$0] != index }
      for (row, value) in zip(others, logProbabilities(of: columns, members: others, in: part)) {
        logarithms[index][row] = value
      }
    }
    for row in all.reversed() {
      stacks.push(chosen[row], of: posterior(logarithms.map { $0[row] }), lane: lanes[row])
    }
    return columns
  }

  /// p(k | x) from log p_k(x).
  private func posterior(_ logarithms: [Double]) -> SymbolTable {
    SymbolTable(weights, timesExponentialsOf: logarithms)
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

  /// Takes the values of some rows off stacks by the conditionals of a part; returns log p of each in it, of a mixture.
  private func pop(
    into columns: inout BitColumns, members: [Int], of part: any CursorSource, lanes: [Int],
    from stacks: inout LaneStacks
  ) -> [Double] {
    let lanes = members.map { lanes[$0] }
    var frequencies = [UInt32](repeating: 0, count: members.count)
    var sums = LogProbabilitySums(rowCount: parts.count > 1 ? members.count : 0)
    walk(part, rowCount: members.count) { variable, logits, values in
      var span = frequencies.mutableSpan
      onFrequencies(logits: logits, into: &span)
      stacks.pop(frequencies: frequencies.span, lanes: lanes.span, into: &values)
      columns.set(column: variable, members: members, to: values.span)
      if parts.count > 1 { sums.add(values.span, logits: logits) }
    }
    return sums.values
  }

  /// Returns log p of some rows in a part, in nats, with the same bits in every instruction set.
  private func logProbabilities(
    of columns: BitColumns, members: [Int], in part: any CursorSource
  ) -> [Double] {
    var sums = LogProbabilitySums(rowCount: members.count)
    guard !members.isEmpty else { return [] }
    walk(part, rowCount: members.count) { variable, logits, values in
      columns.copy(column: variable, members: members, into: &values)
      sums.add(values.span, logits: logits)
    }
    return sums.values
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

/// The logarithms of products of conditionals, of rows in lockstep.
private struct LogProbabilitySums {
  private(set) var values: [Double]
  private var clamped: [Float]
  /// Beyond this logit a bit has the least frequency that there is, 2⁻²⁴: log (2²⁴ − 1).
  private static let limit: Float = 16.635532

  init(rowCount: Int) {
    values = Array(repeating: 0, count: rowCount)
    clamped = Array(repeating: 0, count: rowCount)
  }

  /// Adds log p of bits, by the frequencies that they are coded with.
  mutating func add(_ bits: Span<Bool>, logits: Span<Float>) {
    for row in clamped.indices {
      let logit = logits[row]
      clamped[row] = logit > Self.limit ? Self.limit : logit < -Self.limit ? -Self.limit : logit
    }
    let coded = clamped
    var sums = values.mutableSpan
    addLogProbabilities(of: bits, logits: coded.span, to: &sums)
  }
}
