/// A word or a sign of a query, and where it begins.
struct QueryToken: Hashable {
  enum Kind: Hashable {
    /// A word without blanks and signs.
    case word(String)
    /// A word in double quotes, without them.
    case quoted(String)
    /// Columns by number, counted from 0.
    case numbers(ClosedRange<Int>)
    /// One of `, ( ) | = != ! & ?`.
    case sign(String)
    case end
  }

  let kind: Kind
  /// The column of the text, counted from 1.
  let place: Int
  /// As it stands in the text.
  let text: String

  /// Whether it is a word that has a meaning of its own where one may stand, in whatever case.
  func isKeyword(_ word: String) -> Bool {
    if case .word(let own) = kind { own.lowercased() == word } else { false }
  }

  /// Whether it is a sign.
  func isSign(_ sign: String) -> Bool { kind == .sign(sign) }

  /// Whether columns may begin with it.
  var isOperand: Bool {
    switch kind {
    case .word, .quoted, .numbers: true
    case .sign(let sign): sign == "(" || sign == "!"
    case .end: false
    }
  }
}

extension QueryToken {
  /// The token, as columns by number if it is a word such as `7` or `7-20`.
  var withBareNumbers: QueryToken {
    guard case .word(let word) = kind, let numbers = Self.bareNumbers(word) else { return self }
    return QueryToken(kind: .numbers(numbers), place: place, text: text)
  }

  private static func bareNumbers(_ word: String) -> ClosedRange<Int>? {
    let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, 1 <= first,
      first <= last
    else { return nil }
    return first - 1...last - 1
  }

  /// Whether a word could be a column's number.
  static func isBareNumber(_ word: String) -> Bool { bareNumbers(word) != nil }
}

/// What is wrong with the text of a query, and where.
struct QueryMistake: Error {
  /// The column of the text, counted from 1.
  let place: Int
  let expected: String
  let found: String
}

extension QueryToken {
  /// Divides a text into words and signs; the last is `end`.
  static func tokens(of text: String) throws(QueryMistake) -> [QueryToken] {
    let characters = Array(text)
    var tokens: [QueryToken] = []
    var index = 0
    func token(_ kind: Kind, to end: Int) -> QueryToken {
      QueryToken(kind: kind, place: index + 1, text: String(characters[index..<end]))
    }
    while index < characters.count {
      let next: QueryToken
      switch characters[index] {
      case let blank where blank.isWhitespace:
        index += 1
        continue
      case "\"":
        let (name, end) = try quotedName(characters, from: index)
        next = token(.quoted(name), to: end)
      case "#":
        let (columns, end) = try numbers(characters, from: index)
        next = token(.numbers(columns), to: end)
      case "!" where index + 1 < characters.count && characters[index + 1] == "=":
        next = token(.sign("!="), to: index + 2)
      case let sign where signs.contains(sign):
        next = token(.sign(String(sign)), to: index + 1)
      default:
        let end =
          characters[index...].firstIndex { $0.isWhitespace || signs.contains($0) || $0 == "\"" }
          ?? characters.count
        next = token(.word(String(characters[index..<end])), to: end)
      }
      tokens.append(next)
      index += next.text.count
    }
    return tokens + [token(.end, to: index)]
  }

  private static let signs: Set<Character> = [",", "(", ")", "|", "=", "!", "&", "?"]

  private static func quotedName(
    _ characters: [Character], from start: Int
  ) throws(QueryMistake) -> (String, Int) {
    var name = ""
    var index = start + 1
    while index < characters.count {
      if characters[index] == "\"" {
        guard index + 1 < characters.count, characters[index + 1] == "\"" else { return (name, index + 1) }
        index += 1
      }
      name.append(characters[index])
      index += 1
    }
    throw QueryMistake(place: start + 1, expected: "a closing \"", found: "none to the end of the query")
  }

  /// Reads `#12`, `#3-#9` or `#3-9`.
  private static func numbers(
    _ characters: [Character], from start: Int
  ) throws(QueryMistake) -> (ClosedRange<Int>, Int) {
    var index = start + 1
    func number() throws(QueryMistake) -> Int {
      let digits = characters[index...].prefix { ("0"..."9").contains($0) }
      guard let number = Int(String(digits)), number >= 1 else {
        throw QueryMistake(
          place: start + 1, expected: "a column's number from 1, as in #12",
          found: visible(characters[start..<min(characters.count, index + max(1, digits.count))]))
      }
      index += digits.count
      return number
    }
    let first = try number()
    guard index < characters.count, characters[index] == "-" else { return (first - 1...first - 1, index) }
    index += 1
    if index < characters.count, characters[index] == "#" { index += 1 }
    let last = try number()
    guard first <= last else {
      throw QueryMistake(
        place: start + 1, expected: "a range that ascends", found: visible(characters[start..<index]))
    }
    return (first - 1...last - 1, index)
  }

  private static func visible(_ characters: ArraySlice<Character>) -> String {
    quoted(String(characters).utf8)
  }

  /// What it is, for an error.
  var found: String { kind == .end ? "the end of the query" : quoted(text.utf8) }
}
