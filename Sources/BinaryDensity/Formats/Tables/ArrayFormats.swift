/// Where the numbers of an array stand in its file, and how they make a table.
private struct ArrayLayout {
  let source: ByteSource
  let dimensions: [Int]
  let isFortranOrder: Bool
  /// The offset of the first number.
  let start: Int
  let rowCount: Int
  let columnCount: Int

  /// - Parameter shapeOffset: where in the file the sizes stand, for the error.
  init(
    source: ByteSource, dimensions: [Int], isFortranOrder: Bool, shapeOffset: Int, start: Int
  ) throws(DensityError) {
    guard let rowCount = dimensions.first, !dimensions.contains(0),
      let columnCount = checkedProduct(of: dimensions.dropFirst())
    else {
      throw source.malformed(
        at: shapeOffset, expected: "at least one row and one column", found: shapeText(dimensions))
    }
    self.source = source
    self.dimensions = dimensions
    self.isFortranOrder = isFortranOrder
    self.start = start
    self.rowCount = rowCount
    self.columnCount = columnCount
  }

  var imageShape: ImageShape? {
    dimensions.count == 3 ? ImageShape(height: dimensions[1], width: dimensions[2]) : nil
  }

  /// Returns the place in the file of each column's number in row 0, and the distance to the next row.
  func places() -> (columns: [Int], rowStride: Int) {
    guard isFortranOrder else { return (Array(0..<columnCount), columnCount) }
    // The strides of Fortran's order, first axis fastest, for columns counted with the last axis fastest.
    var columns = [0]
    var stride = rowCount
    for size in dimensions.dropFirst() {
      columns = columns.flatMap { base in (0..<size).map { base + $0 * stride } }
      stride *= size
    }
    return (columns, 1)
  }

  func bits<T: StoredScalar>(_ values: [T]) throws(DensityError) -> WholeTable {
    if let bad = values.firstIndex(where: { $0 != 0 && $0 != 1 }) {
      throw source.malformed(
        at: start + bad * MemoryLayout<T>.size, expected: "0 or 1", found: "\(values[bad])")
    }
    let (columns, rowStride) = places()
    let bits = BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
      values[$0 * rowStride + columns[$1]] == 1
    }
    return WholeTable(.bits(bits), imageShape: imageShape, dialect: "array")
  }

  func bitsOrGreyLevels(_ values: [UInt8]) throws(DensityError) -> WholeTable {
    guard values.contains(where: { $0 > 1 }) else { return try bits(values) }
    let (columns, rowStride) = places()
    let levels =
      isFortranOrder
      ? (0..<rowCount).flatMap { row in columns.map { values[row * rowStride + $0] } } : values
    let grey = GreyLevels(
      rowCount: rowCount, columnCount: columnCount, levels: levels, imageShape: imageShape)
    return WholeTable(.greyLevels(grey), imageShape: imageShape, dialect: "array")
  }
}

/// IDX, in which MNIST is distributed.
struct IDXFormat: TableFormat {
  let name = "idx"
  let summary = "IDX, in which MNIST is distributed"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { start.starts(with: [0, 0]) }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let reader = try Self.read(from: source)
    return try reader.selecting(options)
  }

  private static func read(from source: ByteSource) throws(DensityError) -> WholeTable {
    let array = try IDXArray.read(from: source)
    let layout = try ArrayLayout(
      source: source, dimensions: array.dimensions, isFortranOrder: false, shapeOffset: 3,
      start: 4 + 4 * array.dimensions.count)
    switch array.elements {
    case .uint8(let values): return try layout.bitsOrGreyLevels(values)
    case .int8(let values): return try layout.bits(values)
    case .int16(let values): return try layout.bits(values)
    case .int32(let values): return try layout.bits(values)
    case .float32(let values): return try layout.bits(values)
    case .float64(let values): return try layout.bits(values)
    }
  }

}

/// NumPy's array file.
struct NPYFormat: TableFormat {
  let name = "npy"
  let summary = "NumPy's array file"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { start.first == NPYHeader.magic.first }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let reader = try Self.read(from: source)
    return try reader.selecting(options)
  }

  private static func read(from source: ByteSource) throws(DensityError) -> WholeTable {
    let header = try NPYHeader.read(from: source)
    let shape = shapeText(header.dimensions)
    guard let byteCount = checkedProduct(of: header.dimensions + [header.type.size]) else {
      throw source.malformed(at: 8, expected: "sizes whose product fits 63 bits", found: shape)
    }
    let layout = try ArrayLayout(
      source: source, dimensions: header.dimensions, isFortranOrder: header.isFortranOrder,
      shapeOffset: 8, start: source.offset)
    func take<T: StoredScalar>(_: T.Type) throws(DensityError) -> [T] {
      let numbers = try source.takeNumbers(
        T.self, count: byteCount / header.type.size, order: header.order,
        of: "\(byteCount) bytes of elements (\(shape))")
      try source.expectEnd()
      return numbers
    }
    switch header.type {
    case .bool: return try layout.bits(take(UInt8.self))
    case .uint8: return try layout.bitsOrGreyLevels(take(UInt8.self))
    case .uint16: return try layout.bits(take(UInt16.self))
    case .uint32: return try layout.bits(take(UInt32.self))
    case .uint64: return try layout.bits(take(UInt64.self))
    case .int8: return try layout.bits(take(Int8.self))
    case .int16: return try layout.bits(take(Int16.self))
    case .int32: return try layout.bits(take(Int32.self))
    case .int64: return try layout.bits(take(Int64.self))
    case .float32: return try layout.bits(take(Float.self))
    case .float64: return try layout.bits(take(Double.self))
    }
  }
}

/// A table that was read whole.
final class WholeTable: TableReader {
  let layout: TableLayout
  private let contents: DataTable.Contents

  init(_ contents: DataTable.Contents, imageShape: ImageShape?, dialect: String) {
    self.contents = contents
    let columnCount =
      switch contents {
      case .bits(let bits): bits.columnCount
      case .partial(let rows): rows.columnCount
      case .greyLevels(let grey): grey.columnCount
      }
    layout = TableLayout(columnCount: columnCount, imageShape: imageShape, dialect: dialect)
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var block = TableBlock(columnCount: layout.columnCount)
    switch contents {
    case .bits(let bits):
      (block.rowCount, block.words) = (bits.rowCount, bits.words)
    case .partial(let rows):
      (block.rowCount, block.words, block.known) = (rows.rowCount, rows.values.words, rows.known.words)
    case .greyLevels(let grey):
      (block.rowCount, block.levels) = (grey.rowCount, grey.levels)
    }
    return try body(block)
  }
}
