import CAllocationCounter
import Kernels
import Testing
import _TestSupport

@Suite struct CursorTests {
  /// Values of rows, D each.
  private func values(_ rowCount: Int, _ model: CursorCase, seed: UInt64) -> [[Bool]] {
    var generator = Philox(seed: seed, stream: 0xB1)
    return (0..<rowCount).map { _ in
      (0..<model.variableCount).map { _ in generator.integer(below: 3) == 0 }
    }
  }

  private func logits(_ cursor: KernelCursor) -> [Float] {
    var result = [Float](repeating: .nan, count: cursor.rowCount)
    var span = result.mutableSpan
    cursor.nextLogits(into: &span)
    return result
  }

  /// Tells a cursor the values of its next variables; its rows are those of the table that are named.
  private func advance(_ cursor: KernelCursor, _ model: CursorCase, _ x: [[Bool]], _ rows: [Int]) {
    let bits = rows.map { x[$0][model.variable($0, cursor.position)] }
    cursor.advance(bits.span)
  }

  /// The logits of some rows of a table: position by position, row by row.
  private func walk(_ model: CursorCase, _ x: [[Bool]], rows: [Int]? = nil) -> [[Float]] {
    let rows = rows ?? Array(x.indices)
    let cursor = model.cursor(rows: rows)
    return (0..<model.variableCount).map { _ in
      defer { advance(cursor, model, x, rows) }
      return logits(cursor)
    }
  }

  private func patterns(_ logits: [Float]) -> [UInt32] { logits.map(\.bitPattern) }

  @Test(arguments: [(1, 3), (5, 16), (17, 20), (49, 33), (70, 7)])
  func agreesWithTheReferenceInEveryInstructionSet(variableCount: Int, hiddenCount: Int) {
    for model in CursorCase.all(variableCount: variableCount, hiddenCount: hiddenCount) {
      let x = values(6, model, seed: 1)
      let expected = InstructionSet.portable.run { walk(model, x) }
      for row in x.indices {
        for position in 0..<variableCount {
          let order = model.orders[row % model.orders.count]
          let difference = abs(Double(expected[position][row]) - model.logit(x[row], order, position))
          #expect(difference <= model.tolerance, "\(model), row \(row), position \(position)")
        }
      }
      for set in InstructionSet.available {
        let other = set.run { walk(model, x) }
        #expect(other.map(patterns) == expected.map(patterns), "\(model) in \(set)")
      }
    }
  }

  @Test func rowsAreIndependentOfTheirCompany() {
    for model in CursorCase.all(variableCount: 60, hiddenCount: 40) {
      let x = values(37, model, seed: 2)
      let all = walk(model, x)
      for range in [0..<1, 36..<37, 5..<21, 20..<37] {
        let some = walk(model, x, rows: Array(range))
        #expect(some.map(patterns) == all.map { patterns(Array($0[range])) }, "\(model), rows \(range)")
      }
    }
  }

  @Test func drawnIsTheSameAsGiven() {
    for model in CursorCase.all(variableCount: 50, hiddenCount: 20) {
      let rows = Array(0..<18)
      let cursor = model.cursor(rows: rows)
      var generator = Philox(seed: 3, stream: 0xD)
      var x = rows.map { _ in [Bool](repeating: false, count: 50) }
      let drawn = (0..<50).map { position in
        let z = logits(cursor)
        let u = rows.map { _ in unitFloat(generator.nextWord()) }
        var bits = [Bool](repeating: false, count: 18)
        var span = bits.mutableSpan
        drawBits(uniforms: u.span, logits: z.span, into: &span)
        for row in rows { x[row][model.variable(row, position)] = bits[row] }
        cursor.advance(bits.span)
        return z
      }
      #expect(drawn.map(patterns) == walk(model, x).map(patterns), "\(model)")
    }
  }

