import Kernels

/// Stacks of coded symbols side by side: each an rANS state and the words that have not found room in it.
///
/// A symbol of frequency f out of M = 2²⁴ whose predecessors have frequencies that sum to c is put on a stack by
///
///     x ← ⌊x / f⌋ · M + x mod f + c
///
/// and taken off by the inverse, which finds it by x mod M. The state is kept in 2³¹ ≤ x < 2⁶³: where putting on would
/// leave that range its low 32 bits become a word, and where taking off would, the last word comes back. So either undoes
/// the other exactly, in whatever order they were mixed, which bits-back coding rests on. A symbol costs log₂ (M / f) bits, and
/// rounding within a state adds less than 10⁻⁴ bits on average.
///
/// Whoever takes symbols off an empty stack borrows words that everybody knows; who undoes that finds them there.
/// - Source: Duda, arXiv:1311.2540, section 3; Townsend, Bird & Barber, ICLR 2019 (arXiv:1901.04866), section 2.
package struct LaneStacks: Sendable {
  /// The state of a stack on which there is nothing, and the least of all states.
  private static let emptyState: UInt64 = 1 << 31
  private static let slotMask = UInt64(SymbolTable.total) - 1

  private var states: [UInt64]
  private var words: [[UInt32]]
  /// How many words each stack has borrowed.
  private var borrowedCounts: [Int]
  /// Whether empty stacks lend words, as they do in compressing.
  private let lends: Bool
  /// Whether a stack that lends nothing was found empty: what was taken off means nothing.
  package private(set) var isExhausted = false

  /// Creates empty stacks, which lend words.
  package init(count: Int) {
    states = Array(repeating: Self.emptyState, count: count)
    words = Array(repeating: [], count: count)
    borrowedCounts = Array(repeating: 0, count: count)
    lends = true
  }

  /// Creates the stacks that have been written as bytes, or returns nil if those are no stack's.
  package init?(lanes: [ArraySlice<UInt8>]) {
    states = []
    words = []
    for lane in lanes {
      // As many bytes of a state as make up the length, and not fewer than four.
      let stateLength = 4 + lane.count % 4
      guard lane.count >= stateLength else { return nil }
      let wordBytes = Array(lane.dropLast(stateLength))
      var state = lane.suffix(stateLength).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      var laneWords = wordBytes.withUnsafeBytes { [UInt32]($0, order: .little) }
      if state < Self.emptyState {
        guard let word = laneWords.popLast() else { return nil }
        state = state << 32 | UInt64(word)
      }
      guard state >= Self.emptyState, state >> 63 == 0 else { return nil }
      states.append(state)
      words.append(laneWords)
    }
    borrowedCounts = Array(repeating: 0, count: lanes.count)
    lends = false
  }

  /// Returns a stack as bytes: the words in the order they came, then the state in as few bytes as it takes, four to seven.
  package func bytes(ofLane lane: Int) -> [UInt8] {
    var (state, words) = (states[lane], words[lane])
    if state >> 56 > 0 {
      words.append(UInt32(truncatingIfNeeded: state))
      state >>= 32
    }
    var bytes = [UInt8](words, order: .little)
    var length = 0
    while length < 4 || state > 0 {
      bytes.append(UInt8(truncatingIfNeeded: state))
      state >>= 8
      length += 1
    }
    return bytes
  }

  /// Whether all that was put on has been taken off, and all that was borrowed has been given back.
  package var isUndone: Bool {
    !isExhausted
      && zip(states, words).allSatisfy { state, words in
        state == Self.emptyState
          && words.reversed().enumerated().allSatisfy { $0.element == Self.borrowedWord($0.offset) }
      }
  }

  /// The `index`-th word that an empty stack lends: the upper half of a SplitMix64 number, so that symbols taken off an empty
  /// stack are as good as drawn at random.
  private static func borrowedWord(_ index: Int) -> UInt32 {
    var z = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return UInt32((z ^ z >> 31) >> 32)
  }

  /// Returns the word that a state lacks.
  @inline(never) private mutating func nextWord(lane: Int) -> UInt64 {
    if let word = words[lane].popLast() { return UInt64(word) }
    guard lends else {
      isExhausted = true
      return 0
    }
    borrowedCounts[lane] += 1
    return UInt64(Self.borrowedWord(borrowedCounts[lane] - 1))
  }

  /// Makes a word of the low half of a state, and returns the rest.
  @inline(never) private mutating func spill(_ state: UInt64, lane: Int) -> UInt64 {
    words[lane].append(UInt32(truncatingIfNeeded: state))
    return state >> 32
  }

  /// Returns the state with a symbol put on.
  @inline(__always) private mutating func pushed(
    _ state: UInt64, start: UInt32, frequency: UInt32, lane: Int
  ) -> UInt64 {
    let isFull = state >> UInt64(63 - SymbolTable.precision) >= UInt64(frequency)
    let room = isFull ? spill(state, lane: lane) : state
    let (quotient, rest) = room.quotientAndRemainder(dividingBy: UInt64(frequency))
    return quotient << UInt64(SymbolTable.precision) + rest + UInt64(start)
  }

  /// Returns the state with a symbol taken off.
  @inline(__always) private mutating func popped(
    _ state: UInt64, start: UInt32, frequency: UInt32, lane: Int
  ) -> UInt64 {
    let quotient = state >> UInt64(SymbolTable.precision)
    let next = UInt64(frequency) &* quotient &+ (state & Self.slotMask) &- UInt64(start)
    return next < Self.emptyState ? next << 32 | nextWord(lane: lane) : next
  }

  /// Calls `body` with the states beside the rest, which saves checking at every cell that nobody else has them.
  @inline(__always) private mutating func withStates(
    _ body: (inout MutableSpan<UInt64>, inout LaneStacks) -> Void
  ) {
    var taken: [UInt64] = []
    swap(&taken, &states)
    var span = taken.mutableSpan
    body(&span, &self)
    swap(&taken, &states)
  }
}

