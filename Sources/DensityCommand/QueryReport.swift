import Arguments
import BinaryDensity
import Essentials

extension Query.Answer {
  /// The answer in one line: `P(runner | smoker=1) = 0.2143 (exact)`.
  func line(of query: Query) -> String {
    "\(query.text.onOneLine) \(relation(isLogarithm: query.isLogarithm)) (\(certainty))"
  }

  /// The number with its error, after what relates it to the question.
  private func relation(isLogarithm: Bool) -> String {
    let (value, error) = (logProbability.value, logProbability.standardError)
    if value == -.infinity && !logProbability.isExact {
      // So rare an event is missed by all of n draws in one run of twenty.
      guard case .draws(_, let count) = method else { return isLogarithm ? "≈ -inf" : "≈ 0" }
      let bound = log(3 / Double(count))
      return "< " + (isLogarithm ? fixed(bound, 2) : Self.probability(bound))
    }
    let sign = logProbability.isTrusted ? "= " : "≈ "
    if isLogarithm {
      return sign
        + (logProbability.isExact ? "\(fixed(value, 4))" : "\(fixed(value, 4)) ± \(fixed(error, 4))")
    }
    guard !logProbability.isExact else { return sign + Self.probability(value) }
    return sign + Self.probability(value, relativeError: error)
  }

  /// How the number is known.
  private var certainty: String {
    guard case .estimate(_, let size) = logProbability.certainty else { return "exact" }
    var parts: [String]
    switch method {
    case .draws(let hits, let count):
      parts = ["estimate: \(hits) of \(count) draws"]
      if size < 0.999 * Double(count) { parts.append("worth \(Int(size))") }
    case .marginals(_, let count):
      parts = ["estimate: \(count ?? 0) particles in 32 batches", "worth \(Int(min(size, 1e15)))"]
    case .onBitCounts: parts = ["estimate"]
    }
    if !logProbability.isTrusted {
      if case .draws = method {
        parts.append(
          "NOT to be trusted: too few draws are of this kind, or their particles are worth too little")
      } else {
        parts.append("NOT to be trusted: its batches disagree")
      }
      if let bound = logProbability.lowerBound {
        parts.append("above \(Self.probability(bound, digits: 2)) in 95 % of runs")
      }
      parts.append("more --particles may help")
    }
    return parts.joined(separator: ", ")
  }

  /// Returns e^x with some digits, however small it is: `0.2143`, `3.2e-348`.
  static func probability(_ logarithm: Double, digits: Int = 4) -> String {
    guard logarithm > -.infinity else { return "0" }
    let power = (logarithm / log(10)).rounded(.down)
    guard power < -4 else { return fixed(exp(logarithm), digits - 1 - Int(power)) }
    let mantissa = fixed(exp(logarithm - power * log(10)), digits - 1)
    // 9.9996 is 10.000.
    return mantissa.hasPrefix("10")
      ? "1\(mantissa.dropFirst(2))e\(Int(power) + 1)" : "\(mantissa)e\(Int(power))"
  }

  /// Returns e^x with its error, to two digits of the error: `0.214 ± 0.012`, `(3.20 ± 0.15)e-12`.
  ///
  /// - Parameter relativeError: the error of x, which is that of e^x in shares of it.
  static func probability(_ logarithm: Double, relativeError: Double) -> String {
    guard relativeError > 0 && relativeError.isFinite else { return probability(logarithm) + " ± ?" }
    let power = (logarithm / log(10)).rounded(.down)
    let scale = power < -4 ? power : 0
    let mantissa = exp(logarithm - scale * log(10))
    let error = mantissa * relativeError
    let decimals = min(max(0, 1 - Int(log10(error).rounded(.down))), 12)
    let text = "\(fixed(mantissa, decimals)) ± \(fixed(error, decimals))"
    return scale == 0 ? text : "(\(text))e\(Int(scale))"
  }

  /// The answer for another program.
  func json(of query: Query, _ vocabulary: QueryVocabulary) -> JSONValue {
    var members: [JSONValue.Member] = []
    func add(_ key: String, _ value: JSONValue) { members.append(.init(key: key, value: value)) }
    let value = logProbability.value
    add("query", .string(query.text))
    add("probability", .real(exp(value)))
    add("log_p", .real(value))
    add("exact", .bool(logProbability.isExact))
    add("trusted", .bool(logProbability.isTrusted))
    if case .estimate(let error, let size) = logProbability.certainty {
      add("log_p_standard_error", .real(error))
      add("effective_sample_size", .real(size))
    }
    add("log_lower_bound", JSONValue(logProbability.lowerBound))
    switch method {
    case .marginals(let count, let particles):
      add("marginals", .integer(count))
      if let particles { add("particles", .integer(particles)) }
    case .onBitCounts: add("from", "on_bit_counts")
    case .draws(let hits, let count):
      add("hits", .integer(hits))
      add("draws", .integer(count))
    }
    if !query.categories.isEmpty {
      let categories = query.categories.map { category in
        [
          "name": .string(category.name),
          "columns": .array(vocabulary.names(of: category).map(JSONValue.string)),
        ]
          as JSONValue
      }
      add("categories", .array(categories))
    }
    return .object(members)
  }
}

extension QueryVocabulary {
  /// The words of a model, with suggestions for what is misspelt.
  ///
  /// - Parameter columnNames: names in place of the model's own; nil for these.
  static func suggesting(_ checkpoint: Checkpoint, columnNames: [String]? = nil) -> QueryVocabulary {
    var vocabulary = QueryVocabulary(
      columnCount: checkpoint.model.variableCount, columnNames: columnNames ?? checkpoint.columnNames,
      values: checkpoint.reading?.values)
    vocabulary.suggest = { Suggestion.nearest(to: $0, among: $1) }
    return vocabulary
  }

  /// The names of a category's columns.
  func names(of category: Query.Category) -> [String] {
    category.columns.map { columnNames?[$0] ?? "#\($0 + 1)" }
  }

  /// Says that columns are taken for one variable.
  func note(_ category: Query.Category) -> String {
    let names = names(of: category)
    let shown = names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", …" : "")
    return
      "\(category.name) is taken for one variable of \(names.count) values, one on and the others off: \(shown)"
  }
}

extension String {
  /// The text with blanks for its line breaks.
  var onOneLine: String { String(map { $0.isNewline ? " " : $0 }) }
}
