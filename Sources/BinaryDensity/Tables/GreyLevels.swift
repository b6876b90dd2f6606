/// A table of grey levels 0 … 255: rows are images or other observations, columns are variables.
public struct GreyLevels: Hashable, Sendable {
  /// The number of rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  /// The height and width of the picture that a row is, if it is one; height · width is then `columnCount`.
  public let imageShape: ImageShape?
  /// The levels, row by row.
  public let levels: [UInt8]

  /// Creates a table of grey levels.
  ///
  /// - Precondition: `levels.count == rowCount * columnCount`, and an image shape has `columnCount` pixels.
  public init(rowCount: Int, columnCount: Int, levels: [UInt8], imageShape: ImageShape? = nil) {
    precondition(
      rowCount >= 0 && columnCount >= 0 && levels.count == rowCount * columnCount,
      "\(levels.count) levels cannot fill \(rowCount) × \(columnCount)")
    precondition(
      imageShape.map { $0.pixelCount == columnCount } ?? true,
      "a picture of \(String(describing: imageShape)) has not \(columnCount) pixels")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.levels = levels
    self.imageShape = imageShape
  }

  /// Returns some consecutive rows.
  public func rows(_ range: Range<Int>) -> GreyLevels {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) are outside 0..<\(rowCount)")
    return GreyLevels(
      rowCount: range.count, columnCount: columnCount,
      levels: Array(levels[range.lowerBound * columnCount..<range.upperBound * columnCount]),
      imageShape: imageShape)
  }

  /// Returns the rows with the given indices, in their order.
  public func selecting(_ indices: some Collection<Int>) -> GreyLevels {
    var selected: [UInt8] = []
    selected.reserveCapacity(indices.count * columnCount)
    for row in indices {
      precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
      selected += levels[row * columnCount..<(row + 1) * columnCount]
    }
    return GreyLevels(
      rowCount: indices.count, columnCount: columnCount, levels: selected, imageShape: imageShape)
  }
}

/// The height and width of pictures, in pixels; a row of a table is a picture line by line.
public struct ImageShape: Hashable, Sendable, Codable {
  /// The number of lines.
  public let height: Int
  /// The number of pixels in a line.
  public let width: Int

  /// Creates a shape.
  public init(height: Int, width: Int) {
    precondition(height > 0 && width > 0, "a picture cannot be \(height) × \(width)")
    self.height = height
    self.width = width
  }

  /// The number of pixels.
  public var pixelCount: Int { height * width }
}
