extension Philox {
  /// Returns a uniform integer in 0 ..< bound, every one with exactly the same probability.
  ///
  /// The standard library's draws may change between its versions; these may not.
  /// - Source: D. Lemire, Fast Random Integer Generation in an Interval, ACM TOMACS 29 (1), 2019.
  package mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "there is no integer in 0 ..< \(bound)")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    // The 2⁶⁴ mod bound smallest fractions belong to integers that would come up once too often.
    let excess = (0 &- bound) % bound
    while product.low < excess { product = next().multipliedFullWidth(by: bound) }
    return Int(product.high)
  }

  /// Returns a uniform permutation of 0 ..< count.
  ///
  /// - Source: R. A. Fisher, F. Yates, Statistical Tables, 1938; in place, R. Durstenfeld, CACM 7 (7), 1964.
  package mutating func permutation(of count: Int) -> [Int] {
    var indices = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { indices.swapAt(last, integer(below: last + 1)) }
    return indices
  }
}
