/// What is known of a row, in the order in which a chain takes the variables.
struct EvidencePath: Hashable, Sendable {
  /// The value at each position up to the last known one; nil where it is unknown.
  let values: [Bool?]
  /// How many positions come before the first unknown one: all, if there is none before the last known one.
  let leadingCount: Int
  /// How many unknown variables stand before the last known one.
  let unknownCount: Int

  /// Puts what is known of a row in order.
  init(_ evidence: PartialRows, row: Int, along ordering: Ordering) {
    var values = ordering.variables.map { evidence[row, $0] }
    // What comes after the last known variable sums to 1, whatever it is.
    values.removeSubrange((values.lastIndex { $0 != nil } ?? -1) + 1..<values.count)
    self.init(values: values)
  }

  /// A path of given values by position, to its end.
  init(values: [Bool?]) {
    self.values = values
    leadingCount = values.firstIndex(of: nil) ?? values.count
    unknownCount = values.count { $0 == nil }
  }

  /// The number of positions up to the last known one.
  var count: Int { values.count }
  /// Whether the evidence comes before all that is unknown: then its probability is a product of conditionals.
  var isPrefix: Bool { unknownCount == 0 }

  /// How many steps of a row an enumeration of the unknown values takes, prefixes shared: Σ_p 2^(unknown before p).
  var enumerationSteps: Double {
    var (width, sum) = (1.0, 0.0)
    for value in values {
      sum += width
      if value == nil { width *= 2 }
    }
    return sum
  }
}
