import Arguments
import BinaryDensity

/// The option `--groups`: columns of which exactly one is on in every row.
enum GroupOptions {
  static let groups = Option.value(
    "groups", placeholder: "columns",
    help:
      "Groups of columns of which exactly one is on in every row, divided by commas: 1-5, color, (smoker, #9) are columns 1 to "
      + "5, the columns color=red, color=blue and so on, and two by name and number; 'observed' takes those that the training "
      + "rows have side by side. Every network keeps them exactly: a row that breaks one has no probability, and is never "
      + "drawn. A table whose rows break one is refused.")

  /// Returns data whose groups of columns are kept, if the option says so; otherwise says which groups could be, if any.
  ///
  /// - Parameter networks: whether what is trained could keep groups.
  static func keeping(
    _ data: DataSplits, _ arguments: ParsedArguments, networks: Bool = true
  ) throws -> DataSplits {
    guard let text = try arguments.optionalValue("groups", as: .string) else {
      if networks, let groups = data.observedGroups {
        ProgressLine().print(
          "\(data.name): in every training row one of each \(groups.phrase) is on; --groups observed keeps to that, "
            + "'density describe' names them")
      }
      return data
    }
    let groups: ColumnGroups
    if text == "observed" {
      guard let observed = data.observedGroups else {
        throw DensityError.invalidConfiguration(
          "--groups observed: of no columns side by side in \(data.sources.first?.path ?? data.name) exactly one is on in "
            + "every row, of at least \(ColumnGroups.fewestRows) rows without missing cells; name groups, or leave the "
            + "option out")
      }
      groups = observed
    } else {
      var vocabulary = QueryVocabulary(columnCount: data.variableCount, columnNames: data.columnNames)
      vocabulary.suggest = { Suggestion.nearest(to: $0, among: $1) }
      groups = try ColumnGroups(text, vocabulary, option: "--groups")
    }
    let kept = try data.keeping(groups)
    ProgressLine().print("keeping \(groups.phrase)")
    return kept
  }
}

extension DataSplits {
  /// The groups that the training rows have, where they stay as they are and no cell is missing.
  fileprivate var observedGroups: ColumnGroups? {
    if partialRows(.train) != nil { return nil }
    if case .dynamic = binarization { return nil }
    return ColumnGroups.observed(in: train)
  }
}

extension ColumnGroups {
  /// How many there are, such as `2 groups of 7 columns`.
  var phrase: String {
    let columns = groups.reduce(0) { $0 + $1.count }
    return "\(groups.count) group\(groups.count == 1 ? "" : "s") of \(columns) columns"
  }
}
