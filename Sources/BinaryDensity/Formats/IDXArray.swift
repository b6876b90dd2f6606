/// An array of numbers in the IDX format, in which MNIST is distributed.
///
/// A file is, all big-endian and plain or as gzip:
///
///     byte 0, 1          zero
///     byte 2             the type of the elements (`ElementType`)
///     byte 3             the number n of dimensions, 0 … 255
///     byte 4 … 4n + 3    n sizes of 4 bytes each
///     byte 4n + 4 …      the elements, the last dimension running fastest
///
/// With no dimensions there is one element.
/// - Source: the page of the MNIST database, Y. LeCun, C. Cortes, C. J. C. Burges.
public struct IDXArray: Equatable, Sendable {
  /// The size along each axis.
  public let dimensions: [Int]
  /// The elements, the last axis running fastest.
  public let elements: Elements

  /// The elements by their type.
  public enum Elements: Equatable, Sendable {
    /// Bytes from 0 to 255.
    case uint8([UInt8])
    /// Bytes from −128 to 127.
    case int8([Int8])
    /// Integers of 16 bits with a sign.
    case int16([Int16])
    /// Integers of 32 bits with a sign.
    case int32([Int32])
    /// Floating-point numbers of single precision.
    case float32([Float])
    /// Floating-point numbers of double precision.
    case float64([Double])
  }

  /// The types of elements, by the byte that stands for each.
  public enum ElementType: UInt8, CaseIterable, Sendable {
    /// Bytes from 0 to 255.
    case uint8 = 0x08
    /// Bytes from −128 to 127.
    case int8 = 0x09
    /// Integers of 16 bits with a sign.
    case int16 = 0x0B
    /// Integers of 32 bits with a sign.
    case int32 = 0x0C
    /// Floating-point numbers of single precision.
    case float32 = 0x0D
    /// Floating-point numbers of double precision.
    case float64 = 0x0E
  }

  /// Creates an array.
  ///
  /// - Precondition: at most 255 dimensions, each in 0 … 2³² − 1, whose product is the number of elements.
  public init(dimensions: [Int], elements: Elements) {
    precondition(dimensions.count <= 255, "IDX has at most 255 dimensions, not \(dimensions.count)")
    precondition(
      dimensions.allSatisfy { $0 >= 0 && $0 <= Int(UInt32.max) }, "IDX cannot hold sizes \(dimensions)")
    precondition(
      checkedProduct(of: dimensions) == elements.count,
      "\(elements.count) elements cannot fill \(shapeText(dimensions))")
    self.dimensions = dimensions
    self.elements = elements
  }
}

extension IDXArray.ElementType {
  /// The bytes of one element.
  public var size: Int {
    switch self {
    case .uint8, .int8: 1
    case .int16: 2
    case .int32, .float32: 4
    case .float64: 8
    }
  }
}

extension IDXArray.ElementType {
  /// The same type among NumPy's.
  var numbers: NPYHeader.ElementType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .float32: .float32
    case .float64: .float64
    }
  }
}

extension IDXArray.Elements {
  /// The number of elements.
  public var count: Int {
    switch self {
    case .uint8(let values): values.count
    case .int8(let values): values.count
    case .int16(let values): values.count
    case .int32(let values): values.count
    case .float32(let values): values.count
    case .float64(let values): values.count
    }
  }

  /// The type of the elements.
  public var type: IDXArray.ElementType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .float32: .float32
    case .float64: .float64
    }
  }
}

extension IDXArray {
  /// Reads an IDX file, plain or gzip; `-` is the standard input.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a wrong magic, an unknown type, a
  ///   size that no memory could hold, elements missing or too many, and every way a gzip stream can be
  ///   broken.
  /// - Complexity: time and memory grow with the bytes the file holds, whatever its header promises.
  public static func read(_ path: String) throws(DensityError) -> IDXArray {
    try read(from: ByteSource(path: path))
  }

