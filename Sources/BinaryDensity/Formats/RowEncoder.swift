/// The bytes of rows in each format whose rows stand for themselves: all but packed files.
struct RowEncoder {
  private let format: TableFile.Format
  private let shape: TableWriter.Shape

  init(_ format: TableFile.Format, _ shape: TableWriter.Shape) {
    self.format = format
    self.shape = shape
  }

  /// Whether a missing cell can be written, if the rows wait until all are there or not.
  func holdsMissing(isHeld: Bool) -> Bool {
    format == .text || (format == .npy || format == .packed) && isHeld
  }

  /// Returns what stands before the rows.
  ///
  /// - Parameter hasMissing: whether there will be missing cells, for which NPY needs floats.
  func beginning(rowCount: Int, hasMissing: Bool) -> [UInt8] {
    let columns = shape.imageShape.map { [$0.height, $0.width] } ?? [shape.columnCount]
    let dimensions = [rowCount] + columns
    switch format {
    case .idx: return IDXArray.beginning(.uint8, dimensions)
    case .npy: return NPYHeader(type: hasMissing ? .float32 : .uint8, dimensions: dimensions).encoded
    case .text:
      guard let names = shape.names, !names.isEmpty else { return [] }
      return TableFile.csvLine(names)
    case .svmlight, .items, .pbm, .packed: return []
    }
  }

  /// Appends rows.
  ///
  /// - Parameters:
  ///   - known: which cells are not missing; nil if none is.
  ///   - isFirst: whether the first row of the range is the table's.
  func append(
    _ rows: BinaryMatrix, known: BinaryMatrix?, _ range: Range<Int>, isFirst: Bool, to bytes: inout [UInt8]
  ) {
    switch format {
    case .text:
      if known != nil || shape.values != nil { return appendText(rows, known, range, to: &bytes) }
      // A row of no columns is a blank line.
      guard rows.columnCount > 0 else { return bytes.append(contentsOf: range.map { _ in 0x0A }) }
      Self.expand(rows, range, tokenLength: 2, tokens: Self.textTokens, to: &bytes, lineEnd: 0x0A)
    case .idx, .npy:
      if let known { return appendFloats(rows, known, range, to: &bytes) }
      Self.expand(rows, range, tokenLength: 1, tokens: Self.byteTokens, to: &bytes, lineEnd: nil)
    case .svmlight:
      for row in range {
        bytes.append(0x30)
        for column in rows.onBits(ofRow: row) {
          bytes.append(0x20)
          Self.append(column + 1, to: &bytes)
          bytes.append(0x3A)
          bytes.append(0x31)
        }
        // The first row names the last column, so that the file says how many there are.
        if isFirst, row == range.lowerBound, let last = (0..<rows.columnCount).last, !rows[row, last] {
          bytes += Array(" \(last + 1):0".utf8)
        }
        bytes.append(0x0A)
      }
    case .items:
      for row in range {
        var isFirst = true
        for column in rows.onBits(ofRow: row) {
          if !isFirst { bytes.append(0x20) }
          isFirst = false
          Self.append(column + 1, to: &bytes)
        }
        bytes.append(0x0A)
      }
    case .pbm: appendPictures(rows, range, to: &bytes)
    case .packed: preconditionFailure("packed rows are not encoded one by one")
    }
  }

  // MARK: Bits as tokens of equal length

  /// Four bits as `0,1,0,1,`, by their number.
  private static let textTokens: [UInt64] = (0..<16).map { bits in
    (0..<4).reduce(0) { $0 | (0x2C30 | UInt64(bits >> $1 & 1)) << UInt64(16 * $1) }
  }
  /// Eight bits as bytes 0 and 1, by their number.
  private static let byteTokens: [UInt64] = (0..<256).map { bits in
    (0..<8).reduce(0) { $0 | UInt64(bits >> $1 & 1) << UInt64(8 * $1) }
  }

