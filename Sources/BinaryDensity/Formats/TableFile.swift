/// A file to write a table of bits or a column of numbers to, in the format its name says.
///
/// The name ends in `.csv`, `.txt`, `.npy`, `.idx`, `.svm`, `.dat` or `.pbm`, or one of these and `.gz`, or in `.bits`;
/// numbers go to the first four.
///
///     try TableFile(path: "samples.npy").write(samples)
///     try TableFile(path: "logprob.txt").write(logProbabilities)
///
/// Rows that are many are written as they come: see `writing`.
public struct TableFile: Hashable, Sendable {
  /// The formats.
  public enum Format: String, CaseIterable, Sendable {
    /// Bits as unsigned bytes, numbers as 64-bit floats; pictures as an array of three axes.
    case idx
    /// Bits as unsigned bytes (32-bit floats where cells are missing: NaN), numbers as 64-bit floats.
    case npy
    /// A line a row, bits separated by commas; a number a line in the shortest form that reads back as the
    /// same.
    case text
    /// A line a row, `0 3:1 7:1`: a label of 0, then what is on, counted from 1.
    case svmlight
    /// A line a row, `3 7`: what is on, counted from 1, as the FIMI repository has it.
    case items
    /// A raw PBM picture a row, one after another; what is on is black.
    case pbm
    /// The packed rows, of which any can be read and checked alone: see `density pack`.
    case packed
  }

  /// What a file is to hold.
  public enum Purpose: Sendable {
    /// Rows of bits.
    case rows
    /// Rows of bits, where whoever asks writes a `.png` too: it is named with the ends that are possible.
    case rowsOrPicture
    /// A column of numbers.
    case numbers
  }

  /// Where to write.
  public let path: String
  /// The format.
  public let format: Format
  /// Whether the file is gzip.
  public let isCompressed: Bool

  /// Finds the format by the end of a path, before any work goes into what is to be written.
  ///
  /// - Throws: `DensityError.unwritable` for an end that means no format, or none of such contents.
  public init(path: String, for purpose: Purpose = .rows) throws(DensityError) {
    let isCompressed = path.hasSuffix(".gz")
    let name = isCompressed ? String(path.dropLast(3)) : path
    let file = name.split(separator: "/").last ?? ""
    let end = file.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last
    // A device or a pipe need not be called after what is written to it.
    let usual: Format? = AtomicFile.isWrittenInPlace(path) ? .text : nil
    guard let format = end.flatMap({ Self.format(ofEnd: $0) }) ?? usual,
      purpose != .numbers || format.holdsNumbers
    else {
      let rows = ".csv, .txt, .npy, .idx, .svm, .dat or .pbm, or one of these and .gz, or in .bits"
      let ends =
        switch purpose {
        case .rows: rows
        case .rowsOrPicture: rows + ", or in .png"
        case .numbers: ".csv, .txt, .npy or .idx, or one of these and .gz"
        }
      throw .unwritable(path: path, reason: "the name must end in \(ends)")
    }
    if format == .packed && isCompressed {
      throw .unwritable(path: path, reason: "rows of a .bits are read at any place, which .gz does not allow")
    }
    self.format = format
    self.path = path
    self.isCompressed = isCompressed
  }

  private static func format(ofEnd end: Substring) -> Format? {
    switch end {
    case "idx": .idx
    case "npy": .npy
    case "csv", "txt": .text
    case "svm", "libsvm", "svmlight": .svmlight
    case "dat", "fimi", "items": .items
    case "pbm": .pbm
    case "bits": .packed
    default: nil
    }
  }

  /// Writes rows of bits.
  ///
  /// - Parameters:
  ///   - rows: what to write.
  ///   - names: the names of the columns, for CSV.
  ///   - imageShape: the picture a row is; IDX and NPY then hold rows × height × width.
  /// - Throws: `DensityError.unwritable`; the file then is as it was.
  public func write(
    _ rows: BinaryMatrix, names: [String]? = nil, imageShape: ImageShape? = nil
  ) throws(DensityError) {
    let shape = TableWriter.Shape(
      columnCount: rows.columnCount, names: names, imageShape: imageShape, rowCount: rows.rowCount)
    try writing(shape) { (writer) throws(DensityError) in try writer.write(rows) }
  }

  /// Writes a column of numbers, such as log-probabilities.
  ///
  /// - Throws: `DensityError.unwritable`; the file then is as it was.
  public func write(_ numbers: [Double]) throws(DensityError) {
    try writingNumbers { (writer) throws(DensityError) in try writer.write(numbers) }
  }

