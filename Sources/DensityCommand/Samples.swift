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
  let most = 1 << 28
  let pixelCount: Double
  if imageShape != nil {
    let magnification = Double(magnification ?? 2)
    pixelCount = Double(rowCount) * Double(columnCount) * magnification * magnification
  } else {
    pixelCount = TableGrid(
      columnCount: columnCount, names: names, blockCount: columns, cellSide: magnification
    ).pixelCount(rowCount: rowCount)
  }
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
