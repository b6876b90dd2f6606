/// A file to write a table of numbers to: CSV, a line a row, or NPY, 32-bit floats.
///
/// The name ends in `.csv`, `.txt` or `.npy`, or one of these and `.gz`. A number is written in the shortest form that
/// reads back as the same.
public struct NumberTableFile: Hashable, Sendable {
  private let file: TableFile

  /// Finds the format by the end of a path, before any work goes into what is to be written.
  ///
  /// - Throws: `DensityError.unwritable` for an end that means no such format.
  public init(path: String) throws(DensityError) {
    guard let file = try? TableFile(path: path, for: .numbers), file.format != .idx else {
      throw .unwritable(
        path: path, reason: "numbers go to .csv, .txt or .npy, or one of these and .gz")
    }
    self.file = file
  }

  /// Writes rows as they come; the file takes its name when all are written.
  ///
  /// CSV is written at once; NPY begins with the number of rows, so that the numbers wait until the end, in bounded memory and
  /// then in a file without a name.
  /// - Parameters:
  ///   - shape: what is known of the table; its names stand in the first line of CSV, and NPY of pictures has three axes.
  ///   - produce: calls its argument with one row after another, each of as many numbers as there are columns.
  /// - Throws: `DensityError.unwritable`, and what `produce` throws; the file then is as it was.
  public func writing(
    _ shape: TableWriter.Shape,
    _ produce: (_ write: @escaping ([Float]) throws(DensityError) -> Void) throws(DensityError) -> Void
  ) throws(DensityError) {
    try AtomicFile.writing(to: file.path) { (sink) throws(DensityError) in
      var output = OutputBuffer(isCompressed: file.isCompressed, to: sink)
      if file.format == .text {
        output.bytes = RowEncoder(.text, shape).beginning(rowCount: 0, hasMissing: true)
      }
      let held = HeldNumbers<Float>(for: file.path)
      var rowCount = 0
      try produce { (row) throws(DensityError) in
        precondition(row.count == shape.columnCount, "\(row.count) numbers of \(shape.columnCount) columns")
        rowCount += 1
        guard file.format == .text else { return try held.add(row) }
        output.bytes += Self.line(row)
        try output.flushIfFull()
      }
      if file.format == .npy {
        output.bytes = RowEncoder(.npy, shape).beginning(rowCount: rowCount, hasMissing: true)
        try held.forEachBlock { (numbers) throws(DensityError) in
          output.bytes.append(numbers, order: .little)
          try output.flushIfFull()
        }
      }
      try output.flush()
    }
  }

  /// Returns a row as a line of CSV; what is not a number is a missing cell, of which nothing is written.
  public static func line(_ row: [Float]) -> [UInt8] {
    var line: [UInt8] = []
    for (column, number) in row.enumerated() {
      if column > 0 { line.append(0x2C) }
      if number.isNaN {
        // A blank line might be taken for none.
        if row.count == 1 { line += Array("NA".utf8) }
        continue
      }
      line += number == 0 ? [0x30] : number == 1 ? [0x31] : Array("\(number)".utf8)
    }
    return line + [0x0A]
  }
}
