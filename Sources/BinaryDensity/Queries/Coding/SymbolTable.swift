/// How often each of some symbols is, in whole numbers that have a sum of 2²⁴ and of which none is zero.
package struct SymbolTable: Sendable, Equatable {
  /// The bits of the sum.
  package static let precision = 24
  /// The sum.
  package static let total: UInt32 = 1 << 24
  /// The most symbols a table may have.
  package static let symbolLimit = 1 << 16

  /// The frequency of each symbol.
  package let frequencies: [UInt32]

  /// Rounds shares, in proportion to which symbols are: each has one, the rest is dealt out and rounded down, and what that
  /// leaves goes to the largest.
  ///
  /// Whatever the processor, they are the same: products and sums in a fixed order, and one quotient.
  /// - Precondition: from 1 to `symbolLimit` shares, none negative or infinite, and not all zero.
  package init(shares: [Double]) {
    precondition((1...Self.symbolLimit).contains(shares.count), "\(shares.count) symbols")
    let total = shares.reduce(0, +)
    precondition(total > 0 && total.isFinite, "shares with a sum of \(total)")
    let scale = Double(Int(Self.total) - shares.count) / total
    var frequencies = shares.map { 1 + UInt32($0 * scale) }
    var largest = 0
    for index in shares.indices where shares[index] > shares[largest] { largest = index }
    // Rounding may have dealt out one too many as well.
    let rest = Int64(Self.total) - frequencies.reduce(Int64(0)) { $0 + Int64($1) }
    frequencies[largest] = UInt32(Int64(frequencies[largest]) + rest)
    self.frequencies = frequencies
  }

  /// The sum of the frequencies before a symbol's.
  package func start(of symbol: Int) -> UInt32 { frequencies[..<symbol].reduce(0, +) }

  /// Returns the symbol whose range holds a number, and where the range starts.
  package func symbol(at slot: UInt32) -> (symbol: Int, start: UInt32) {
    var start: UInt32 = 0
    for (symbol, frequency) in frequencies.enumerated() {
      if slot < start + frequency { return (symbol, start) }
      start += frequency
    }
    preconditionFailure("\(slot) is not below \(Self.total)")
  }
}
