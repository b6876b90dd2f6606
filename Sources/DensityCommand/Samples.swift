import Arguments
import BinaryDensity

/// Checks that a picture of many rows can be held in memory.
///
/// - Throws: `UsageError`.
func checkPicture(rowCount: Int, variableCount: Int, magnification: Int) throws(UsageError) {
  let most = 1 << 28
  let pixelCount = Double(rowCount) * Double(variableCount) * Double(magnification * magnification)
  guard pixelCount <= Double(most) else {
    throw UsageError(
      "a picture of \(rowCount) rows would have more than \(most) pixels; write rows, as .npy, or fewer of them"
    )
  }
}

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
