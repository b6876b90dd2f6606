/// One of several parts of a table's rows: each machine of many works on its own, and what they find is put together
/// again.
///
///     let shard = Shard(3, of: 64)
///     print(shard.rows(of: 50_000_000))  // 1562500..<2343750
///
/// The parts are disjoint, cover all rows, and differ by at most one row.
public struct Shard: Hashable, Sendable {
  /// Which part, from 1.
  public let number: Int
  /// How many parts there are.
  public let count: Int

  /// Creates a part.
  ///
  /// - Precondition: `1 <= number && number <= count`.
  public init(_ number: Int, of count: Int) {
    precondition(1 <= number && number <= count, "there is no part \(number) of \(count)")
    (self.number, self.count) = (number, count)
  }

  /// Returns the rows of a table of so many that are the part's.
  public func rows(of rowCount: Int) -> Range<Int> {
    func boundary(_ part: Int) -> Int {
      let product = rowCount.multipliedFullWidth(by: part)
      return count.dividingFullWidth(product).quotient
    }
    return boundary(number - 1)..<boundary(number)
  }
}

extension Shard: CustomStringConvertible {
  /// The part as it is written, such as `3/64`.
  public var description: String { "\(number)/\(count)" }

  /// Reads a part as it is written; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      .map { $0.first?.isNumber == true ? Int($0) : nil }
    guard parts.count == 2, let number = parts[0], let count = parts[1], 1 <= number, number <= count,
      count <= 1 << 20
    else { return nil }
    self.init(number, of: count)
  }
}
