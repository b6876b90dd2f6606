/// How to read a table, where its contents do not say so themselves.
public struct TableOptions: Hashable, Sendable {
  /// The format, by its name; nil to tell it by the contents.
  public var format: String?
  /// Whether the first line of a text names the columns; nil to look whether it can be a row.
  public var hasHeader: Bool?
  /// The columns to keep, in this order: names, numbers counted from 1, and ranges of these such as `7-20`; nil for all.
  public var columns: [String]?
  /// The columns to leave out, said in the same way.
  public var ignored: [String] = []
  /// The words for off and on in place of all others, such as `("-1", "1")`.
  public var values: Values?
  /// What stands for a missing cell besides nothing, `?`, `NA` and `NaN`.
  public var missing: [String] = []
  /// Which of the words above are another table's.
  package var borrowedWords = BorrowedWords.none
  /// The number of columns of a sparse table, whose rows do not say it; of the file, before any are chosen or left out.
  public var columnCount: Int?
  /// How many columns are left of those of the file, where a model or another table says it.
  package var keptCount: Int?
  /// Whether the first column of a sparse table is number 0 or 1; nil to look whether a 0 occurs.
  public var indexBase: Int?
  /// The columns of a table of words, whose rows name only what is on; nil for the words there are.
  public var knownNames: [String]?
  /// Whether words of `ignored` may name columns that are not there.
  package var ignoresUnknown = false
  /// Which array of an archive of several to take.
  public var array: String?
  /// The height and width of the picture that a row is.
  public var imageShape: ImageShape?
  /// Whether rows of text are kept as they stand, for whoever writes them again.
  package var keepsText = false
  /// Whether damaged blocks of a packed file are left out.
  public var skipsDamaged = false
  /// Of a packed file of more bytes of rows, training rows are not held in memory.
  package var heldByteCount = 1 << 30
  /// Bits whose rows packed are more bytes are kept as lists of what is on, if these are smaller.
  package var listedByteCount = Self.usualListedByteCount
  static let usualListedByteCount = 1 << 24
  /// How bytes above 1 become bits; nil to take them for grey levels only where the file holds pictures.
  public var binarization: Binarization?

  /// The two words of a table.
  public struct Values: Hashable, Sendable, Codable {
    /// Stands for 0.
    public var off: String
    /// Stands for 1.
    public var on: String

    /// Creates a pair of words.
    public init(off: String, on: String) {
      self.off = off
      self.on = on
    }
  }

  /// Which words are those of the table that a model learnt from, or may be meant for another table of the same command.
  ///
  /// A file whose cells are no words, or numbers where the words are none, is not refused for them, and means what it means without.
  package enum BorrowedWords: Hashable, Sendable { case none, values, all }

  /// Leaves everything to the contents.
  public init() {}

  /// Returns the picture a row is: the one that is asked for, or the file's.
  ///
  /// - Throws: `mismatch` for a picture of another number of pixels than a row has columns.
  func imageShape(of layout: TableLayout, path: String) throws(DensityError) -> ImageShape? {
    guard let imageShape else { return layout.imageShape }
    guard imageShape.pixelCount == layout.columnCount else {
      throw .mismatch(
        path: path,
        expected:
          "\(imageShape.pixelCount) columns for pictures of \(imageShape.height) × \(imageShape.width)",
        found: "\(layout.columnCount)")
    }
    return imageShape
  }
}

extension TableOptions {
  /// Refuses words for cells in a format whose cells no words stand for.
  ///
  /// Words for 0 and 1 that are 0 and 1 say nothing else than the file.
  /// - Throws: `invalidConfiguration`.
  func expectNoWords(_ path: String, format: String) throws(DensityError) {
    func refusal(_ option: String, _ words: [String]) -> DensityError {
      .invalidConfiguration(
        "--\(option) \(words.joined(separator: ",")): \(path) (\(format)) says itself which cells are on, without words that "
          + "could be given; leave --\(option) out")
    }
    if let values, borrowedWords == .none, Double(values.off) != 0 || Double(values.on) != 1 {
      throw refusal("values", [values.off, values.on])
    }
    if !missing.isEmpty, borrowedWords != .all { throw refusal("missing", missing) }
  }

