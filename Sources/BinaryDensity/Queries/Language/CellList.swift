/// Columns, and values of columns, as an option of a command names them: `smoker=1, !runner, "red wine", #7-#20`.
///
/// The list has the grammar of a query's cells, divided by commas; where no column is called by a number, `7` and `7-20`
/// are columns by number too.
///
///     list = ["!" | NOT] cell { "," ["!" | NOT] cell }
public struct CellList: Hashable, Sendable {
  /// What is said of a column.
  public enum Said: Hashable, Sendable {
    /// Only its name.
    case nothing
    /// That it has this value.
    case value(Bool)
    /// That it is unknown.
    case unknown
  }

  /// The columns, counted from 0, in the order in which they are named, each once, and what is said of each.
  public let cells: [Cell]
  /// The columns that are taken for one variable of several values.
  public let categories: [Query.Category]

  /// A column, and what is said of it.
  public struct Cell: Hashable, Sendable {
    /// The column, counted from 0.
    public let column: Int
    /// What is said of it.
    public let said: Said
  }

  /// Reads a list.
  ///
  /// - Parameters:
  ///   - text: the list.
  ///   - vocabulary: the words it may use.
  ///   - option: the option that it was given to, for the error.
  /// - Throws: `DensityError.invalidConfiguration` that names the column of the text, what was expected there and what was
  ///   found; also for a column of which two things are said.
  public init(_ text: String, _ vocabulary: QueryVocabulary, option: String) throws(DensityError) {
    do throws(QueryMistake) {
      var parser = try QueryParser(text, vocabulary)
      parser.takesBareNumbers = vocabulary.hasNoNumberNames
      (cells, categories) = (try parser.cellList(), parser.categories)
    } catch {
      throw .invalidConfiguration(
        "\(option) \(text.prefix(80)): column \(error.place): expected \(error.expected), found \(error.found)"
      )
    }
  }

  /// The columns of which only the names are given, counted from 0.
  public var columns: [Int] { cells.filter { $0.said == .nothing }.map(\.column) }

  /// The values that are said.
  public var values: [(column: Int, value: Bool)] {
    cells.compactMap { if case .value(let value) = $0.said { ($0.column, value) } else { nil } }
  }
}

extension QueryParser {
  /// Reads the list that stands at `CellList`.
  fileprivate mutating func cellList() throws(QueryMistake) -> [CellList.Cell] {
    var cells: [CellList.Cell] = []
    var said: [Int: CellList.Said] = [:]
    func add(_ column: Int, _ new: CellList.Said, at place: Int) throws(QueryMistake) {
      guard let old = said.updateValue(new, forKey: column) else {
        return cells.append(CellList.Cell(column: column, said: new))
      }
      guard old == new else {
        throw QueryMistake(
          place: place, expected: "one value of \(name(of: column))", found: "\(old.words) and \(new.words)")
      }
    }
    repeat {
      let place = next.place
      let isNegated = next.isSign("!") || (next.isKeyword("not") && afterNext.isOperand)
      if !isNegated && !isGivenValue {
        for column in try columns() { try add(column, .nothing, at: place) }
        continue
      }
      let (event, unknown) = try cellWithValue()
      for column in unknown { try add(column, .unknown, at: place) }
      guard let term = event.term else {
        throw QueryMistake(place: place, expected: "a value of one column", found: "a choice between several")
      }
      for (column, value) in term.values.sorted(by: { $0.key < $1.key }) {
        try add(column, .value(value), at: place)
      }
    } while take(sign: ",")
    guard next.kind == .end else { throw mistake("\",\" or the end of the list") }
    return cells
  }
}

extension CellList.Said {
  fileprivate var words: String {
    switch self {
    case .nothing: "no value"
    case .value(let isOn): isOn ? "1" : "0"
    case .unknown: "?"
    }
  }
}
