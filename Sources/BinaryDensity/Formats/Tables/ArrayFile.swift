/// The numbers of an array, which are still to be read, and what they are to be taken for.
struct ArrayFile {
  let source: ByteSource
  let shape: ArrayShape
  let type: NPYHeader.ElementType
  let order: ByteOrder
  let rule: CellRule
  /// Whether bytes above 1 are grey levels.
  let allowsGrey: Bool
  /// What the array is, for errors.
  private let whole: String
  /// Whether room for all can be reserved.
  private let isCredible: Bool

  /// - Throws: `malformed` for an array that is longer than the file can be; `invalidConfiguration` for words for off and
  ///   on that are no numbers.
  init(
    _ source: ByteSource, _ shape: ArrayShape, _ type: NPYHeader.ElementType, _ order: ByteOrder,
    _ options: TableOptions
  ) throws(DensityError) {
    (self.source, self.shape, self.type, self.order) = (source, shape, type, order)
    rule = try CellRule(options)
    let isPicture = shape.imageShape != nil || options.binarization != nil
    allowsGrey =
      type == .uint8 && rule.isStandard && isPicture && shape.dimensions.count > 1 && !shape.isColour
    let count = shape.rowCount * shape.columnCount * type.size
    whole = "\(count) bytes of elements (\(shapeText(shape.dimensions)))"
    let packed = shape.rowCount.multipliedReportingOverflow(by: (shape.columnCount + 63) / 64 * 8)
    isCredible = !packed.overflow && packed.partialValue <= ScratchMemory.physicalMemory / 2
    if let bound = source.bound, count > bound { throw endsEarly }
  }

  /// Tells how much of the table has been handed over, where that is known better than by the place in the file.
  func tell(rowsDone: Int) {
    if isCredible { source.fraction = Double(rowsDone) / Double(shape.rowCount) }
  }

  /// The error of a file with fewer numbers.
  var endsEarly: DensityError { source.endsEarly(expected: whole) }

  /// The error of a number that means nothing, with a guess at what it is.
  ///
  /// - Parameter rest: the number and some that follow it.
  func refusal(_ rest: UnsafeRawBufferPointer, row: Int, column: Int) -> DensityError {
    guard let base = rest.baseAddress else { return endsEarly }
    let value = type.text(base, order)
    let following = (0..<min(4096, rest.count / type.size)).compactMap {
      Double(type.text(base + $0 * type.size, order))
    }
    let guess = guess(following, value)
    return .malformed(
      path: source.path, at: .cell(row: row, column: column, name: nil), expected: rule.expected,
      found: guess.map { "\(value) (\($0))" } ?? value)
  }

  private func guess(_ numbers: [Double], _ value: String) -> String? {
    guard let first = numbers.first, first.isFinite else { return nil }
    if shape.dimensions.count == 1 {
      return "a file of labels, not of rows? The array has one axis"
    }
    if shape.isColour { return "pictures in colour? Make them grey, one channel a pixel" }
    let strange = Set(numbers.filter { $0 != 0 && $0 != 1 })
    if strange.count == 1, first < 0, !numbers.contains(0) { return "off and on? --values \(value),1" }
    if strange.count == 1, first == 255, !numbers.contains(1) { return "off and on? --values 0,255" }
    if first > 0, first < 1 { return "a probability, or grey? Decide first what is on, as x > 0.5" }
    guard type == .uint8 else {
      return strange.count == 1 ? "a code for a missing cell? --missing \(value)" : nil
    }
    if strange.count > 8 {
      return "grey levels? --binarize; bits packed eight to a byte? Unpack them, np.unpackbits"
    }
    return strange.count == 1 ? "a code for a missing cell? --missing \(value)" : "counts? Decide what is on"
  }
}

extension TableLayout {
  /// The layout of an array in a format of the given name.
  init(_ array: ArrayFile, format: String) {
    self.init(
      columnCount: array.shape.columnCount, rowCount: array.shape.rowCount,
      imageShape: array.shape.imageShape, dialect: array.shape.dialect(format, of: array.type))
  }
}
