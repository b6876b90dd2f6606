/// How a table of text stands in its file, so that it can be written again as it was read.
package struct TableText: Sendable {
  /// What stands before the rows: the line of names, if there is one, is the last.
  package let preamble: [UInt8]
  /// Whether the last line of the preamble has the names of the columns.
  package let hasNames: Bool
  /// The byte that divides fields.
  package let separator: UInt8
  /// Whether it stands at both ends of a line, too.
  package let isFramed: Bool
  /// What ends a line.
  package let lineEnd: [UInt8]
  /// The words for off and on, if they were given.
  package let values: TableOptions.Values?

  /// Describes a table.
  package init(
    preamble: [UInt8], hasNames: Bool, separator: UInt8, isFramed: Bool = false, lineEnd: [UInt8] = [0x0A],
    values: TableOptions.Values?
  ) {
    self.preamble = preamble
    self.hasNames = hasNames
    self.separator = separator
    self.isFramed = isFramed
    self.lineEnd = lineEnd
    self.values = values
  }

  /// A row as it stands in the file.
  package struct Row: Sendable {
    /// The line, without its end.
    package let bytes: [UInt8]
    /// Where in it the cell of each of the table's columns stands, without quotes.
    package var cells: [Range<Int>]

    /// Describes a row.
    package init(bytes: [UInt8], cells: [Range<Int>]) {
      self.bytes = bytes
      self.cells = cells
    }
  }
}
