import Kernels
import Testing
import _TestSupport

@Suite struct MachinePeakTests {
  /// Halving and adding 1 is exact for these numbers, with and without a fused multiply-add.
  @Test(arguments: InstructionSet.available)
  func everyChainDoesEveryRound(set: InstructionSet) {
    let count = MachinePeak.chainElementCount
    for rounds in [0, 1, 2, 9] {
      let start = (0..<count).map { Float($0) }
      var x = Matrix<Float>(rowCount: 1, columnCount: count, elements: start)
      let done = set.run {
        x.withUnsafeMutableView { x in MachinePeak.multiplyAdds(rounds: rounds, 0.5, 1, x) }
      }
      let chains = rounds == 0 ? 0 : done / rounds
      #expect(done == rounds * chains && chains <= count && (rounds == 0 || chains >= 48))
      var expected = start
      for _ in 0..<rounds { for index in 0..<chains { expected[index] = 0.5 * expected[index] + 1 } }
      #expect(x.elements == expected)
    }
  }

  @Test(arguments: InstructionSet.available)
  func aStreamTouchesEveryNumberOnce(set: InstructionSet) {
    for columns in sizesAroundVectors {
      var x = Matrix<Float>(rowCount: 3, columnCount: columns, elements: (0..<3 * columns).map { Float($0) })
      set.run { x.withUnsafeMutableView { x in MachinePeak.stream(x, adding: 2) } }
      #expect(x.elements == (0..<3 * columns).map { Float($0 + 2) })
    }
  }
}