  /// Given prefixes, skipped logits, rows kept, repeated, dropped, parked and taken up at every position.
  @Test(arguments: [1, 2, 7])
  func keepsLogitsWhateverIsDoneWithRows(asked: Int) {
    for model in CursorCase.all(variableCount: 53, hiddenCount: 21, seed: UInt64(10 * asked)) {
      let x = values(9, model, seed: 4)
      let expected = walk(model, x)
      var generator = Philox(seed: UInt64(asked), stream: 0x5E)
      var rows = Array(0..<9)
      var cursor = model.cursor(rows: rows)
      for position in 0...model.variableCount {
        if generator.integer(below: 2) == 0 {
          let chosen = (0..<1 + generator.integer(below: 20)).map { _ in generator.integer(below: rows.count)
          }
          cursor.select(chosen)
          rows = chosen.map { rows[$0] }
        }
        let chosen = (0..<1 + generator.integer(below: 12)).map { _ in generator.integer(below: rows.count) }
        let states = cursor.snapshot(chosen)
        #expect(states.allSatisfy { $0.byteCount == cursor.stateByteCount && $0.position == position })
        // The parked rows alone; or in the cursor itself.
        let other = generator.integer(below: 2) == 0 ? model.cursor(rows: [0, 1]) : cursor
        other.resume(states)
        cursor = other
        rows = chosen.map { rows[$0] }
        guard position < model.variableCount else { break }
        if generator.integer(below: asked) == 0 {
          #expect(
            patterns(logits(cursor)) == rows.map { expected[position][$0].bitPattern },
            "\(model) at \(position)")
        }
        advance(cursor, model, x, rows)
      }
    }
  }

  /// Those who were asked for logits and those who were not, together.
  @Test func takesUpRowsOfDifferentCursors() {
    for model in CursorCase.all(variableCount: 53, hiddenCount: 21) {
      let x = values(6, model, seed: 5)
      let expected = walk(model, x)
      for position in 0..<53 {
        let states = [[0, 1, 2], [3, 4, 5]].enumerated().flatMap { index, rows in
          let cursor = model.cursor(rows: rows)
          for p in 0..<position {
            if index == 0 || p % 5 == 1 { _ = logits(cursor) }
            advance(cursor, model, x, rows)
          }
          return cursor.snapshot([0, 1, 2])
        }
        let cursor = model.cursor(rows: [0])
        cursor.resume(states)
        for p in position..<min(53, position + 20) {
          #expect(patterns(logits(cursor)) == patterns(expected[p]), "\(model), from \(position), at \(p)")
          advance(cursor, model, x, Array(0..<6))
        }
      }
    }
  }

  @Test func probabilitiesSumToOne() {
    for model in CursorCase.all(variableCount: 8, hiddenCount: 12) {
      let x = (0..<256).map { row in (0..<8).map { row >> $0 & 1 == 1 } }
      for order in model.orders.indices {
        // All rows along one order.
        let cursor =
          model.orders.count == 1
          ? model.cursor(rows: Array(x.indices))
          : KernelCursor(model.plan, orders: model.orders, orderOfRow: x.map { _ in order })
        var logs = [Double](repeating: 0, count: 256)
        for position in 0..<8 {
          let z = logits(cursor), variable = Int(model.orders[order][position])
          for row in x.indices {
            logs[row] -= Double.logarithmOnePlus(.exponential(Double(x[row][variable] ? -z[row] : z[row])))
          }
          let bits = x.map { $0[variable] }
          cursor.advance(bits.span)
        }
        let sum = logs.reduce(0) { $0 + Double.exponential($1) }
        #expect(abs(sum - 1) < 1e-12, "\(model), order \(order)")
      }
    }
  }

  /// A step allocates nothing.
  @Test(.enabled(if: allocation_counter_works()))
  func stepsAllocateNothing() {
    for model in CursorCase.all(variableCount: 200, hiddenCount: 50) {
      let bits = (0..<20).map { $0 % 3 == 0 }
      var z = [Float](repeating: 0, count: 20)
      // Other tests run beside, and their allocations are counted too: one step of many walks must be without any.
      var least = Int.max
      for _ in 0..<200 where least > 0 {
        let cursor = model.cursor(rows: Array(0..<20))
        while cursor.position < 200 {
          let before = allocation_count()
          var span = z.mutableSpan
          cursor.nextLogits(into: &span)
          cursor.advance(bits.span)
          least = min(least, allocation_count() - before)
        }
      }
      #expect(least == 0, "\(model)")
    }
  }

  @Test func brokenContractsStop() async {
    await #expect(processExitsWith: .failure) {
      let cursor = CursorCase.all(variableCount: 3, hiddenCount: 2)[0].cursor(rows: [0, 1])
      let bits = [true]
      cursor.advance(bits.span)
    }
    await #expect(processExitsWith: .failure) {
      let cursor = CursorCase.all(variableCount: 1, hiddenCount: 2)[0].cursor(rows: [0])
      let bits = [true]
      cursor.advance(bits.span)
      cursor.advance(bits.span)
    }
    await #expect(processExitsWith: .failure) {
      let cursor = CursorCase.all(variableCount: 2, hiddenCount: 2)[0].cursor(rows: [0])
      var logits: [Float] = [0, 0]
      var span = logits.mutableSpan
      cursor.nextLogits(into: &span)
    }
    await #expect(processExitsWith: .failure) {
      CursorCase.all(variableCount: 2, hiddenCount: 2)[0].cursor(rows: [0]).select([1])
    }
    await #expect(processExitsWith: .failure) {
      let models = CursorCase.all(variableCount: 2, hiddenCount: 2)
      models[0].cursor(rows: [0]).resume(models[3].cursor(rows: [0]).snapshot([0]))
    }
  }
}