  /// Takes what stands before the elements.
  static func readHeader(
    from source: ByteSource
  ) throws(DensityError) -> (type: ElementType, dimensions: [Int]) {
    let magic = try source.take(4, of: "the 4 bytes an IDX file begins with")
    guard magic[0] == 0, magic[1] == 0 else {
      throw source.malformed(
        at: 0, expected: "the two zero bytes an IDX file begins with",
        found: "\(hexadecimal(magic[0])) \(hexadecimal(magic[1]))")
    }
    guard let type = ElementType(rawValue: magic[2]) else {
      let known = ElementType.allCases.map { hexadecimal($0.rawValue) }.joined(separator: ", ")
      throw source.malformed(
        at: 2, expected: "an element type, one of \(known)", found: hexadecimal(magic[2]))
    }
    let dimensions = try source.takeNumbers(
      UInt32.self, count: Int(magic[3]), order: .big, of: "the sizes of \(magic[3]) dimensions"
    ).map(Int.init)
    guard checkedProduct(of: dimensions + [type.size]) != nil else {
      throw source.malformed(
        at: 4, expected: "sizes whose product fits 63 bits", found: shapeText(dimensions))
    }
    return (type, dimensions)
  }

  package static func read(from source: ByteSource) throws(DensityError) -> IDXArray {
    let (type, dimensions) = try readHeader(from: source)
    let count = checkedProduct(of: dimensions) ?? 0
    let whole = "\(count * type.size) bytes of elements (\(shapeText(dimensions)))"
    func take<T: StoredScalar>(_: T.Type) throws(DensityError) -> [T] {
      try source.takeNumbers(T.self, count: count, order: .big, of: whole)
    }
    let elements: Elements =
      switch type {
      case .uint8: .uint8(try take(UInt8.self))
      case .int8: .int8(try take(Int8.self))
      case .int16: .int16(try take(Int16.self))
      case .int32: .int32(try take(Int32.self))
      case .float32: .float32(try take(Float.self))
      case .float64: .float64(try take(Double.self))
      }
    try source.expectEnd()
    return IDXArray(dimensions: dimensions, elements: elements)
  }

  /// Returns what stands before the elements.
  ///
  /// - Precondition: at most 255 dimensions, each below 2³².
  static func beginning(_ type: ElementType, _ dimensions: [Int]) -> [UInt8] {
    precondition(dimensions.allSatisfy { $0 <= Int(UInt32.max) }, "IDX cannot hold sizes \(dimensions)")
    var bytes: [UInt8] = [0, 0, type.rawValue, UInt8(dimensions.count)]
    bytes.append(dimensions.lazy.map { UInt32($0) }, order: .big)
    return bytes
  }

  /// The bytes of the file that holds this array.
  public var encoded: [UInt8] {
    var bytes = Self.beginning(elements.type, dimensions)
    bytes.reserveCapacity(4 + 4 * dimensions.count + elements.count * elements.type.size)
    switch elements {
    case .uint8(let values): bytes += values
    case .int8(let values): bytes.append(values, order: .big)
    case .int16(let values): bytes.append(values, order: .big)
    case .int32(let values): bytes.append(values, order: .big)
    case .float32(let values): bytes.append(values, order: .big)
    case .float64(let values): bytes.append(values, order: .big)
    }
    return bytes
  }

  /// Writes an IDX file, as gzip if the path ends in `.gz`.
  ///
  /// - Throws: `DensityError.unwritable`; the file then is as it was.
  public func write(to path: String) throws(DensityError) {
    try AtomicFile.write(path.hasSuffix(".gz") ? Gzip.compress(encoded) : encoded, to: path)
  }
}

/// Returns a byte in the form `0x0B`.
func hexadecimal(_ byte: UInt8) -> String {
  (byte < 16 ? "0x0" : "0x") + String(byte, radix: 16, uppercase: true)
}
