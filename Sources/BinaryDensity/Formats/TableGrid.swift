/// A layout of rows that are no pictures as one: a square a cell, and the columns' names above them.
///
/// The rows stand below each other, in as many blocks side by side as make the whole about square.
///
///     let grid = TableGrid(columnCount: 17, names: table.columnNames)
///     try grid.picture(of: rows).writePNG(to: "votes.png")
public struct TableGrid: Equatable, Sendable {
  /// What stands above each column.
  public var labels: [String]
  /// What stands beside each row, if anything does; then there is one block.
  public var rowLabels: [String]?
  /// The side of a cell's square, in pixels.
  ///
  /// Where it is too small for a label above each column, some have one.
  public var cellSide: Int
  /// How many blocks of rows stand side by side; nil for as many as make a picture that is a little wider than high.
  public var blockCount: Int?
  /// How many rows belong together: there is a space between them and the next, and a block has all or none of them.
  public var groupLength = 1

  /// Creates a layout.
  ///
  /// - Parameters:
  ///   - columnCount: how many cells a row has.
  ///   - names: the columns' names; nil for their numbers from 1.
  ///   - blockCount: how many blocks of rows stand side by side; nil for about a square.
  ///   - cellSide: the side of a cell's square, in pixels; nil for one that labels fit above, or less of more than 128 columns.
  /// - Precondition: there is at least one column, a name for each, and what is given is positive.
  public init(columnCount: Int, names: [String]? = nil, blockCount: Int? = nil, cellSide: Int? = nil) {
    precondition(columnCount > 0 && names.map { $0.count == columnCount } ?? true, "each column has a name")
    precondition(cellSide.map { $0 > 0 } ?? true && blockCount.map { $0 > 0 } ?? true)
    labels = (1...columnCount).map { number in
      // Of a name without any letter that can be drawn there would be boxes alone.
      names.map { $0[number - 1] }.flatMap { BitmapFont.canDraw($0) ? $0 : nil } ?? "\(number)"
    }
    self.blockCount = blockCount
    self.cellSide = cellSide ?? (columnCount <= 128 ? 10 : max(2, 1280 / columnCount))
  }

  // MARK: Pictures

  private static let (paper, ink, line): (UInt8, UInt8, UInt8) = (255, 0, 208)
  private static let margin = 4
  /// Labels of more letters are cut off.
  private static let longestLabel = 24

  /// Returns rows of bits as a picture, dark where a bit is on.
  ///
  /// - Precondition: there is at least one row, and it has `labels.count` columns.
  /// - Complexity: O(pixels of the result).
  public func picture(of rows: BinaryMatrix) -> GreyImage {
    picture(of: (0..<rows.rowCount).map { row in rows[row: row].map { $0 ? Self.ink : Self.paper } })
  }

  /// Returns rows of grey levels as a picture.
  ///
  /// - Precondition: there is at least one row, each has `labels.count` levels, and each has a label if any has.
  /// - Complexity: O(pixels of the result).
  public func picture(of rows: [[UInt8]]) -> GreyImage {
    precondition(
      !rows.isEmpty && rows.allSatisfy { $0.count == labels.count }
        && rowLabels.map { $0.count == rows.count } ?? true, "rows of \(labels.count) cells")
    let layout = layout(rowCount: rows.count)
    let width = layout.width
    let top = Self.margin + layout.labelHeight
    var pixels = [UInt8](repeating: Self.paper, count: width * layout.height)
    for block in 0..<layout.blockCount where block * layout.rowsPerBlock < rows.count {
      let left = Self.margin + layout.rowLabelWidth + block * (labels.count * cellSide + gap)
      for column in labelledColumns {
        draw(labels[column], upwards: true, into: &pixels, width, left + column * cellSide, top - 3)
      }
      for place in 0..<min(layout.rowsPerBlock, rows.count - block * layout.rowsPerBlock) {
        let top = top + height(ofRows: place)
        draw(rows[block * layout.rowsPerBlock + place], into: &pixels, width, left: left, top: top)
        if let rowLabels { draw(rowLabels[place], upwards: false, into: &pixels, width, Self.margin, top) }
      }
    }
    return GreyImage(width: width, height: layout.height, pixels: pixels)
  }

