/// The axes of an array, and how they make a table: the first counts rows, all others columns, the last running fastest.
struct ArrayShape: Sendable {
  /// The size along each axis.
  let dimensions: [Int]
  let rowCount: Int
  let columnCount: Int

  /// - Parameters:
  ///   - source: the file, for the error.
  ///   - offset: where in the file the sizes stand.
  /// - Throws: `malformed` for an array without rows or columns, or that no memory could hold.
  init(_ dimensions: [Int], of source: ByteSource, at offset: Int) throws(DensityError) {
    guard checkedProduct(of: dimensions + [8]) != nil else {
      throw source.malformed(
        at: offset, expected: "sizes whose product fits 60 bits", found: shapeText(dimensions))
    }
    guard let rowCount = dimensions.first, !dimensions.contains(0),
      let columnCount = checkedProduct(of: dimensions.dropFirst())
    else {
      throw source.malformed(
        at: offset, expected: "at least one row and one column", found: shapeText(dimensions))
    }
    self.dimensions = dimensions
    self.rowCount = rowCount
    self.columnCount = columnCount
  }

  /// The pictures that rows are: those of three axes, and of four if one counts a single channel.
  var imageShape: ImageShape? {
    switch dimensions.count {
    case 3: ImageShape(height: dimensions[1], width: dimensions[2])
    case 4 where dimensions[3] == 1: ImageShape(height: dimensions[1], width: dimensions[2])
    case 4 where dimensions[1] == 1: ImageShape(height: dimensions[2], width: dimensions[3])
    default: nil
    }
  }

  /// Whether rows look like pictures in colour.
  var isColour: Bool {
    dimensions.count == 4 && imageShape == nil
      && [3, 4].contains { dimensions[3] == $0 || dimensions[1] == $0 }
  }

  /// Such as `NPY of uint8, 28 × 28 pictures`.
  func dialect(_ format: String, of type: NPYHeader.ElementType) -> String {
    let pictures = imageShape.map { ", \($0.height) × \($0.width) pictures" } ?? ""
    return "\(format) of \(type.name)\(pictures)"
  }

  /// Returns the column of a table that the `index`-th column of a file in Fortran's order is: there the second axis
  /// runs fastest.
  func column(ofFortran index: Int) -> Int {
    var rest = index
    var column = 0
    var stride = columnCount
    for size in dimensions.dropFirst() {
      stride /= size
      column += rest % size * stride
      rest /= size
    }
    return column
  }
}
