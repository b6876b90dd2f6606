import Essentials

extension MutualInformation {
  /// Returns the matrix of all pairs as a picture: a pixel is the brighter the more its two columns tell of each other.
  ///
  ///     level = 255 · √(I(x_i; x_j) / the largest of all pairs)
  ///
  /// The diagonal has the columns' entropies, of which none is brighter than white.
  /// - Parameter magnification: the side of the square of a pair, in pixels.
  /// - Precondition: all pairs are here.
  public func picture(magnification: Int = 1) -> GreyImage {
    ImageGrid(
      imageWidth: variableCount, imageHeight: variableCount, magnification: magnification, separatorWidth: 0
    ).picture(of: [levels.flatMap(\.self)])
  }

  /// Returns that matrix with the columns' names beside and above it; nil for their numbers.
  ///
  /// - Precondition: all pairs are here, and each column has a name.
  public func picture(names: [String]?) -> GreyImage {
    var grid = TableGrid(columnCount: variableCount, names: names)
    grid.rowLabels = grid.labels
    return grid.picture(of: levels)
  }

  /// The grey levels of the matrix.
  private var levels: [[UInt8]] {
    precondition(
      columns == Array(0..<variableCount),
      "the pairs of \(columns.count) columns of \(variableCount) are here")
    let rows = columns.map { i in columns.map { self[i, $0].value } }
    let largest = columns.reduce(0) { largest, i in
      columns.reduce(largest) { $1 == i ? $0 : max($0, rows[i][$1]) }
    }
    return rows.map { $0.map { Self.level($0, largest) } }
  }

  /// Returns a picture of what each pixel of a picture tells of one of them, which is white itself.
  ///
  /// - Parameters:
  ///   - column: the pixel.
  ///   - imageShape: the height and width of the picture that a row is.
  ///   - magnification: the side of the square that a pixel becomes.
  /// - Precondition: the pixel's pairs are here, and a row is a picture of that shape.
  public func picture(of column: Int, imageShape: ImageShape, magnification: Int = 8) -> GreyImage {
    precondition(
      imageShape.height * imageShape.width == variableCount,
      "\(variableCount) columns are no picture of \(imageShape.height) × \(imageShape.width)")
    let row = (0..<variableCount).map { self[column, $0].value }
    let largest = row.indices.reduce(0) { $1 == column ? $0 : max($0, row[$1]) }
    return ImageGrid(
      imageWidth: imageShape.width, imageHeight: imageShape.height, magnification: magnification,
      separatorWidth: 0
    ).picture(of: [row.indices.map { $0 == column ? 255 : Self.level(row[$0], largest) }])
  }

  private static func level(_ information: Double, _ largest: Double) -> UInt8 {
    // Less is rounding.
    guard information > 1e-12 else { return 0 }
    return UInt8((255 * (information < largest ? information / largest : 1).squareRoot()).rounded())
  }
}