  /// The options for cells that are numbers: another table's words that are none mean nothing there.
  var forNumbers: TableOptions {
    guard borrowedWords != .none, let values, Double(values.off) == nil || Double(values.on) == nil else {
      return self
    }
    var options = self
    options.values = nil
    return options
  }

  /// The number of columns of a file whose columns have no names; nil if its rows say it.
  var fileColumnCount: Int? {
    if let columnCount { return columnCount }
    guard let keptCount, columns == nil else { return nil }
    let ignored = RangeSet(ignored.compactMap(ColumnSelection.numbers).map { Range($0) })
    let count = ignored.ranges.reduce(0) { $0 + $1.count }
    return count <= Self.widestGap ? keptCount + count : nil
  }

  /// How many columns a file whose columns have no names has at least, its last ones perhaps off in all rows.
  var leastColumnCount: Int {
    guard keptCount != nil, let columns else { return 0 }
    let last = columns.compactMap { ColumnSelection.numbers($0)?.upperBound }.max() ?? 0
    return last <= Self.widestGap ? last : 0
  }

  /// Words that mean more columns are a mistake.
  private static let widestGap = 1 << 24
}

/// The columns of a file that a table keeps.
package struct ColumnSelection {
  /// The file's columns that are kept, counted from 0, in the table's order.
  let kept: [Int]
  /// Those that are not, in the file's order.
  let leftOut: [Int]

  /// Finds the columns that options mean.
  ///
  /// A word that is a column's name means that column; any other number, or range of numbers, counts columns from 1.
  /// - Throws: `invalidConfiguration` for a word that means none, and where nothing is kept.
  init(_ options: TableOptions, names: [String]?, columnCount: Int) throws(DensityError) {
    var ignored: [Int] = []
    for word in options.ignored {
      do throws(DensityError) {
        ignored += try Self.columns(word, option: "--ignore", names, columnCount)
      } catch {
        guard options.ignoresUnknown else { throw error }
      }
    }
    let wanted =
      if let words = options.columns { try Self.columns(words, option: "--columns", names, columnCount) } else
      {
        Array(0..<columnCount)
      }
    let isIgnored = Set(ignored)
    kept = wanted.filter { !isIgnored.contains($0) }
    let isKept = Set(kept)
    leftOut = (0..<columnCount).filter { !isKept.contains($0) }
    guard isKept.count == kept.count else {
      throw .invalidConfiguration("--columns names a column twice")
    }
    guard !kept.isEmpty else { throw .invalidConfiguration("--columns and --ignore leave no column") }
  }

  /// Whether every column is kept where it is.
  var isEverything: Bool { leftOut.isEmpty && kept == Array(kept.indices) }

  /// Returns the columns that words mean, counted from 0.
  ///
  /// - Parameter option: the option that the words were given to, for the error.
  /// - Throws: `invalidConfiguration` for a word that means none.
  package static func columns(
    _ words: [String], option: String, _ names: [String]?, _ columnCount: Int
  ) throws(DensityError) -> [Int] {
    var columns: [Int] = []
    for word in words { columns += try Self.columns(word, option: option, names, columnCount) }
    return columns
  }

  /// Returns the columns, counted from 1, that a number or a range of numbers means; nil for another word.
  static func numbers(_ word: String) -> ClosedRange<Int>? {
    let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, 1 <= first,
      first <= last,
      last <= Int(Int32.max)
    else { return nil }
    return first...last
  }

  private static func columns(
    _ word: String, option: String, _ names: [String]?, _ columnCount: Int
  ) throws(DensityError) -> [Int] {
    if let column = names?.firstIndex(of: word) { return [column] }
    if let numbers = numbers(word), numbers.upperBound <= columnCount {
      return Array(numbers.lowerBound - 1..<numbers.upperBound)
    }
    let known = names.map { "\($0.prefix(8).joined(separator: ", "))\($0.count > 8 ? ", …" : "")" }
    throw .invalidConfiguration(
      "\(option) \(word): no such column; there are 1 to \(columnCount)\(known.map { " (\($0))" } ?? "")")
  }
}
