/// Writes rows in a format as they come, to a file or wherever its bytes are taken.
///
/// It is made by `TableFile.writing`, or for another destination by its own initialiser; then `finish` is to be called.
///
/// A missing cell is written as nothing in CSV (`NA` in a table of one column) and as NaN in NPY, and packed files say which
/// cells are known; other formats refuse it.
public final class TableWriter {
  /// What is known of a table before its rows come.
  public struct Shape: Sendable {
    /// The number of columns.
    public var columnCount: Int
    /// The names of the columns; CSV has them in its first line.
    public var names: [String]?
    /// The words that CSV has for off and on; nil for 0 and 1.
    public var values: TableOptions.Values?
    /// The height and width of the picture a row is, if it is one.
    public var imageShape: ImageShape?
    /// The number of rows if it is known: IDX, NPY and packed files, which begin with it, otherwise let the rows wait for the last, packed,
    /// in bounded memory and then in a file without a name.
    public var rowCount: Int?

    /// Creates the description of a table.
    ///
    /// - Precondition: as many names as columns, and a picture of as many pixels.
    public init(columnCount: Int, names: [String]? = nil, imageShape: ImageShape? = nil, rowCount: Int? = nil)
    {
      precondition(columnCount >= 0, "a table cannot have \(columnCount) columns")
      precondition(
        names.map { $0.count == columnCount } ?? true, "\(names?.count ?? 0) names of \(columnCount) columns")
      precondition(
        imageShape.map { $0.pixelCount == columnCount } ?? true,
        "a row of \(columnCount) columns is not a picture of \(String(describing: imageShape))")
      self.columnCount = columnCount
      self.names = names
      self.imageShape = imageShape
      self.rowCount = rowCount
    }
  }

  /// How many rows were written.
  public private(set) var rowCount = 0
  private let format: TableFile.Format
  private let encoder: RowEncoder
  /// Writes a packed file, once it has begun.
  private var packed: PackedEncoder?
  private let shape: Shape
  private let path: String
  private var output: OutputBuffer
  /// Rows that wait for their number to be known.
  private var held: HeldRows?

  /// Begins a table.
  ///
  /// - Parameters:
  ///   - format: how rows become bytes.
  ///   - shape: what is known of the table.
  ///   - path: the destination, as errors name it.
  ///   - isCompressed: whether to write gzip: a member for every four mebibytes.
  ///   - sink: takes the bytes in their order, and returns whether more are wanted.
  /// - Precondition: PBM needs pictures.
  public init(
    _ format: TableFile.Format, _ shape: Shape, path: String = "standard output", isCompressed: Bool = false,
    to sink: @escaping ([UInt8]) throws(DensityError) -> Bool
  ) {
    precondition(format != .pbm || shape.imageShape != nil, "PBM needs the height and width of a picture")
    self.format = format
    self.shape = shape
    self.path = path
    output = OutputBuffer(isCompressed: isCompressed, to: sink)
    encoder = RowEncoder(format, shape)
    if format.beginsWithCount && shape.rowCount == nil {
      held = HeldRows(columnCount: shape.columnCount, for: path)
    } else {
      begin(rowCount: shape.rowCount ?? 0, hasMissing: false)
    }
  }

  private func begin(rowCount: Int, hasMissing: Bool) {
    if format == .packed {
      let encoder = PackedEncoder(shape, rowCount: rowCount, hasMissing: hasMissing)
      output.bytes = encoder.beginning
      packed = encoder
    } else {
      output.bytes = encoder.beginning(rowCount: rowCount, hasMissing: hasMissing)
    }
  }

  /// Writes rows.
  ///
  /// - Returns: whether more are wanted.
  /// - Precondition: rows of as many columns as were declared.
  /// - Throws: what taking the bytes throws.
  @discardableResult
  public func write(_ rows: BinaryMatrix) throws(DensityError) -> Bool {
    try rows.forEachPackedBlock { (_, block) throws(DensityError) in try write(block, known: nil) }
  }

