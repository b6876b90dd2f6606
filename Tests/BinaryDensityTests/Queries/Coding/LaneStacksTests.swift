import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("The stacks of the coder")
struct LaneStacksTests {
  /// Frequencies of all sizes, the extremes among them.
  private func frequency(_ generator: inout Philox) -> UInt32 {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: 1
    case 1: SymbolTable.total - 1
    case 2: SymbolTable.total / 2
    default: UInt32.random(in: 1..<SymbolTable.total, using: &generator)
    }
  }

  @Test("bits and symbols come back from what was written, the last first", arguments: [1, 2, 3] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    var generator = Philox(seed: seed)
    let table = SymbolTable(shares: [1, 0, 1e9, 3])
    var stacks = LaneStacks(count: 3)
    let all = [0, 1, 2]
    var pushed: [(cells: [UInt32], symbol: Int)] = []
    for _ in 0..<2000 {
      let cells = (0..<3).map { _ in
        frequency(&generator) | (Bool.random(using: &generator) ? LaneStacks.bitOfCell : 0)
      }
      let symbol = Int.random(in: 0..<4, using: &generator)
      stacks.push(cells.span, lanes: all.span)
      stacks.push(symbol, of: table, lane: 1)
      pushed.append((cells, symbol))
    }
    let lanes = (0..<3).map { stacks.bytes(ofLane: $0)[...] }
    var read = try #require(LaneStacks(lanes: lanes))
    #expect(!read.isUndone)
    for (cells, symbol) in pushed.reversed() {
      #expect(read.pop(of: table, lane: 1) == symbol)
      var bits = [false, false, false]
      let frequencies = cells.map { $0 & ~LaneStacks.bitOfCell }
      var span = bits.mutableSpan
      read.pop(frequencies: frequencies.span, lanes: all.span, into: &span)
      #expect(bits == cells.map { $0 >= LaneStacks.bitOfCell })
    }
    #expect(read.isUndone)
    // More than there is.
    for _ in 0..<40 { _ = read.pop(of: table, lane: 2) }
    #expect(read.isExhausted)
  }

  @Test("symbols taken off an empty stack are as frequent as they should be, and given back")
  func borrowing() throws {
    let table = SymbolTable(shares: [1, 2, 1])
    var stacks = LaneStacks(count: 1)
    let symbols = (0..<4000).map { _ in stacks.pop(of: table, lane: 0) }
    // Of 4000 draws each count has a standard deviation of about 30.
    for (symbol, expected) in [1000, 2000, 1000].enumerated() {
      #expect(abs(symbols.count { $0 == symbol } - expected) < 160)
    }
    var read = try #require(LaneStacks(lanes: [stacks.bytes(ofLane: 0)[...]]))
    for symbol in symbols.reversed() { read.push(symbol, of: table, lane: 0) }
    #expect(read.isUndone)
  }

  @Test(
    "a bit costs its information and less than 1e-4 bits", arguments: [1, 40, 1 << 20, 1 << 23] as [UInt32])
  func cost(rarer: UInt32) throws {
    var generator = Philox(seed: 5)
    var stacks = LaneStacks(count: 1)
    var ideal = 0.0
    let (share, lane) = (Double(rarer) / 0x1p24, [0])
    let count = 200_000
    for _ in 0..<count {
      let isOn = Double.random(in: 0..<1, using: &generator) < share
      ideal -= log2(isOn ? share : 1 - share)
      let cell = [rarer | (isOn ? LaneStacks.bitOfCell : 0)]
      stacks.push(cell.span, lanes: lane.span)
    }
    let bits = Double(8 * stacks.bytes(ofLane: 0).count)
    // What a state begins with is 31 bits, and it is written in whole bytes.
    #expect(bits > ideal && bits < ideal + 40 + 1e-4 * Double(count), "\(bits) for \(ideal)")
  }

  @Test("bytes that are no stack are refused")
  func malformed() {
    for bytes: [UInt8] in [
      [], [1], [0, 0, 0, 0], [255, 255, 255, 127], [1, 2, 3], [0, 0, 0, 0, 0, 0, 0, 0],
    ] {
      #expect(LaneStacks(lanes: [bytes[...]]) == nil, "\(bytes)")
    }
    #expect(LaneStacks(lanes: [[0, 0, 0, 128]])?.isUndone == true)
  }

  @Test("frequencies have the sum they should, and none is zero")
  func tables() {
    for shares in [[1], [0, 1], [1e-300, 1e300], [1, 1, 1], Array(repeating: 1, count: 1 << 16)] as [[Double]]
    {
      let table = SymbolTable(shares: shares)
      #expect(table.frequencies.allSatisfy { $0 >= 1 })
      #expect(table.frequencies.reduce(0, +) == SymbolTable.total)
      for symbol in [0, shares.count - 1] {
        let start = table.start(of: symbol)
        #expect(table.symbol(at: start).symbol == symbol)
        #expect(table.symbol(at: start + table.frequencies[symbol] - 1).symbol == symbol)
      }
    }
    #expect(SymbolTable(shares: [3, 1]).frequencies == [12_582_912, 4_194_304])
  }

  @Test("frequencies of bits are the same in every instruction set")
  func instructionSets() {
    var generator = Philox(seed: 7)
    let logits =
      (0..<5003).map { _ in Float.random(in: -30...30, using: &generator) } + [
        .infinity, -.infinity, .nan, -0.0,
      ]
    func frequencies() -> [UInt32] {
      var found = [UInt32](repeating: 0, count: logits.count)
      var span = found.mutableSpan
      onFrequencies(logits: logits.span, into: &span)
      return found
    }
    let expected = InstructionSet.portable.run(frequencies)
    for set in InstructionSet.available { #expect(set.run(frequencies) == expected, "\(set)") }
    for (logit, frequency) in zip(logits, expected).prefix(5003) {
      let exact = 0x1p24 / (1 + exp(-Double(logit)))
      #expect(abs(Double(frequency) - min(max(exact, 1), 0x1p24 - 1)) <= 5)
    }
  }
}
