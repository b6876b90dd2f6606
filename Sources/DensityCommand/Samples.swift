import Arguments
import BinaryDensity

/// Checks that a picture of many rows can be held in memory.
///
/// - Throws: `UsageError`.
///
/// - Parameter magnification: nil for what is usual of pictures, or of tables.
func checkPicture(
  rowCount: Int, variableCount: Int, _ imageShape: ImageShape?, magnification: Int?
) throws(UsageError) {
  let most = 1 << 28
  let usual = imageShape == nil ? TableGrid.defaultCellSide(columnCount: variableCount) : 2
  let magnification = magnification ?? usual
  let pixelCount = Double(rowCount) * Double(variableCount) * Double(magnification * magnification)
  guard pixelCount <= Double(most) else {
    throw UsageError(
      "a picture of \(rowCount) rows would have more than \(most) pixels; write rows, as .npy, or fewer of them"
    )
  }
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
