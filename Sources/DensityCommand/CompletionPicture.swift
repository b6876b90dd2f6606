import BinaryDensity

/// A picture of rows before and after their completion: what they were, what was seen of them, and what they became.
///
/// Pictures stand side by side, each above its completions, and rows that are none below each other; what is unknown is
/// grey.
struct CompletionPicture {
  private let imageShape: ImageShape?
  private let columnCount: Int
  private let names: [String]?
  private let hasOriginals: Bool
  /// For each row, its pictures from the top down.
  private var stacks: [[[UInt8]]] = []

  /// - Parameters:
  ///   - imageShape: the picture that a row is, if it is one.
  ///   - names: the columns' names, if they have any.
  ///   - hasOriginals: whether rows were whole before some cells were hidden.
  init(imageShape: ImageShape?, columnCount: Int, names: [String]? = nil, hasOriginals: Bool) {
    (self.imageShape, self.columnCount, self.names) = (imageShape, columnCount, names)
    self.hasOriginals = hasOriginals
  }

  /// How many pictures there are.
  var imageCount: Int { stacks.reduce(0) { $0 + $1.count } }

  /// Adds a row.
  ///
  /// - Parameters:
  ///   - original: the row before cells were hidden.
  ///   - seen: the row as it was completed; nil where it is unknown.
  ///   - completions: probabilities of being on, of which 0 and 1 are bits.
  mutating func add(original: [Bool?], seen: [Bool?], completions: [[Float]]) {
    func levels(_ row: [Bool?]) -> [UInt8] { row.map { $0.map { $0 ? 255 : 0 } ?? Self.unknownLevel } }
    let completed = completions.map { $0.map { Self.level(Double($0)) } }
    stacks.append((hasOriginals ? [levels(original)] : []) + [levels(seen)] + completed)
  }

  /// Adds pictures that stand above each other, of shares of white from 0 to 1, as many as of every row.
  mutating func add(stack: [[Double]]) { stacks.append(stack.map { $0.map(Self.level) }) }

  private static func level(_ share: Double) -> UInt8 { UInt8(min(max(share, 0), 1) * 255 + 0.5) }

  /// Returns the picture.
  ///
  /// - Parameters:
  ///   - across: how many pictures stand side by side, nil for at most twenty; or blocks of rows, nil for about a square.
  ///   - magnification: the side of the square that a cell becomes, in pixels; nil for 2, or what has room for names.
  /// - Precondition: a row was added.
  func image(across: Int?, magnification: Int?) -> GreyImage {
    guard let imageShape else {
      // What is on is ink there, and light in a picture.
      return grid(across: across, magnification: magnification).picture(
        of: stacks.joined().map { $0.map { 255 - $0 } })
    }
    let count = min(across ?? 20, stacks.count)
    let layout = ImageGrid(
      imageWidth: imageShape.width, imageHeight: imageShape.height, columnCount: count,
      magnification: magnification ?? 2)
    let blank = [UInt8](repeating: layout.separatorLevel, count: imageShape.pixelCount)
    var images: [[UInt8]] = []
    for first in stride(from: 0, to: stacks.count, by: count) {
      for line in stacks[0].indices {
        for index in first..<first + count {
          images.append(index < stacks.count ? stacks[index][line] : blank)
        }
      }
    }
    return layout.picture(of: images)
  }

  /// Returns how many pixels the picture has.
  ///
  /// - Precondition: a row was added.
  func pixelCount(across: Int?, magnification: Int?) -> Double {
    guard let imageShape else {
      return grid(across: across, magnification: magnification).pixelCount(rowCount: imageCount)
    }
    return Double(imageCount) * pixelCountOfPicture(imageShape, magnification: magnification)
  }

  /// The layout of rows that are no pictures.
  private func grid(across: Int?, magnification: Int?) -> TableGrid {
    var grid = TableGrid(
      columnCount: columnCount, names: names, blockCount: across, cellSide: magnification)
    grid.groupLength = stacks[0].count
    return grid
  }

  private static let unknownLevel: UInt8 = 128
}
