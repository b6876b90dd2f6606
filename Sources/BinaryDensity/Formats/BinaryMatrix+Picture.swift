extension BinaryMatrix {
  /// Returns the rows as a picture: a grid of images if a row is one (`ImageGrid`), else a table (`TableGrid`).
  ///
  /// - Parameters:
  ///   - imageShape: the height and width of the picture that a row is, if it is one.
  ///   - names: the columns' names, which a table has above them; nil for numbers.
  ///   - columns: how many images, or blocks of rows, stand side by side; nil for about a square.
  ///   - magnification: the side of the square that a bit becomes, in pixels; nil for 2 of images, and of tables for what has
  ///     room for names.
  /// - Precondition: there is at least one row and one column.
  public func picture(
    imageShape: ImageShape? = nil, names: [String]? = nil, columns: Int? = nil, magnification: Int? = nil
  ) -> GreyImage {
    guard let imageShape else {
      return TableGrid(
        columnCount: columnCount, names: names, blockCount: columns, cellSide: magnification
      ).picture(of: self)
    }
    return ImageGrid(
      imageWidth: imageShape.width, imageHeight: imageShape.height, columnCount: columns,
      magnification: magnification ?? 2
    ).picture(of: (0..<rowCount).map { row in self[row: row].map { $0 ? UInt8(255) : 0 } })
  }
}
