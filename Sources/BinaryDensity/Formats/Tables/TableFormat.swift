/// One format of tables: it knows its files by how they begin, and reads them from their start to their end.
///
/// `DataTable.formats` lists all of them, in the order in which they are asked.
protocol TableFormat: Sendable {
  /// What `--format` calls it, such as `npy`.
  var name: String { get }
  /// What it is, in a line of help.
  var summary: String { get }
  /// Whether words may be given for what its cells are.
  var hasWords: Bool { get }
  /// Whether a file is of the format.
  ///
  /// - Parameters:
  ///   - start: its first bytes, as many as `DataTable.startLength` or all there are.
  ///   - path: its path, where the name alone tells formats apart.
  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool
  /// Reads what stands before the rows; the source is at its first byte.
  ///
  /// - Throws: `malformed`, and what the source throws.
  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader
}

extension TableFormat {
  /// True: cells are words or numbers.
  var hasWords: Bool { true }
}

/// A table whose beginning has been read, and whose rows follow, once.
protocol TableReader: AnyObject {
  /// What the beginning says.
  var layout: TableLayout { get }
  /// Calls `body` with the rows in their order, in blocks of `length` rows of which the last may be shorter, while it
  /// says to go on.
  ///
  /// Memory stays within a block and some windows of the file, whatever a header promises.
  /// - Returns: whether it always did.
  /// - Throws: `malformed` at the row, or line, and column of what cannot be read; what the source and `body` throw.
  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool
  /// Passes over rows without reading them, where the format and the file allow it; before any row is read.
  ///
  /// - Returns: whether they were passed over; else the reader is as it was.
  func skip(rows count: Int) throws(DensityError) -> Bool
  /// Gives up all rows at once if they are packed in memory already, so that they are not held twice; else nil.
  func takeRows() -> TableBlock?
}

extension TableReader {
  /// False: where a row begins is not known before those above it are read.
  func skip(rows count: Int) throws(DensityError) -> Bool { false }

  /// Nil: rows are read as they are asked for.
  func takeRows() -> TableBlock? { nil }
}

/// What is known of a table before its rows are read.
struct TableLayout: Sendable {
  /// The columns of a row, without those that were left out.
  var columnCount: Int
  /// How many rows a header promises, if one does: a hint for reserving memory, no more.
  var rowCount: Int?
  /// The names of the columns, if the file names them.
  var columnNames: [String]?
  /// The height and width of the picture a row is, if the file says so.
  var imageShape: ImageShape?
  /// How the file was taken: the first words of what is told a person, such as `comma` or `NPY of uint8`.
  var dialect: String
  /// The line of the names, counted from 1.
  var nameLine: Int?
  /// Of a sparse table, the number of its first column: 0 or 1.
  var indexBase: Int?
  /// The names, or numbers counted from 1, of columns that the file has and the rows have not.
  var leftOut: [String] = []
  /// Whether the columns were put in another order, that of a model, by their names.
  var isReordered = false
  /// How the file stands, if it is a text that is kept.
  var text: TableText?
}

/// Some consecutive rows, packed as those of a `BinaryMatrix`.
struct TableBlock: Sendable {
  /// The columns.
  let columnCount: Int
  /// The rows.
  var rowCount = 0
  /// ⌈columns / 64⌉ words a row; off where a cell is missing.
  var words: [UInt64] = []
  /// As many words, on where a cell is there; nil if none of the block is missing.
  var known: [UInt64]?
  /// Instead of words: the grey levels, row by row.
  var levels: [UInt8]?
  /// The rows as they stand in a text, if these are kept.
  var texts: [TableText.Row]?

  init(columnCount: Int) { self.columnCount = columnCount }

  /// How many rows a block has at most, so that it takes up no more than 4 MiB even of grey levels: many, of a table of
  /// usual width.
  static func length(columnCount: Int) -> Int { max(1, min(65_536, (1 << 22) / max(1, columnCount))) }

  /// The words of one row.
  var wordsPerRow: Int { (columnCount + 63) / 64 }
}

extension TableBlock {
  /// How many cells are missing.
  var missingCount: Int {
    guard let known else { return 0 }
    return rowCount * columnCount - known.reduce(0) { $0 + $1.nonzeroBitCount }
  }
}

extension TableReader {
  /// Returns the table with the columns that options ask for, for formats whose columns are all bits.
  ///
  /// - Throws: `invalidConfiguration` for columns that there are not, or a picture of other pixels.
  func selecting(_ options: TableOptions) throws(DensityError) -> any TableReader {
    // Nothing is asked for, and a header may promise more columns than can be counted one by one.
    guard options.columns != nil || !options.ignored.isEmpty else { return self }
    let selection = try ColumnSelection(
      options, names: layout.columnNames, columnCount: layout.columnCount)
    return selection.isEverything ? self : SelectedColumns(self, columns: selection.kept)
  }
}
