import Arguments
import BinaryDensity

/// Maps of surprise, −log p of each pixel: each below the picture that it is of, or of the means over rows.
struct SurprisePicture {
  private let imageShape: ImageShape
  private let isOfMeans: Bool
  private let magnification: Int
  /// The pictures and their maps; of means the sums.
  private var maps: [(shares: [Double], surprises: [Double])] = []
  private var rowCount = 0

  /// - Throws: `UsageError` if a row is no picture of known height and width.
  init(imageShape: ImageShape?, isOfMeans: Bool, magnification: Int) throws(UsageError) {
    guard let imageShape else {
      throw UsageError(
        "--picture: the rows are no pictures of known height and width; say --image 28x28, as it may be")
    }
    (self.imageShape, self.isOfMeans, self.magnification) = (imageShape, isOfMeans, magnification)
  }

  /// Adds rows.
  ///
  /// - Throws: `UsageError` if the picture would become too large.
  mutating func add(_ rows: BinaryMatrix, _ contributions: Contributions) throws(UsageError) {
    rowCount += rows.rowCount
    if !isOfMeans {
      // Until the scale is known a pixel takes as much memory as a few pixels of the picture.
      try checkPicture(
        rowCount: 2 * rowCount, columnCount: imageShape.pixelCount, imageShape,
        magnification: max(3, magnification))
    }
    for row in 0..<rows.rowCount {
      let shares = rows[row: row].map { $0 ? 1.0 : 0 }
      let surprises = contributions.values[row: row].map { -$0 }
      if isOfMeans, let sums = maps.first {
        maps[0] = (zip(sums.shares, shares).map(+), zip(sums.surprises, surprises).map(+))
      } else {
        maps.append((shares, surprises))
      }
    }
  }

  /// Returns the picture, and how many nats half grey and white stand for.
  ///
  /// White is what one pixel in two hundred of those that surprise by a hundredth of a nat exceeds, for a few would leave all
  /// others dark. The grey of a row's pixels goes with the square root, since most are small beside the largest; that of
  /// means, which are alike, with the surprise itself.
  /// - Precondition: a row was added.
  func image() -> (image: GreyImage, halfGrey: Double, white: Double) {
    let count = isOfMeans ? Double(rowCount) : 1
    let surprises = maps.flatMap(\.surprises).map { $0 / count }.filter { $0 > 0.01 }.sorted()
    let white = surprises.isEmpty ? 1 : min(surprises[surprises.count - 1 - surprises.count / 200], 20)
    var picture = CompletionPicture(
      imageShape: imageShape, columnCount: imageShape.pixelCount, hasOriginals: false)
    for (shares, surprises) in maps {
      let greys = surprises.map { max(0, $0) / count / white }
      picture.add(stack: [shares.map { $0 / count }, isOfMeans ? greys : greys.map { $0.squareRoot() }])
    }
    let image = picture.image(across: isOfMeans ? nil : 10, magnification: magnification)
    return (image, white / (isOfMeans ? 2 : 4), white)
  }
}
