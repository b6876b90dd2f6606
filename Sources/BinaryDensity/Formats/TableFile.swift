/// A file to write a table of bits or a column of numbers to, in the format its name says.
///
/// The name ends in `.idx`, `.npy`, `.csv` or `.txt`, or one of these and `.gz`.
///
///     try TableFile(path: "samples.npy").write(samples)
///     try TableFile(path: "logprob.txt").write(logProbabilities)
public struct TableFile: Hashable, Sendable {
  /// The formats.
  public enum Format: String, CaseIterable, Sendable {
    /// Bits as unsigned bytes, numbers as 64-bit floats; pictures as an array of three axes.
    case idx
    /// Bits as unsigned bytes, numbers as 64-bit floats.
    case npy
    /// A line a row, bits separated by commas; a number a line in the shortest form that reads back as the
    /// same.
    case text
  }

  /// Where to write.
  public let path: String
  /// The format.
  public let format: Format
  /// Whether the file is gzip.
  public let isCompressed: Bool

  /// Finds the format by the end of a path, before any work goes into what is to be written.
  ///
  /// - Throws: `DensityError.unwritable` for an end that means no format.
  public init(path: String) throws(DensityError) {
    let isCompressed = path.hasSuffix(".gz")
    let name = isCompressed ? String(path.dropLast(3)) : path
    let file = name.split(separator: "/").last ?? ""
    switch file.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last {
    case "idx": format = .idx
    case "npy": format = .npy
    case "csv", "txt": format = .text
    default:
      throw .unwritable(
        path: path, reason: "the name must end in .idx, .npy, .csv or .txt, or one of these and .gz")
    }
    self.path = path
    self.isCompressed = isCompressed
  }

  /// Writes rows of bits.
  ///
  /// - Parameters:
  ///   - rows: what to write.
  ///   - imageShape: the picture a row is; IDX and NPY then hold rows × height × width.
  /// - Throws: `DensityError.unwritable`; the file then is as it was.
  public func write(_ rows: BinaryMatrix, imageShape: ImageShape? = nil) throws(DensityError) {
    try write(Self.bytes(of: rows, as: format, imageShape: imageShape))
  }

  /// Writes a column of numbers, such as log-probabilities.
  ///
  /// - Throws: `DensityError.unwritable`; the file then is as it was.
  public func write(_ numbers: [Double]) throws(DensityError) {
    try write(Self.bytes(of: numbers, as: format))
  }

  /// Returns the contents of a file of bits, not compressed.
  public static func bytes(
    of rows: BinaryMatrix, as format: Format, imageShape: ImageShape? = nil
  ) -> [UInt8] {
    precondition(
      imageShape.map { $0.pixelCount == rows.columnCount } ?? true,
      "a row of \(rows.columnCount) columns is not a picture of \(String(describing: imageShape))")
    let columns = imageShape.map { [$0.height, $0.width] } ?? [rows.columnCount]
    let dimensions = [rows.rowCount] + columns
    switch format {
    case .idx: return IDXArray(dimensions: dimensions, elements: .uint8(digits(rows))).encoded
    case .npy: return NPYHeader(type: .uint8, dimensions: dimensions).encoded + digits(rows)
    case .text:
      // A row of no columns is a blank line.
      guard rows.columnCount > 0 else { return Array(repeating: 0x0A, count: rows.rowCount) }
      let lineLength = 2 * rows.columnCount
      return Array(unsafeUninitializedCapacity: rows.rowCount * lineLength) { text, count in
        for row in 0..<rows.rowCount {
          let start = row * lineLength
          for place in stride(from: start, to: start + lineLength, by: 2) {
            text[place] = 0x30
            text[place + 1] = 0x2C
          }
          text[start + lineLength - 1] = 0x0A
          for column in rows.onBits(ofRow: row) { text[start + 2 * column] = 0x31 }
        }
        count = rows.rowCount * lineLength
      }
    }
  }

  /// Returns the contents of a file of numbers, not compressed.
  public static func bytes(of numbers: [Double], as format: Format) -> [UInt8] {
    switch format {
    case .idx:
      return IDXArray(dimensions: [numbers.count], elements: .float64(numbers)).encoded
    case .npy:
      var bytes = NPYHeader(type: .float64, dimensions: [numbers.count]).encoded
      bytes.append(numbers, order: .little)
      return bytes
    case .text:
      return numbers.flatMap { Array("\($0)\n".utf8) }
    }
  }

  private static func digits(_ rows: BinaryMatrix) -> [UInt8] {
    var digits = [UInt8](repeating: 0, count: rows.rowCount * rows.columnCount)
    for row in 0..<rows.rowCount {
      for column in rows.onBits(ofRow: row) { digits[row * rows.columnCount + column] = 1 }
    }
    return digits
  }

  private func write(_ bytes: [UInt8]) throws(DensityError) {
    try AtomicFile.write(isCompressed ? Gzip.compress(bytes) : bytes, to: path)
  }
}