  /// Writes rows of which some cells are missing.
  ///
  /// - Throws: `DensityError.unwritable` where the format cannot hold a missing cell; what taking the bytes throws.
  @discardableResult
  public func write(_ rows: PartialRows) throws(DensityError) -> Bool {
    let isWhole = rows.known.onBitCount == rows.rowCount * rows.columnCount
    return try write(rows.values, known: isWhole ? nil : rows.known)
  }

  /// Writes what is left.
  ///
  /// - Precondition: as many rows came as were declared, if a number was, unless no more were wanted.
  public func finish() throws(DensityError) {
    precondition(
      !output.goesOn || shape.rowCount.map { $0 == rowCount } ?? true,
      "\(rowCount) rows of \(shape.rowCount ?? 0)")
    if let all = held {
      held = nil
      begin(rowCount: rowCount, hasMissing: all.hasMissing)
      try all.forEachBlock { (rows, known) throws(DensityError) in
        // Where a cell is missing all rows are numbers of another kind.
        try encode(rows, known: all.hasMissing ? known ?? .ones(like: rows) : nil)
      }
      if packed != nil && all.hasMissing {
        packed?.beginKnown()
        try all.forEachBlock { (rows, known) throws(DensityError) in
          try pack(known ?? .ones(like: rows))
        }
      }
    }
    if let end = packed?.end() { output.bytes += end }
    // An empty file, too, is a gzip member.
    if !output.bytes.isEmpty || (output.isCompressed && rowCount == 0) { try flush() }
  }

  private func write(_ rows: BinaryMatrix, known: BinaryMatrix?) throws(DensityError) -> Bool {
    precondition(
      rows.columnCount == shape.columnCount, "\(rows.columnCount) columns of \(shape.columnCount)")
    if let known, !encoder.holdsMissing(isHeld: held != nil) {
      let cell = (0..<rows.rowCount).lazy.compactMap { row in
        (0..<rows.columnCount).first { !known[row, $0] }.map { (row, $0) }
      }.first
      throw .unwritable(
        path: path,
        reason:
          "row \(rowCount + (cell?.0 ?? 0) + 1), column \((cell?.1 ?? 0) + 1) is missing, which only CSV, "
          + "NPY and packed files can say")
    }
    rowCount += rows.rowCount
    if held != nil {
      try held?.add(rows, known: known)
      return true
    }
    try encode(rows, known: known)
    // Who reads what is written has whole rows at once.
    if !output.isCompressed { try flush() }
    return output.goesOn
  }

  private func pack(_ rows: BinaryMatrix) throws(DensityError) {
    let step = OutputBuffer.pieceLength / 8
    for start in stride(from: 0, to: rows.words.count, by: step) where output.goesOn {
      packed?.append(rows.words[start..<min(start + step, rows.words.count)], to: &output.bytes)
      try output.flushIfFull()
    }
  }

  private func encode(_ rows: BinaryMatrix, known: BinaryMatrix?) throws(DensityError) {
    if packed != nil {
      packed?.count(rows)
      return try pack(rows)
    }
    let step = max(1, OutputBuffer.pieceLength / max(1, 2 * rows.columnCount))
    for start in stride(from: 0, to: rows.rowCount, by: step) where output.goesOn {
      let range = start..<min(start + step, rows.rowCount)
      encoder.append(
        rows, known: known, range, isFirst: rowCount == rows.rowCount && start == 0, to: &output.bytes)
      try output.flushIfFull()
    }
  }

  /// Hands on what was written so far, rather than wait for more.
  ///
  /// - Throws: what taking the bytes throws.
  public func flush() throws(DensityError) { try output.flush() }
}

extension TableFile.Format {
  /// Whether the number of rows stands before them, so that rows wait until it is known.
  public var beginsWithCount: Bool { self == .idx || self == .npy || self == .packed }
}
