import BinaryDensity
import Foundation
import Kernels
import Testing

@Suite("Sums without rounding")
struct ExactSumTests {
  private func sum(_ numbers: [Double]) -> ExactSum {
    var sum = ExactSum()
    for number in numbers { sum.add(number) }
    return sum
  }

  /// Finite numbers of all sizes and both signs, subnormal ones too.
  private func numbers(_ count: Int, seed: UInt64, within exponents: ClosedRange<Int>) -> [Double] {
    var generator = Philox(seed: seed)
    return (0..<count).map { _ in
      let significand = Double.random(in: 1..<2, using: &generator)
      let exponent = Int.random(in: exponents, using: &generator)
      return (Bool.random(using: &generator) ? 1 : -1) * scalbn(significand, exponent)
    }
  }

  @Test func whatCancelsIsGone() {
    #expect(sum([]).value == 0 && sum([]).parts == [])
    #expect(sum([1e100, 1, -1e100]).value == 1)
    #expect(sum([0x1p-1074, 0x1p1023, 0x1p-1074, -0x1p1023]).value == 0x1p-1073)
    #expect(sum([0x1p1023, 0x1p1023]).value == .infinity && sum([-0x1p1023, -0x1p1023]).value == -.infinity)
    #expect(sum([0x1p1023, 0x1p1023, -0x1p1023]).value == 0x1p1023)
    #expect(sum(Array(repeating: -0.1, count: 10)).parts.reduce(0, +) == -1)
    #expect(sum(Array(repeating: 0.1, count: 10)).value == 1)
  }

  @Test("halves go to the even number, unless anything is beyond them")
  func rounding() {
    let one = 0x1p53
    #expect(sum([one, 1]).value == one)
    #expect(sum([one, 3]).value == one + 4)
    #expect(sum([one, 1, 0x1p-1074]).value == one + 2)
    #expect(sum([one, 1, -0x1p-1074]).value == one)
    #expect(sum([-one, -1, -0x1p-400]).value == -one - 2)
    #expect(sum([-one, -1]).value == -one)
  }

  /// Numbers that are multiples of 2⁻⁷⁰ and less than 2³⁰ are summed in whole numbers of 128 bits too.
  @Test("it is the nearest number", arguments: 1...20 as ClosedRange<UInt64>)
  func nearest(seed: UInt64) {
    let numbers = numbers(5000, seed: seed, within: -17...20)
    let whole = numbers.reduce(Int128(0)) { $0 + Int128(scalbn($1, 70)) }
    #expect(sum(numbers).value == scalbn(Double(whole), -70))
  }

  @Test("it is the same in any order and in any parts", arguments: 1...20 as ClosedRange<UInt64>)
  func order(seed: UInt64) {
    var generator = Philox(seed: seed)
    let numbers = numbers(4000, seed: seed, within: -1074...1000)
    let whole = sum(numbers)
    #expect(sum(numbers.shuffled(using: &generator)) == whole)
    var parts = ExactSum()
    var start = 0
    while start < numbers.count {
      let end = min(numbers.count, start + Int.random(in: 1...1500, using: &generator))
      parts.add(sum(Array(numbers[start..<end])))
      start = end
    }
    #expect(parts == whole && parts.value == whole.value && parts.hashValue == whole.hashValue)
    #expect(sum(whole.parts) == whole)
    #expect(zip(whole.parts, whole.parts.dropFirst()).allSatisfy { abs($0) > abs($1) })
    #expect(sum(numbers + numbers.map { -$0 }) == ExactSum())
    #expect(sum(numbers + [1]) != whole)
  }

  @Test func productsAreWhole() {
    let (a, b) = (1 + 0x1p-52, 1 - 0x1p-52)
    var sum = ExactSum(a, times: b)
    #expect(sum.parts == [1, -0x1p-104])
    sum.add(-a, times: b)
    #expect(sum == ExactSum())
  }
}

@Suite("Means without rounding")
struct ExactMomentsTests {
  @Test("mean and error are those of two passes", arguments: [2, 3, 100, 5000])
  func figures(count: Int) throws {
    var generator = Philox(seed: UInt64(count))
    let numbers = (0..<count).map { _ in Double.random(in: -200...(-1), using: &generator) }
    var moments = ExactMoments()
    moments.add(numbers)
    let mean = numbers.reduce(0, +) / Double(count)
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = (squares / Double(count - 1) / Double(count)).squareRoot()
    #expect(abs(moments.mean - mean) < 1e-12)
    #expect(abs(try #require(moments.standardError) - error) < 1e-12 * error)
  }

  @Test("numbers far from zero that scatter little keep their error")
  func cancellation() throws {
    var moments = ExactMoments()
    moments.add([-1e9, -1e9 - 1e-6, -1e9 + 1e-6])
    let exact = ExactMoments(count: 3, sum: moments.sum.parts, squares: moments.squares.parts, infinity: 0)
    let (a, b) = (-1e9 - 1e-6 + 1e9, -1e9 + 1e-6 + 1e9)
    let error = ((a * a + b * b) / 6).squareRoot()
    #expect(abs(try #require(exact.standardError) - error) < 1e-6 * error)
    #expect(moments == exact)
  }

  @Test func whatIsInfiniteOrAloneHasNoError() {
    var moments = ExactMoments()
    #expect(moments.mean.isNaN && moments.standardError == nil)
    moments.add([-3])
    #expect(moments.mean == -3 && moments.standardError == nil)
    moments.add([-5, -.infinity])
    #expect(moments.mean == -.infinity && moments.standardError == nil && moments.count == 3)
    var others = ExactMoments()
    others.add([1, 2])
    others.add(moments)
    #expect(others.mean == -.infinity && others.count == 5)
  }
}
