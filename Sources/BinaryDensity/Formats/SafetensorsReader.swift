import Kernels

/// A safetensors file opened for reading: its header is read and checked at once, its arrays when they are asked for.
///
/// An array is read straight into the matrix that it becomes, so memory holds each number once.
package final class SafetensorsReader {
  /// The path as errors name it.
  package var path: String { file.path }
  /// The metadata, without the checksum.
  package var metadata: [String: String] { header.metadata }
  /// Whether the file has a checksum.
  package var hasChecksum: Bool { header.hasChecksum }
  /// The names and shapes of the arrays, in the order of their data.
  package var arrays: [(name: String, shape: [Int])] { header.entries.map { ($0.name, $0.shape) } }

  private let file: RandomAccessFile
  private let header: SafetensorsHeader
  private let entries: [String: SafetensorsHeader.Entry]
  /// The names of the arrays that were asked for.
  private var taken: Set<String> = []

  /// Opens a file; `-` is the standard input.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - verifying: whether the whole file is read and compared with its checksum, if it has one; otherwise only the
  ///     header is read.
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a header that breaks the format and for a
  ///   wrong checksum.
  package convenience init(path: String, verifying: Bool = true) throws(DensityError) {
    try self.init(
      RandomAccessFile(path: path) { $0.count < 9 || $0[8] == UInt8(ascii: "{") }, verifying: verifying)
  }

  /// Reads the bytes of a file.
  convenience init(bytes: [UInt8], path: String) throws(DensityError) {
    try self.init(RandomAccessFile(bytes: bytes, path: path), verifying: true)
  }

  private init(_ file: RandomAccessFile, verifying: Bool) throws(DensityError) {
    self.file = file
    header = try SafetensorsHeader(file, verifying: verifying)
    entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
  }

  /// Returns the type of an array's numbers, or nil when there is none of the name.
  package func elementType(of name: String) -> SafetensorsFile.ElementType? { entries[name]?.elementType }

  /// Returns the shape of an array, or nil when there is none of the name.
  package func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// Returns an array of floating-point numbers as a matrix; one of shape `[n]` is 1 × n.
  ///
  /// `F16`, `BF16` and `F32` are exact, `F64` is rounded.
  /// - Throws: `DensityError.malformed` when there is no such array or it holds a number that is not finite,
  ///   `.mismatch` when its type is not floating point or its shape is another.
  /// - Complexity: O(elements) in time; in memory, the matrix.
  package func matrix(
    named name: String, rowCount: Int, columnCount: Int
  ) throws(DensityError) -> Matrix<Float> {
    let entry = try take(
      name, shape: [rowCount, columnCount], types: SafetensorsFile.ElementType.floatingPoint)
    // The bytes of the file bear the shape out.
    var matrix = Matrix<Float>(rowCount: rowCount, columnCount: columnCount)
    var (row, column) = (0, 0)
    try file.forEachWindow(of: place(of: entry)) { (window) throws(DensityError) in
      var index = 0
      let count = window.count / entry.elementType.byteCount
      while index < count {
        let length = min(count - index, columnCount - column)
        let isFinite = matrix.withUnsafeMutableRow(row) {
          let target = UnsafeMutableBufferPointer(rebasing: $0[column..<column + length])
          entry.elementType.decode(window, from: index, into: target)
          return target.areAllFinite
        }
        guard isFinite else {
          let place = matrix[row: row].firstIndex { !$0.isFinite } ?? column
          throw .malformed(
            path: path, at: .field("array '\(name)'"), expected: "finite numbers",
            found: "\(matrix[row, place]) at [\(row), \(place)]")
        }
        index += length
        column += length
        if column == columnCount { (row, column) = (row + 1, 0) }
      }
    }
    return matrix
  }

  /// Checks that an array is there and has the type and shape of a matrix, without reading it.
  ///
  /// - Throws: as `matrix(named:rowCount:columnCount:)` does.
  package func checkMatrix(named name: String, rowCount: Int, columnCount: Int) throws(DensityError) {
    _ = try take(name, shape: [rowCount, columnCount], types: SafetensorsFile.ElementType.floatingPoint)
  }

  /// Returns an array of integers in the order of the file, the last dimension running fastest.
  ///
  /// They may stand as floating-point numbers, as format 1 of this package writes them.
  /// - Throws: `DensityError.malformed` when there is no such array or a number is not whole, `.mismatch` when its type
  ///   or its shape is another.
  package func integers(named name: String, shape: [Int]) throws(DensityError) -> [Int] {
    let entry = try take(name, shape: shape, types: [.int32, .int64, .uint8, .float32])
    let bytes = try file.bytes(place(of: entry))
    func decoded<T: StoredScalar>(_: T.Type) -> [T] { bytes.withUnsafeBytes { [T]($0, order: .little) } }
    switch entry.elementType {
    case .int32: return decoded(Int32.self).map(Int.init)
    case .int64: return decoded(Int64.self).map(Int.init)
    case .uint8: return bytes.map(Int.init)
    default:
      let values = decoded(Float.self)
      guard let wrong = values.first(where: { Int(exactly: $0) == nil }) else {
        return values.map { Int($0) }
      }
      throw .malformed(
        path: path, at: .field("array '\(name)'"), expected: "whole numbers", found: "\(wrong)")
    }
  }

  /// Returns an array of truth values, in the order of the file: true for every number but zero.
  ///
  /// - Throws: `DensityError.malformed` when there is no such array, `.mismatch` when its shape is another.
  package func truths(named name: String, shape: [Int]) throws(DensityError) -> [Bool] {
    let entry = try take(name, shape: shape, types: [.bool] + SafetensorsFile.ElementType.allCases)
    let bytes = try file.bytes(place(of: entry))
    let size = entry.elementType.byteCount
    // A floating-point zero may have a sign, the highest bit of its last byte.
    let lastBits: UInt8 = SafetensorsFile.ElementType.floatingPoint.contains(entry.elementType) ? 0x7F : 0xFF
    return stride(from: 0, to: bytes.count, by: size).map { start in
      let last = start + size - 1
      return bytes[start..<last].contains { $0 != 0 } || bytes[last] & lastBits != 0
    }
  }

  /// Checks that every array was asked for, so that none is passed over which means something.
  ///
  /// - Throws: `DensityError.malformed` that names the first which was not.
  package func expectNothingElse() throws(DensityError) {
    guard let unknown = header.entries.first(where: { !taken.contains($0.name) }) else { return }
    throw .malformed(
      path: path, at: .field("array '\(unknown.name)'"), expected: "only arrays of the model",
      found: "one that it does not know")
  }

  private func place(of entry: SafetensorsHeader.Entry) -> Range<Int> {
    let start = header.dataStart + entry.offsets.lowerBound
    return start..<start + entry.offsets.count
  }

  private func take(
    _ name: String, shape: [Int], types: [SafetensorsFile.ElementType]
  ) throws(DensityError) -> SafetensorsHeader.Entry {
    guard let entry = entries[name] else {
      throw .malformed(path: path, at: .field("header"), expected: "an array '\(name)'", found: "none")
    }
    let isVector = shape.count == 2 && shape[0] == 1 && entry.shape == [shape[1]]
    guard types.contains(entry.elementType), entry.shape == shape || isVector else {
      throw .mismatch(
        path: path, expected: "the array '\(name)' as \(types[0].rawValue) \(shape)",
        found: "\(entry.elementType.rawValue) \(entry.shape)")
    }
    taken.insert(name)
    return entry
  }
}

extension SafetensorsFile.ElementType {
  /// Decodes floating-point numbers of this type from the `first`-th on.
  fileprivate func decode(
    _ bytes: UnsafeRawBufferPointer, from first: Int, into target: UnsafeMutableBufferPointer<Float>
  ) {
    func fill<T: StoredScalar>(_: T.Type, _ value: (T) -> Float) {
      for index in target.indices {
        target[index] = value(ByteOrder.little.load(T.self, first + index, of: bytes))
      }
    }
    switch self {
    case .float16: fill(UInt16.self) { Float(binary16Bits: $0) }
    case .bfloat16: fill(UInt16.self) { Float(bfloat16Bits: $0) }
    case .float32: fill(Float.self) { $0 }
    case .float64: fill(Double.self) { Float($0) }
    default: preconditionFailure("\(rawValue) is no floating-point number")
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// Whether no element is infinite or not a number.
  fileprivate var areAllFinite: Bool {
    // The bits of a number without its sign grow with it, infinity and what is no number last.
    var largest: UInt32 = 0
    for value in self { largest = Swift.max(largest, value.bitPattern & 0x7FFF_FFFF) }
    return largest < Float.infinity.bitPattern
  }
}
