import Arguments
import BinaryDensity

/// Checks that a picture of many rows can be held in memory, as `BinaryMatrix.picture` would make it.
///
/// - Throws: `UsageError`.
func checkPicture(
  rowCount: Int, columnCount: Int, _ imageShape: ImageShape?, names: [String]? = nil, columns: Int? = nil,
  magnification: Int?
) throws(UsageError) {
  guard rowCount > 0 else { return }
  guard let imageShape else {
    let grid = TableGrid(
      columnCount: columnCount, names: names, blockCount: columns, cellSide: magnification)
    return try checkPicture(rowCount: rowCount, pixelCount: grid.pixelCount(rowCount: rowCount))
  }
  let pixelCount = pixelCountOfPicture(imageShape, magnification: magnification)
  try checkPicture(rowCount: rowCount, pixelCount: Double(rowCount) * pixelCount)
}

/// Checks that a picture of so many pixels can be held in memory.
///
/// - Throws: `UsageError`.
func checkPicture(rowCount: Int, pixelCount: Double) throws(UsageError) {
  let most = 1 << 28
  guard pixelCount <= Double(most) else {
    throw UsageError(
      "a picture of \(rowCount) rows would have more than \(most) pixels; write rows, as .npy, or fewer of them"
    )
  }
}

/// Returns how many pixels of a .png a row takes that is a picture.
func pixelCountOfPicture(_ imageShape: ImageShape, magnification: Int?) -> Double {
  let magnification = Double(magnification ?? 2)
  return Double(imageShape.pixelCount) * magnification * magnification
}

extension BinaryMatrix {
  /// The first rows as pictures of characters, as many as stand side by side; none where no terminal shows them.
  func preview(_ shape: ImageShape?) -> [String] {
    guard let shape, Terminal.showsPictures else { return [] }
    let width = Terminal.columnCount - 1
    let pictures = (0..<min(rowCount, width)).map { row in
      (0..<shape.height).map { y in (0..<shape.width).map { x in self[row, y * shape.width + x] } }
    }
    return halfBlocks(pictures, width: width)
  }
}
