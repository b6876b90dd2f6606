extension Query {
  /// Reads a query; its grammar stands at `Query`.
  ///
  /// - Throws: `DensityError.invalidConfiguration` that names the column of the text, what was expected there and what was
  ///   found.
  public init(_ text: String, _ vocabulary: QueryVocabulary) throws(DensityError) {
    do throws(QueryMistake) {
      try self.init(parsing: text, vocabulary)
    } catch {
      let shown = text.count > 80 ? text.prefix(80) + "…" : text[...]
      throw .invalidConfiguration(
        "\(shown): column \(error.place): expected \(error.expected), found \(error.found)")
    }
  }

  private init(parsing text: String, _ vocabulary: QueryVocabulary) throws(QueryMistake) {
    var parser = try QueryParser(text, vocabulary)
    let (event, condition, isLogarithm) = try parser.query()
    self.init(
      text: text.trimmingBlanks, event: event, condition: condition, isLogarithm: isLogarithm,
      categories: parser.categories)
  }

  /// Reads queries, one a line; empty lines, and those that begin with #, say nothing.
  ///
  /// - Parameters:
  ///   - text: the lines.
  ///   - vocabulary: the words they may use.
  ///   - path: where they come from, for the error.
  /// - Throws: `DensityError.malformed` that names the line and its column, what was expected and what was found.
  public static func queries(
    in text: String, _ vocabulary: QueryVocabulary, path: String
  ) throws(DensityError) -> [Query] {
    var queries: [Query] = []
    for line in lines(in: text, vocabulary, path: path) { queries.append(try line.query.get()) }
    return queries
  }

  /// A line of a file that asks something.
  public struct Line: Sendable {
    /// The line.
    public let text: String
    /// What it asks, or what is wrong with it.
    public let query: Result<Query, DensityError>

    /// Creates a line.
    public init(text: String, query: Result<Query, DensityError>) {
      self.text = text
      self.query = query
    }
  }

  /// Reads queries as `queries(in:_:path:)` does, each with its own error if there is one.
  public static func lines(in text: String, _ vocabulary: QueryVocabulary, path: String) -> [Line] {
    var result: [Line] = []
    // A line break of two characters is one to Swift.
    let text = text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let line = String(line)
      guard let first = line.first(where: { !$0.isWhitespace }), first != "#" else { continue }
      let query: Result<Query, DensityError>
      do throws(QueryMistake) {
        query = .success(try Query(parsing: line, vocabulary))
      } catch {
        query = .failure(
          .malformed(
            path: path, at: .field("line \(index + 1), column \(error.place)"), expected: error.expected,
            found: error.found))
      }
      result.append(Line(text: line.trimmingBlanks, query: query))
    }
    return result
  }
}

extension Query {
  /// Reads the queries of a file, one a line, plain or gzip; `-` is the standard input.
  ///
  /// - Returns: what each line asks, or what is wrong with it.
  /// - Throws: what reading it throws; `DensityError.malformed` for more than 64 MiB, `.mismatch` where nothing is asked.
  public static func lines(path: String, _ vocabulary: QueryVocabulary) throws(DensityError) -> [Line] {
    let source = try ByteSource(path: path)
    var bytes: [UInt8] = []
    while true {
      let part = try source.take(upTo: 1 << 16)
      if part.isEmpty { break }
      bytes += part
      guard bytes.count <= fileLimit else {
        throw source.malformed(expected: "at most \(fileLimit >> 20) MiB of queries", found: "more")
      }
    }
    let lines = lines(in: String(decoding: bytes, as: UTF8.self), vocabulary, path: source.path)
    guard !lines.isEmpty else {
      throw .mismatch(
        path: source.path, expected: "a query such as P(#1 | #2=0) in each line", found: "none")
    }
    return lines
  }

  private static let fileLimit = 64 << 20
}

extension String {
  /// The text without blanks at its ends.
  fileprivate var trimmingBlanks: String {
    let start = firstIndex { !$0.isWhitespace } ?? endIndex
    let last = lastIndex { !$0.isWhitespace }
    return last.map { String(self[start...$0]) } ?? ""
  }
}