// MARK: Bits

extension LaneStacks {
  /// A bit with the frequency of its being on.
  package typealias Cell = UInt32
  /// Where a cell keeps the bit.
  package static let bitOfCell: UInt32 = 1 << 31

  /// Puts bits on stacks, the last first.
  ///
  /// - Precondition: as many lanes as cells.
  package mutating func push(_ cells: Span<Cell>, lanes: Span<Int>) {
    withStates { states, stacks in
      for index in cells.indices.reversed() {
        let on = cells[index] & ~Self.bitOfCell
        let off = SymbolTable.total - on
        let (isOn, lane) = (cells[index] >= Self.bitOfCell, lanes[index])
        states[lane] = stacks.pushed(
          states[lane], start: isOn ? off : 0, frequency: isOn ? on : off, lane: lane)
      }
    }
  }

  /// Takes bits off stacks, the first first, given the frequencies of their being on.
  ///
  /// - Precondition: as many lanes and bits as frequencies.
  package mutating func pop(frequencies: Span<UInt32>, lanes: Span<Int>, into bits: inout MutableSpan<Bool>) {
    withStates { states, stacks in
      for index in frequencies.indices {
        let lane = lanes[index]
        let state = states[lane]
        let on = frequencies[index]
        let off = SymbolTable.total - on
        let isOn = state & Self.slotMask >= UInt64(off)
        bits[index] = isOn
        states[lane] = stacks.popped(
          state, start: isOn ? off : 0, frequency: isOn ? on : off, lane: lane)
      }
    }
  }
}

// MARK: Symbols

extension LaneStacks {
  /// Puts a symbol on a stack.
  package mutating func push(_ symbol: Int, of table: SymbolTable, lane: Int) {
    states[lane] = pushed(
      states[lane], start: table.start(of: symbol), frequency: table.frequencies[symbol], lane: lane)
  }

  /// Takes a symbol off a stack.
  package mutating func pop(of table: SymbolTable, lane: Int) -> Int {
    let (symbol, start) = table.symbol(at: UInt32(states[lane] & Self.slotMask))
    states[lane] = popped(states[lane], start: start, frequency: table.frequencies[symbol], lane: lane)
    return symbol
  }
}
