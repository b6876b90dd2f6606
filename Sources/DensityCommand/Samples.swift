import BinaryDensity

/// Rows as a picture: a grid of images if a row is one, else one image with a line of pixels a row.
func picture(of rows: BinaryMatrix, imageShape: ImageShape?, columns: Int? = nil, magnification: Int = 2)
  -> GreyImage
{
  let images = (0..<rows.rowCount).map { row in rows[row: row].map { $0 ? UInt8(255) : 0 } }
  if let imageShape {
    return ImageGrid(
      imageWidth: imageShape.width, imageHeight: imageShape.height, columnCount: columns,
      magnification: magnification
    ).picture(of: images)
  }
  return ImageGrid(
    imageWidth: rows.columnCount, imageHeight: rows.rowCount, magnification: magnification
  ).picture(of: [images.flatMap { $0 }])
}