  /// Writes a column of numbers as they come; the file takes its name when all are written.
  ///
  /// - Throws: `DensityError.unwritable`, and what `produce` throws; the file then is as it was.
  public func writingNumbers(
    _ produce: (NumberWriter) throws(DensityError) -> Void
  ) throws(DensityError) {
    guard format.holdsNumbers else {
      throw .unwritable(path: path, reason: "numbers go to .csv, .txt, .npy or .idx")
    }
    try AtomicFile.writing(to: path) { (sink) throws(DensityError) in
      let writer = NumberWriter(format, path: path, isCompressed: isCompressed, to: sink)
      try produce(writer)
      try writer.finish()
    }
  }

  /// Writes rows as they come; the file takes its name when all are written.
  ///
  ///     try file.writing(.init(columnCount: 784)) { (writer) throws(DensityError) in
  ///       try stream.forEachBlock(of: 4096) { (rows) throws(DensityError) in try writer.write(rows) }
  ///     }
  ///
  /// - Throws: `DensityError.unwritable`, and what `produce` throws; the file then is as it was.
  public func writing(
    _ shape: TableWriter.Shape, _ produce: (TableWriter) throws(DensityError) -> Void
  ) throws(DensityError) {
    guard format != .pbm || shape.imageShape != nil else {
      throw .unwritable(path: path, reason: "a row is no picture of known height and width")
    }
    try AtomicFile.writing(to: path) { (sink) throws(DensityError) in
      let writer = TableWriter(format, shape, path: path, isCompressed: isCompressed, to: sink)
      try produce(writer)
      try writer.finish()
    }
  }

  /// Writes lines of text as they come; the file takes its name when all are written.
  ///
  /// - Precondition: the format is text.
  /// - Throws: `DensityError.unwritable`, and what `produce` throws; the file then is as it was.
  package func writing(
    lines produce: (_ write: @escaping ([UInt8]) throws(DensityError) -> Void) throws(DensityError) -> Void
  ) throws(DensityError) {
    precondition(format == .text, "\(format) has no lines")
    try AtomicFile.writing(to: path) { (sink) throws(DensityError) in
      try produce { (bytes) throws(DensityError) in
        if !bytes.isEmpty { _ = try sink(isCompressed ? Gzip.compress(bytes) : bytes) }
      }
    }
  }

  /// Returns the contents of a file of bits, not compressed.
  ///
  /// - Precondition: a picture of as many pixels as there are columns, or none but for PBM.
  public static func bytes(
    of rows: BinaryMatrix, as format: Format, imageShape: ImageShape? = nil
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    let shape = TableWriter.Shape(
      columnCount: rows.columnCount, imageShape: imageShape, rowCount: rows.rowCount)
    let writer = TableWriter(format, shape) { (part) throws(DensityError) in
      bytes += part
      return true
    }
    do throws(DensityError) {
      try writer.write(rows)
      try writer.finish()
    } catch {
      preconditionFailure("rows without missing cells are refused: \(error)")
    }
    return bytes
  }

  /// Returns the contents of a file of numbers, not compressed.
  ///
  /// - Precondition: a format that holds numbers: IDX, NPY or text.
  public static func bytes(of numbers: [Double], as format: Format) -> [UInt8] {
    beginning(ofNumbers: numbers.count, as: format) + bytes(ofElements: numbers, as: format)
  }

  /// Returns what stands before the numbers of a file of so many.
  static func beginning(ofNumbers count: Int, as format: Format) -> [UInt8] {
    switch format {
    case .idx: IDXArray.beginning(.float64, [count])
    case .npy: NPYHeader(type: .float64, dimensions: [count]).encoded
    case .text: []
    case .svmlight, .items, .pbm, .packed: preconditionFailure("\(format) holds no numbers")
    }
  }

  /// Returns numbers as they stand in a file.
  static func bytes(ofElements numbers: [Double], as format: Format) -> [UInt8] {
    var bytes: [UInt8] = []
    switch format {
    case .idx: bytes.append(numbers, order: .big)
    case .npy: bytes.append(numbers, order: .little)
    case .text: for number in numbers { bytes += Array("\(number)\n".utf8) }
    case .svmlight, .items, .pbm, .packed: preconditionFailure("\(format) holds no numbers")
    }
    return bytes
  }
}

extension TableFile {
  /// Whether a path's end means text.
  package static func isText(_ path: String) -> Bool {
    (try? TableFile(path: path))?.format == .text
  }

  /// Returns a line of CSV, of fields that are quoted where they have to be.
  package static func csvLine(_ fields: [String]) -> [UInt8] {
    Array((fields.map(RowEncoder.field).joined(separator: ",") + "\n").utf8)
  }

  /// A word as a cell of CSV: in quotes if it would be read as something else without.
  package static func csvCell(_ word: String) -> [UInt8] {
    let isWhole =
      word.first?.isWhitespace == false && word.last?.isWhitespace == false
      && !word.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
    return Array((isWhole ? word : "\"" + word.replacing("\"", with: "\"\"") + "\"").utf8)
  }
}

extension TableFile.Format {
  /// Whether it can hold a column of numbers.
  public var holdsNumbers: Bool { self == .idx || self == .npy || self == .text }
}
