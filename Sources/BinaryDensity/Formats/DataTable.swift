/// A table read from a file: bits, or grey levels that are still to be made bits.
///
/// The format is told by the contents: IDX, NPY, or else text. Each may be plain or gzip.
///
/// - IDX and NPY: the first axis runs over the rows, the others are flattened into columns. Every number must
///   be 0 or 1; only unsigned bytes may go beyond 1, and then the table is one of grey levels. An array of
///   pictures, rows × height × width, keeps its image shape.
/// - Text: a row a line; columns separated by commas, semicolons, tabs or spaces; values 0 and 1, also
///   written as decimals (`1.0`, `0.000e+00`) or in double quotes. The first line may name the columns; blank
///   lines do not count.
public struct DataTable: Hashable, Sendable {
  /// What the table holds.
  public enum Contents: Hashable, Sendable {
    case bits(BinaryMatrix)
    case greyLevels(GreyLevels)
  }

  /// The file it was read from.
  public let path: String
  /// What it holds.
  public let contents: Contents
  /// The height and width of the picture a row is, if the file says so.
  public let imageShape: ImageShape?

  /// The number of rows, at least one.
  public var rowCount: Int {
    switch contents {
    case .bits(let bits): bits.rowCount
    case .greyLevels(let grey): grey.rowCount
    }
  }

  /// The number of columns, at least one.
  public var columnCount: Int {
    switch contents {
    case .bits(let bits): bits.columnCount
    case .greyLevels(let grey): grey.columnCount
    }
  }

  /// The grey levels, if the table holds any.
  public var greyLevels: GreyLevels? {
    if case .greyLevels(let grey) = contents { grey } else { nil }
  }

  /// Returns the rows as bits, binarizing grey levels by the fixed draw; rows that are bits are as they are.
  ///
  /// - Parameters:
  ///   - binarization: how grey levels become bits.
  ///   - split: which split the file is; it selects the stream of a stochastic draw.
  public func rows(_ binarization: Binarization = .standard, split: DataSplit) -> BinaryMatrix {
    switch contents {
    case .bits(let bits): bits
    case .greyLevels(let grey): grey.binarized(binarization, split: split)
    }
  }

  /// Reads a table; `-` is the standard input.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for every way a file can break its
  ///   format, for a value that is neither 0 nor 1, rows of different lengths, and a table without rows or
  ///   columns.
  public static func read(_ path: String) throws(DensityError) -> DataTable {
    let source = try ByteSource(path: path)
    let start = try source.peek(6)
    if start.isEmpty {
      throw source.malformed(expected: "a table of 0 and 1", found: "an empty file")
    }
    if start.starts(with: [0, 0]) { return try readIDX(from: source) }
    if start.first == NPYHeader.magic.first { return try readNPY(from: source) }
    return DataTable(path: source.path, contents: .bits(try readText(from: source)), imageShape: nil)
  }
}

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

  func bits<T: StoredScalar>(_ values: [T]) throws(DensityError) -> DataTable {
    if let bad = values.firstIndex(where: { $0 != 0 && $0 != 1 }) {
      throw source.malformed(
        at: start + bad * MemoryLayout<T>.size, expected: "0 or 1", found: "\(values[bad])")
    }
    let (columns, rowStride) = places()
    let bits = BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
      values[$0 * rowStride + columns[$1]] == 1
    }
    return DataTable(path: source.path, contents: .bits(bits), imageShape: imageShape)
  }

  func bitsOrGreyLevels(_ values: [UInt8]) throws(DensityError) -> DataTable {
    guard values.contains(where: { $0 > 1 }) else { return try bits(values) }
    let (columns, rowStride) = places()
    let levels =
      isFortranOrder
      ? (0..<rowCount).flatMap { row in columns.map { values[row * rowStride + $0] } } : values
    let grey = GreyLevels(
      rowCount: rowCount, columnCount: columnCount, levels: levels, imageShape: imageShape)
    return DataTable(path: source.path, contents: .greyLevels(grey), imageShape: imageShape)
  }
}

extension DataTable {
  private static func readIDX(from source: ByteSource) throws(DensityError) -> DataTable {
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

  private static func readNPY(from source: ByteSource) throws(DensityError) -> DataTable {
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
