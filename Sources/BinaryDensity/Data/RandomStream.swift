import Kernels

/// The sequences of a seed that the data uses, one a purpose, so that no two uses share a draw.
///
/// The number of a stream is a tag in its upper 16 bits and an index (a split, an epoch) below.
package enum RandomStream {
  /// The one draw of the grey levels of a split.
  case fixedBinarization(DataSplit)
  /// The draw of the training rows' grey levels for one epoch.
  case dynamicBinarization(epoch: Int)
  /// The order of the training rows in one epoch.
  case batchOrder(epoch: Int)
  /// The choice of the rows held out for validation.
  case heldOutRows

  /// The stream's number.
  package var number: UInt64 {
    switch self {
    case .fixedBinarization(.train): 0xDA01 << 48
    case .fixedBinarization(.validation): 0xDA01 << 48 | 1
    case .fixedBinarization(.test): 0xDA01 << 48 | 2
    case .dynamicBinarization(let epoch): 0xDA02 << 48 | UInt64(epoch)
    case .batchOrder(let epoch): 0xDA03 << 48 | UInt64(epoch)
    case .heldOutRows: 0xDA04 << 48
    }
  }
}

extension Philox {
  /// Creates one of the data's sequences.
  package init(seed: UInt64, stream: RandomStream) {
    self.init(seed: seed, stream: stream.number)
  }

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
