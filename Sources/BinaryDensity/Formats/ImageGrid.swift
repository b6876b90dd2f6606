/// A layout of many small pictures of one size as one large picture.
///
///     let grid = ImageGrid(imageWidth: 28, imageHeight: 28)
///     try grid.picture(of: digits).writePNG(to: "samples.png")
public struct ImageGrid: Equatable, Sendable {
  /// The number of columns of each picture.
  public var imageWidth: Int
  /// The number of rows of each picture.
  public var imageHeight: Int
  /// How many pictures stand side by side; nil for a grid as square as can be, never taller than wide.
  public var columnCount: Int?
  /// The side of the square that a pixel becomes, in pixels of the result.
  public var magnification: Int
  /// The width of the lines between and around the pictures, in pixels of the result.
  public var separatorWidth: Int
  /// The grey level of the lines, and of places left without a picture.
  public var separatorLevel: UInt8

  /// Creates a layout.
  ///
  /// - Precondition: sizes, `columnCount` and `magnification` are positive, `separatorWidth` is not negative.
  public init(
    imageWidth: Int, imageHeight: Int, columnCount: Int? = nil, magnification: Int = 2,
    separatorWidth: Int = 2,
    separatorLevel: UInt8 = 96
  ) {
    precondition(imageWidth > 0 && imageHeight > 0, "no picture is \(imageWidth) × \(imageHeight)")
    precondition(columnCount.map { $0 > 0 } ?? true && magnification > 0 && separatorWidth >= 0)
    self.imageWidth = imageWidth
    self.imageHeight = imageHeight
    self.columnCount = columnCount
    self.magnification = magnification
    self.separatorWidth = separatorWidth
    self.separatorLevel = separatorLevel
  }

  /// Returns the pictures laid out row by row from the top left.
  ///
  /// - Parameter images: the grey levels of each picture, row by row.
  /// - Precondition: there is at least one picture, and each has `imageWidth * imageHeight` levels.
  /// - Complexity: O(pixels of the result).
  public func picture(of images: [[UInt8]]) -> GreyImage {
    precondition(!images.isEmpty, "a grid needs a picture")
    let columns = min(columnCount ?? smallestRoot(of: images.count), images.count)
    let rows = (images.count + columns - 1) / columns
    let pitchX = imageWidth * magnification + separatorWidth
    let pitchY = imageHeight * magnification + separatorWidth
    let width = columns * pitchX + separatorWidth
    let height = rows * pitchY + separatorWidth
    var pixels = [UInt8](repeating: separatorLevel, count: width * height)
    for (index, image) in images.enumerated() {
      precondition(
        image.count == imageWidth * imageHeight,
        "picture \(index) has \(image.count) levels, "
          + "not \(imageWidth) × \(imageHeight)")
      let left = separatorWidth + index % columns * pitchX
      let top = separatorWidth + index / columns * pitchY
      for y in 0..<imageHeight * magnification {
        let source = y / magnification * imageWidth
        let target = (top + y) * width + left
        for x in 0..<imageWidth * magnification { pixels[target + x] = image[source + x / magnification] }
      }
    }
    return GreyImage(width: width, height: height, pixels: pixels)
  }

  /// Returns the smallest integer whose square is not below `count`.
  private func smallestRoot(of count: Int) -> Int {
    var root = 1
    while root * root < count { root += 1 }
    return root
  }
}
