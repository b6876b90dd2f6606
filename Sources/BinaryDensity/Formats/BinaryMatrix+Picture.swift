extension BinaryMatrix {
  /// Returns the rows as a picture: a grid of images if a row is one, else one image with a line of pixels a row.
  ///
  /// - Parameters:
  ///   - imageShape: the height and width of the picture that a row is, if it is one.
  ///   - columns: how many images stand side by side; nil for a square of them.
  ///   - magnification: the side of the square that a bit becomes, in pixels.
  /// - Precondition: there is at least one row and one column.
  public func picture(
    imageShape: ImageShape? = nil, columns: Int? = nil, magnification: Int = 2
  ) -> GreyImage {
    let images = (0..<rowCount).map { row in self[row: row].map { $0 ? UInt8(255) : 0 } }
    if let imageShape {
      return ImageGrid(
        imageWidth: imageShape.width, imageHeight: imageShape.height, columnCount: columns,
        magnification: magnification
      ).picture(of: images)
    }
    return ImageGrid(imageWidth: columnCount, imageHeight: rowCount, magnification: magnification)
      .picture(of: [images.flatMap { $0 }])
  }
}
