/// How the text of an option or an argument is read.
package struct ValueFormat<Value>: Sendable {
  /// What is expected, in words that follow "expected".
  package let expected: String
  /// Returns the value of a text, or nil when it is none.
  package let parse: @Sendable (String) -> Value?
  private let choices: [String]

  /// Creates a format.
  package init(_ expected: String, parse: @escaping @Sendable (String) -> Value?) {
    self.init(expected, choices: [], parse: parse)
  }

  private init(_ expected: String, choices: [String], parse: @escaping @Sendable (String) -> Value?) {
    self.expected = expected
    self.choices = choices
    self.parse = parse
  }

  /// Returns the error of a text that is not of this format.
  func error(for text: String, label: String) -> UsageError {
    choices.isEmpty
      ? UsageError("\(label): expected \(expected), found '\(text)'")
      : UsageError(unknownChoice: text, of: choices, for: label)
  }
}

extension ValueFormat where Value == String {
  /// Any text.
  package static var string: ValueFormat { ValueFormat("text") { $0 } }

  /// The path of a file: any text but none.
  package static var path: ValueFormat { ValueFormat("a path") { $0.isEmpty ? nil : $0 } }
}

extension ValueFormat where Value == Int {
  /// A decimal integer in a range, such as `1...` or `0...9`.
  package static func integer(in range: some RangeExpression<Int> & Sendable = Int.min...Int.max)
    -> ValueFormat
  {
    ValueFormat("an integer" + words(for: range)) { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension ValueFormat where Value == Int {
  /// A size in bytes, at least one: `800`, `500kB`, `5MB`, `1.5MiB`; capitals do not matter.
  package static var byteCount: ValueFormat {
    ValueFormat("a size such as 500kB, 5MB or 1.5MiB") { text in
      let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
      let units = [
        "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 0x1p10, "mib": 0x1p20, "gib": 0x1p30,
      ]
      guard let number = Double(digits), let unit = units[text.dropFirst(digits.count).lowercased()] else {
        return nil
      }
      let bytes = number * unit
      // Beyond an exabyte there is no file.
      return bytes >= 1 && bytes < 1e18 ? Int(bytes) : nil
    }
  }
}

extension ValueFormat where Value == [Int] {
  /// Decimal integers in a range divided by commas, `500` or `500,500`; `none` stands for the empty list if
  /// allowed.
  package static func integers(
    in range: some RangeExpression<Int> & Sendable, allowingNone: Bool = false
  ) -> ValueFormat {
    let expected = "integers\(words(for: range)) divided by commas" + (allowingNone ? ", or none" : "")
    return ValueFormat(expected) { text in
      if allowingNone && text == "none" { return [] }
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = parts.compactMap { Int($0) }.filter(range.contains)
      return numbers.count == parts.count ? numbers : nil
    }
  }
}

extension ValueFormat where Value == UInt64 {
  /// A seed of random numbers.
  package static var seed: ValueFormat {
    ValueFormat("an integer from 0 to \(UInt64.max)") { UInt64($0) }
  }
}

extension ValueFormat where Value == Double {
  /// A finite decimal number in a range.
  package static func number(
    in range: some RangeExpression<Double> & Sendable = -Double
      .greatestFiniteMagnitude...Double
      .greatestFiniteMagnitude
  ) -> ValueFormat {
    ValueFormat("a number" + words(for: range)) { text in
      Double(text).flatMap { $0.isFinite && range.contains($0) ? $0 : nil }
    }
  }

  /// A finite decimal number above zero.
  package static var positiveNumber: ValueFormat {
    ValueFormat("a number above 0") { text in Double(text).flatMap { $0.isFinite && $0 > 0 ? $0 : nil } }
  }

  /// A length of time, in seconds: `90`, `1.5s`, `2m`, `1h30m`.
  package static var duration: ValueFormat {
    ValueFormat("a duration such as 90s, 5m or 1h30m") { text in
      var seconds = 0.0
      var rest = text[...]
      var smallestUnit = Double.infinity
      repeat {
        let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
        rest = rest.dropFirst(digits.count)
        let units: [Character: Double] = ["h": 3600, "m": 60, "s": 1]
        // Without a unit, a number stands alone and is in seconds.
        let unit = rest.popFirst().map { units[$0] } ?? (digits.count == text.count ? 1 : nil)
        guard let number = Double(digits), let unit, unit < smallestUnit else { return nil }
        seconds += number * unit
        smallestUnit = unit
      } while !rest.isEmpty
      // Beyond a century no clock of ours counts.
      return seconds < 3e9 ? seconds : nil
    }
  }
}

extension ValueFormat where Value == [Double] {
  /// Lengths of time divided by commas, in seconds each: `10s,1m,5m`.
  package static var durations: ValueFormat {
    ValueFormat("durations divided by commas, such as 10s,1m") { text in
      let parts = text.split(separator: ",", omittingEmptySubsequences: false)
      let values = parts.compactMap { ValueFormat<Double>.duration.parse(String($0)) }
      return values.count == parts.count ? values : nil
    }
  }
}

extension ValueFormat where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
  /// One of the cases of an enumeration, by its raw value.
  package static var choice: ValueFormat {
    let choices = Value.allCases.map(\.rawValue)
    return ValueFormat("one of \(choices.joined(separator: ", "))", choices: choices) { Value(rawValue: $0) }
  }
}

/// Returns a range in words that follow what lies in it, with a space before them.
private func words<Bound: Comparable>(for range: some RangeExpression<Bound>) -> String {
  switch range {
  case let range as ClosedRange<Bound>:
    // The range of all values says nothing.
    if range as? ClosedRange<Int> == Int.min...Int.max { return "" }
    if let range = range as? ClosedRange<Double>, range.upperBound == .greatestFiniteMagnitude { return "" }
    return " from \(range.lowerBound) to \(range.upperBound)"
  case let range as Range<Bound>: return " from \(range.lowerBound) to below \(range.upperBound)"
  case let range as PartialRangeFrom<Bound>: return " of at least \(range.lowerBound)"
  case let range as PartialRangeThrough<Bound>: return " of at most \(range.upperBound)"
  case let range as PartialRangeUpTo<Bound>: return " below \(range.upperBound)"
  default: return " in \(range)"
  }
}
