extension Philox {
  /// Returns a uniform integer in 0 ..< bound, every one with exactly the same probability.
  ///
  /// The standard library's draws may change between its versions; these may not.
  /// - Source: D. Lemire, Fast Random Integer Generation in an Interval, ACM TOMACS 29 (1), 2019.
  @inlinable package mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "there is no integer in 0 ..< \(bound)")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    // The 2⁶⁴ mod bound smallest fractions belong to integers that would come up once too often. To divide takes long, and
    // is hardly ever needed: what is left of a division by the bound is below it.
    if product.low < bound {
      let excess = (0 &- bound) % bound
      while product.low < excess { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// Returns a uniform permutation of 0 ..< count.
  package mutating func permutation(of count: Int) -> [Int] {
    var indices = Array(0..<count)
    shuffle(&indices)
    return indices
  }

  /// Returns `count` different integers of 0 ..< bound, all sets of so many with the same probability, in no order that means
  /// anything.
  package mutating func distinctIntegers(_ count: Int, below bound: Int) -> [Int] {
    precondition(count <= bound, "there are no \(count) integers in 0 ..< \(bound)")
    if 20 * count >= bound { return Array(permutation(of: bound)[..<count]) }
    var taken: Set<Int> = []
    while taken.count < count { taken.insert(integer(below: bound)) }
    return Array(taken)
  }

  /// Puts elements into an order of which each is as probable as any other.
  ///
  /// - Source: R. A. Fisher, F. Yates, Statistical Tables, 1938; in place, R. Durstenfeld, CACM 7 (7), 1964.
  @inlinable
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, integer(below: last + 1))
    }
  }
}
