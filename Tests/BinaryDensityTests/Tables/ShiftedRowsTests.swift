import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Pictures moved by a pixel")
struct ShiftedRowsTests {
  private static let moves = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]

  /// A row moved pixel by pixel.
  private static func moved(_ row: [Bool], _ place: PicturePlace, down: Int, right: Int) -> [Bool] {
    let (height, width, first) = (place.shape.height, place.shape.width, place.firstColumn)
    return row.indices.map { column in
      guard column >= first else { return row[column] }
      let y = (column - first) / width - down
      let x = (column - first) % width - right
      return (0..<height).contains(y) && (0..<width).contains(x) && row[first + y * width + x]
    }
  }

  private static func moved(_ rows: BinaryMatrix, by shift: PixelShift) -> BinaryMatrix {
    var words = rows.words
    for row in 0..<rows.rowCount { shift.apply(to: &words, at: row * rows.wordsPerRow) }
    // Making a table of them checks that no bit beyond the last column is on.
    return BinaryMatrix(rowCount: rows.rowCount, columnCount: rows.columnCount, words: words)
  }

  @Test("a picture of three lines, moved down and to the right")
  func example() {
    let place = PicturePlace(shape: ImageShape(height: 3, width: 3))
    let rows = BinaryMatrix([[1, 0, 1, 0, 1, 0, 1, 1, 1]])
    #expect(
      Self.moved(rows, by: PixelShift(down: 1, right: 1, of: place))
        == BinaryMatrix([[0, 0, 0, 0, 1, 0, 0, 0, 1]]))
    #expect(
      Self.moved(rows, by: PixelShift(down: 0, right: -1, of: place))
        == BinaryMatrix([[0, 1, 0, 1, 0, 0, 1, 1, 0]]))
    #expect(
      Self.moved(rows, by: PixelShift(down: -1, right: 0, of: place))
        == BinaryMatrix([[0, 1, 0, 1, 1, 1, 0, 0, 0]]))
  }

  @Test(
    "words are moved as pixels are, and what stands before the picture stays",
    arguments: [(1, 1), (1, 9), (9, 1), (3, 5), (8, 8), (28, 28), (2, 64), (3, 63), (3, 65), (2, 130)],
    [0, 1, 10, 63, 64, 70])
  func words(size: (height: Int, width: Int), firstColumn: Int) {
    let place = PicturePlace(
      shape: ImageShape(height: size.height, width: size.width), firstColumn: firstColumn)
    let rows = RowSourceTests.rows(8, firstColumn + place.shape.pixelCount, seed: 5)
    for (shift, (down, right)) in zip(PixelShift.all(of: place), Self.moves) {
      let expected = BinaryMatrix(
        (0..<8).map { Self.moved(rows[row: $0], place, down: down, right: right) })
      #expect(Self.moved(rows, by: shift) == expected, "down \(down), right \(right)")
    }
  }

  private static let shape = ImageShape(height: 7, width: 10)
  private static let place = PicturePlace(shape: shape)

  @Test("the wanted share is moved, to all eight places, in each epoch another", arguments: [0.4, 1])
  func share(_ share: Double) throws {
    let rows = BinaryMatrix.random(2000, 70, probability: 0.5, seed: 1)
    let source = ShiftedRows(rows, picture: Self.place, share: share, seed: 3)
    #expect(source.checksum == rows.checksum)
    #expect(try BinaryMatrix(source) == rows)
    let shifts = PixelShift.all(of: Self.place).map { Self.moved(rows, by: $0) }
    var epochs: [BinaryMatrix] = []
    for epoch in 0..<3 {
      let found = try BinaryMatrix(source.rows(inPass: epoch))
      var counts = [Int](repeating: 0, count: 9)
      for row in 0..<2000 {
        let place = ([rows] + shifts).firstIndex { $0[row: row] == found[row: row] }
        counts[try #require(place)] += 1
      }
      // Within four standard deviations of the binomials.
      let (stays, each) = (2000 * (1 - share), 2000 * share / 8)
      #expect(abs(Double(counts[0]) - stays) <= 4 * (stays * share).squareRoot())
      for count in counts.dropFirst() { #expect(abs(Double(count) - each) < 4 * each.squareRoot()) }
      epochs.append(found)
    }
    #expect(Set(epochs).count == 3)
    let again = ShiftedRows(rows, picture: Self.place, share: share, seed: 3)
    #expect(try BinaryMatrix(again.rows(inPass: 1)) == epochs[1])
    let other = ShiftedRows(rows, picture: Self.place, share: share, seed: 4)
    #expect(try BinaryMatrix(other.rows(inPass: 1)) != epochs[1])
  }

  @Test("a row moves by its place in the source, however it is asked for, and whatever the source")
  func sources() throws {
    let grey = BinarizationTests.noise(rowCount: 60, columnCount: 70, seed: 1)
    let fixed = grey.binarized(.standard, split: .train)
    let wanted = [59, 0, 17, 17, 3]
    func check(_ base: any RowSource, of epochRows: BinaryMatrix) throws {
      let rows = ShiftedRows(base, picture: Self.place, share: 0.7, seed: 3).rows(inPass: 2)
      let expected = try BinaryMatrix(
        ShiftedRows(epochRows, picture: Self.place, share: 0.7, seed: 3).rows(inPass: 2))
      #expect(expected != epochRows)
      #expect(try rows.bits(ofRows: wanted) == expected.selecting(wanted))
      #expect(try rows.bits(ofRows: []) == expected.rows(0..<0))
      for order in RowSourceTests.orders(70, seed: 4) {
        let batch = RowBatch<Float>(capacity: 5, columnCount: 70, columnOrder: order)
        try rows.gather(wanted, into: batch)
        RowSourceTests.expect(batch, holds: wanted, of: expected, "\(type(of: base))")
      }
      for length in [1, 7, 100] {
        var blocks: [BinaryMatrix] = []
        try rows.forEachBlock(of: length) {
          blocks.append($0); return true
        }
        #expect(BinaryMatrix(concatenating: blocks, columnCount: 70) == expected)
      }
    }
    try check(fixed, of: fixed)
    try check(OtherRows(table: fixed), of: fixed)
    try check(DynamicBinarization(grey, fixed: fixed, seed: 9), of: grey.redrawn(seed: 9, epoch: 2))
    let error = DensityError.missingFile(path: "rows")
    let failing = ShiftedRows(
      OtherRows(table: fixed, error: error), picture: Self.place, share: 1, seed: 0)
    #expect(throws: error) { try failing.rows(inPass: 0).bits(ofRows: [1]) }
  }
}