@Suite struct MixingTests {
  @Test func ensembleAddsUpWeightedLogits() {
    let (first, second): ([Float], [Float]) = ([1, -2, 0.5], [4, 8, -1])
    var sum: [Float] = [.nan, .nan, .nan]
    var span = sum.mutableSpan
    accumulateLogits(first.span, weight: 0.25, isFirst: true, into: &span)
    accumulateLogits(second.span, weight: 0.75, isFirst: false, into: &span)
    #expect(sum == [3.25, 5.5, -0.625])
  }

  /// The recurrence gives the conditionals of Σ_k w_k p_k(x), in every instruction set.
  @Test(arguments: InstructionSet.available)
  func recurrenceIsThatOfTheMixture(set: InstructionSet) {
    let (components, rows, variables) = (3, 11, 9)
    let logWeights = [0.5, 0.3, 0.2].map { Double.logarithm($0) }
    var generator = Philox(seed: 6, stream: 1)
    var recurrence = MixtureRecurrence(logWeights: logWeights, rowCount: rows)
    var logs = (0..<rows).map { _ in logWeights }
    for _ in 0..<variables {
      let z = (0..<components * rows).map { _ in 8 * unitFloat(generator.nextWord()) - 4 }
      let bits = (0..<rows).map { _ in generator.integer(below: 2) == 0 }
      var logits = [Float](repeating: .nan, count: rows)
      set.run {
        var span = logits.mutableSpan
        recurrence.nextLogits(z.span, into: &span)
        recurrence.advance(z.span, bits.span)
      }
      for row in 0..<rows {
        func joint(_ sign: Double) -> Double {
          (0..<components).reduce(0) {
            $0 + Double.exponential(logs[row][$1])
              / (1 + Double.exponential(-sign * Double(z[$1 * rows + row])))
          }
        }
        let expected = Double.logarithm(joint(1)) - Double.logarithm(joint(-1))
        #expect(abs(Double(logits[row]) - expected) <= roundoff * abs(expected) + 1e-13)
        for k in 0..<components {
          let logit = Double(z[k * rows + row])
          logs[row][k] -= Double.logarithmOnePlus(.exponential(bits[row] ? -logit : logit))
        }
      }
    }
    let before = recurrence.state(ofRow: 4)
    recurrence.select([4, 4, 0])
    #expect(recurrence.rowCount == 3 && recurrence.state(ofRow: 1) == before)
    recurrence.resume([before])
    #expect(recurrence.rowCount == 1 && recurrence.state(ofRow: 0) == before)
  }
}