  /// Appends a token for each bit, eight bytes at a time; what a row's last eight are too many, the next row overwrites.
  ///
  /// - Parameter lineEnd: takes the place of a row's last byte.
  private static func expand(
    _ rows: BinaryMatrix, _ range: Range<Int>, tokenLength: Int, tokens: [UInt64], to bytes: inout [UInt8],
    lineEnd: UInt8?
  ) {
    let bitsPerToken = 8 / tokenLength
    let rowLength = rows.columnCount * tokenLength
    let mask = UInt64(tokens.count - 1)
    let count = range.count * rowLength
    let part = [UInt8](unsafeUninitializedCapacity: count + 8) { text, initialized in
      guard let base = text.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
      rows.words.withUnsafeBufferPointer { words in
        tokens.withUnsafeBufferPointer { tokens in
          for (place, row) in range.enumerated() {
            var offset = place * rowLength
            let end = offset + rowLength
            var index = row * rows.wordsPerRow
            while offset < end {
              var word = words[index]
              index += 1
              let wordEnd = min(end, offset + 64 * tokenLength)
              while offset < wordEnd {
                base.storeBytes(
                  of: tokens[Int(word & mask)].littleEndian, toByteOffset: offset, as: UInt64.self)
                word >>= UInt64(bitsPerToken)
                offset += 8
              }
              offset = wordEnd
            }
            if let lineEnd { base.storeBytes(of: lineEnd, toByteOffset: end - 1, as: UInt8.self) }
          }
        }
      }
      initialized = count
    }
    if bytes.isEmpty { bytes = part } else { bytes += part }
  }

  // MARK: Other rows

  private func appendText(
    _ rows: BinaryMatrix, _ known: BinaryMatrix?, _ range: Range<Int>, to bytes: inout [UInt8]
  ) {
    let off = TableFile.csvCell(shape.values?.off ?? "0"), on = TableFile.csvCell(shape.values?.on ?? "1")
    for row in range {
      for column in 0..<rows.columnCount {
        if column > 0 { bytes.append(0x2C) }
        if known.map({ $0[row, column] }) ?? true {
          bytes += rows[row, column] ? on : off
        } else if rows.columnCount == 1 {
          // A blank line might be taken for none.
          bytes += Array("NA".utf8)
        }
      }
      bytes.append(0x0A)
    }
  }

  private func appendFloats(
    _ rows: BinaryMatrix, _ known: BinaryMatrix, _ range: Range<Int>, to bytes: inout [UInt8]
  ) {
    for row in range {
      bytes.append(
        (0..<rows.columnCount).map { !known[row, $0] ? Float.nan : rows[row, $0] ? 1 : 0 }, order: .little)
    }
  }

  private func appendPictures(_ rows: BinaryMatrix, _ range: Range<Int>, to bytes: inout [UInt8]) {
    guard let image = shape.imageShape else { preconditionFailure("PBM needs pictures") }
    let lineLength = (image.width + 7) / 8
    let header = Array("P4\n\(image.width) \(image.height)\n".utf8)
    for row in range {
      bytes += header
      let start = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: lineLength * image.height))
      for column in rows.onBits(ofRow: row) {
        let (y, x) = column.quotientAndRemainder(dividingBy: image.width)
        bytes[start + y * lineLength + x / 8] |= 0x80 >> UInt8(x % 8)
      }
    }
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    if number >= 10 { append(number / 10, to: &bytes) }
    bytes.append(0x30 + UInt8(number % 10))
  }

  /// A name as a field of CSV: in quotes unless it is a plain word, for a number or `true` might be taken for a cell.
  static func field(_ name: String) -> String {
    let isPlain =
      name.unicodeScalars.first.map { $0.properties.isAlphabetic || $0 == "_" } == true
      && name.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "_-. 0123456789".unicodeScalars.contains($0)
      }
      && name.last != " "
      && !["true", "false", "yes", "no", "t", "f", "y", "n", "na", "nan", "null", "none", "inf", "infinity"]
        .contains(name.lowercased())
    return isPlain ? name : "\"" + name.replacing("\"", with: "\"\"") + "\""
  }
}
