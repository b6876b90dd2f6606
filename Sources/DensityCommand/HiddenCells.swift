import Arguments
import BinaryDensity
import Kernels

/// Which cells of rows are hidden, to see them completed.
enum HiddenCells {
  /// The lower half of a picture, or the last half of the columns.
  case lowerHalf
  /// Half of each row's cells, drawn anew for each.
  case randomHalf
  /// A square in the middle of a picture, half as high as the picture's shorter side.
  case square
  /// Some columns.
  case columns([Int])

  /// Reads the option `--hide`.
  ///
  /// - Throws: `DensityError.invalidConfiguration` for a column that is not there, or has a value.
  init(_ text: String, _ vocabulary: QueryVocabulary) throws(DensityError) {
    switch text {
    case "lower-half": self = .lowerHalf
    case "random-half": self = .randomHalf
    case "square": self = .square
    default:
      let list = try CellList(text, vocabulary, option: "--hide")
      guard list.columns.count == list.cells.count else {
        throw .invalidConfiguration(
          "--hide \(text): expected lower-half, random-half, square, or columns divided by commas, found a value"
        )
      }
      self = .columns(list.columns)
    }
  }

  /// Returns rows of which these cells are unknown too.
  ///
  /// - Parameters:
  ///   - rows: what is known.
  ///   - firstRow: the index of the first in its table; with the seed it decides what is drawn.
  ///   - imageShape: the picture that a row is, if it is one.
  /// - Throws: `UsageError` for a square where rows are no pictures.
  func hiding(
    in rows: PartialRows, firstRow: Int, imageShape: ImageShape?, seed: UInt64
  ) throws(DensityError) -> PartialRows {
    let count = rows.columnCount
    var known = rows.known
    for row in 0..<rows.rowCount {
      for column in try columns(count, row: firstRow + row, imageShape, seed) { known[row, column] = false }
    }
    return PartialRows(values: rows.values, known: known)
  }

  private func columns(
    _ count: Int, row: Int, _ imageShape: ImageShape?, _ seed: UInt64
  ) throws(DensityError) -> [Int] {
    switch self {
    case .columns(let columns): return columns
    case .lowerHalf:
      return Array((imageShape.map { $0.height / 2 * $0.width } ?? count / 2)..<count)
    case .randomHalf:
      var generator = Philox(seed: seed, stream: .hiddenCells, index: UInt64(row))
      return Array(generator.permutation(of: count).prefix(count / 2))
    case .square:
      guard let imageShape else {
        throw .invalidConfiguration(
          "--hide square: rows are no pictures of known height and width (--image HxW)")
      }
      let side = max(1, min(imageShape.height, imageShape.width) / 2)
      let (top, left) = ((imageShape.height - side) / 2, (imageShape.width - side) / 2)
      return (top..<top + side).flatMap { y in (left..<left + side).map { y * imageShape.width + $0 } }
    }
  }
}