  /// Returns how many pixels a picture of so many rows has.
  ///
  /// - Precondition: there is at least one row.
  public func pixelCount(rowCount: Int) -> Double {
    let layout = layout(rowCount: rowCount)
    return Double(layout.width) * Double(layout.height)
  }

  // MARK: Layout

  /// The pixels between blocks, and between rows that do not belong together.
  private var gap: Int { max(8, 2 * cellSide) }

  /// How high some rows are, and the spaces before them.
  private func height(ofRows count: Int) -> Int {
    count * cellSide + (groupLength > 1 ? count / groupLength * max(2, cellSide / 2) : 0)
  }

  private struct Layout {
    let blockCount: Int
    let rowsPerBlock: Int
    /// The pixels that the labels above the columns take, and those beside the rows.
    let labelHeight: Int
    let rowLabelWidth: Int
    let width: Int
    let height: Int
  }

  private func layout(rowCount: Int) -> Layout {
    let groupCount = (rowCount + groupLength - 1) / groupLength
    let labelHeight = room(for: labelledColumns.lazy.map { labels[$0] })
    let rowLabelWidth = rowLabels.map { room(for: $0) } ?? 0
    func layout(_ blocks: Int) -> Layout {
      let rowsPerBlock = (groupCount + blocks - 1) / blocks * groupLength
      return Layout(
        blockCount: blocks, rowsPerBlock: rowsPerBlock, labelHeight: labelHeight,
        rowLabelWidth: rowLabelWidth,
        width: 2 * Self.margin + rowLabelWidth + blocks * labels.count * cellSide + (blocks - 1) * gap,
        height: 2 * Self.margin + labelHeight + height(ofRows: min(rowsPerBlock, rowCount)))
    }
    if let blockCount = rowLabels == nil ? blockCount : 1 { return layout(min(blockCount, groupCount)) }
    var best = layout(1)
    for blocks in 1...groupCount {
      let next = layout(blocks)
      // One block more is taken as long as that does not make the picture wider than four thirds of its height.
      if 3 * next.width > 4 * next.height { break }
      best = next
    }
    return best
  }

  // MARK: Cells

  private func draw(_ row: [UInt8], into pixels: inout [UInt8], _ width: Int, left: Int, top: Int) {
    // Small squares touch each other; between larger ones there is a line.
    let filled = cellSide < 4 ? cellSide : cellSide - 1
    for y in 0..<cellSide {
      for (column, level) in row.enumerated() {
        let start = (top + y) * width + left + column * cellSide
        for x in 0..<cellSide { pixels[start + x] = x < filled && y < filled ? level : Self.line }
      }
    }
  }

  // MARK: Labels

  /// Dots are so many pixels wide and high.
  private var dotSide: Int { max(1, cellSide / (BitmapFont.height + 1)) }

  /// The first column, and each whose number is a multiple of this, has a label.
  private var labelStep: Int { [1, 2, 5].first { $0 * cellSide >= BitmapFont.height } ?? 10 }

  private var labelledColumns: [Int] {
    let step = labelStep
    return labels.indices.filter { $0 == 0 && step < 10 || ($0 + 1).isMultiple(of: step) }
  }

  /// Returns what is drawn of a label.
  private func drawn(_ label: String) -> String {
    label.count <= Self.longestLabel ? label : label.prefix(Self.longestLabel - 2) + ".."
  }

  /// The pixels from the first letter of the longest of some labels to the cells.
  private func room(for labels: some Sequence<String>) -> Int {
    let longest = labels.reduce(0) { max($0, drawn($1).count) }
    return longest == 0 ? 0 : longest * BitmapFont.advance * dotSide + 2
  }

  /// Draws a label from a point on, from left to right, or from below upwards.
  private func draw(
    _ label: String, upwards: Bool, into pixels: inout [UInt8], _ width: Int, _ left: Int, _ top: Int
  ) {
    let inset = max(0, cellSide - BitmapFont.height * dotSide) / 2
    BitmapFont.forEachDot(of: drawn(label)) { x, y in
      for dy in 0..<dotSide {
        for dx in 0..<dotSide {
          let (along, across) = (x * dotSide + dx, y * dotSide + dy + inset)
          let (px, py) = upwards ? (left + across, top - along) : (left + along, top + across)
          if px < width { pixels[py * width + px] = Self.ink }
        }
      }
    }
  }
}
