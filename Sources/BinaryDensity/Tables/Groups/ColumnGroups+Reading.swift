extension ColumnGroups {
  /// Reads groups as an option names them: `1-5, color, (smoker, #9)`.
  ///
  ///     groups = group { "," group },   group = columns | name | "(" columns { "," columns } ")"
  ///
  /// Columns are named as in a `CellList`; a name that no column has stands for the columns `name=…`, or else `name_…`.
  /// - Parameters:
  ///   - text: the list.
  ///   - vocabulary: the words it may use.
  ///   - option: the option that it was given to, for the error.
  /// - Throws: `DensityError.invalidConfiguration` that says what is wrong, and where in the text.
  public init(_ text: String, _ vocabulary: QueryVocabulary, option: String) throws(DensityError) {
    let groups: [[Int]]
    do throws(QueryMistake) {
      var parser = try QueryParser(text, vocabulary)
      parser.takesBareNumbers = vocabulary.hasNoNumberNames
      groups = try parser.groupList()
    } catch {
      throw .invalidConfiguration(
        "\(option) \(text.prefix(80)): column \(error.place): expected \(error.expected), found \(error.found)"
      )
    }
    if let problem = Self.problem(of: groups, columnCount: vocabulary.columnCount) {
      throw .invalidConfiguration("\(option) \(text.prefix(80)): \(problem)")
    }
    self.init(checked: groups, columnCount: vocabulary.columnCount)
  }
}

extension QueryParser {
  /// Reads the list that stands at `ColumnGroups.init(_:_:option:)`.
  fileprivate mutating func groupList() throws(QueryMistake) -> [[Int]] {
    var groups: [[Int]] = []
    repeat { groups.append(try group()) } while take(sign: ",")
    guard next.kind == .end else { throw mistake("\",\" or the end of the list") }
    return groups
  }

  private mutating func group() throws(QueryMistake) -> [Int] {
    if take(sign: "(") {
      var columns: [Int] = []
      repeat { columns += try self.columns() } while take(sign: ",")
      try expect(sign: ")", "\",\" or \")\"")
      return columns
    }
    if let columns = nextCategory {
      advance()
      return columns
    }
    return try columns()
  }

  /// The columns of the variable that the next word names, if it is no column's name.
  private var nextCategory: [Int]? {
    switch next.kind {
    case .word(let name), .quoted(let name):
      vocabulary.columns(named: name).isEmpty ? vocabulary.group(named: name)?.columns : nil
    default: nil
    }
  }
}
