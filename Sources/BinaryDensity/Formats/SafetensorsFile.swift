import Kernels

/// The contents of a safetensors file: named arrays of numbers, and text about them.
///
/// The format, field by field (https://github.com/huggingface/safetensors, "Format"):
///
/// | bytes      | field                                                                                    |
/// |------------|------------------------------------------------------------------------------------------|
/// | 0 ..< 8    | N, the length of the header: an unsigned integer, little-endian                          |
/// | 8 ..< 8+N  | the header: one JSON object, first byte `{`, at its end spaces as padding                |
/// | 8+N ...    | the data: the arrays one after another, row-major, little-endian, without gaps           |
///
/// The header has a member for each array, `"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}`,
/// where the offsets count from the start of the data and the end is exclusive; and the member
/// `__metadata__`, an object whose values are strings. Known element types are `F16`, `BF16`, `F32`, `F64`, `I32`,
/// `I64`, `U8` and `BOOL`.
/// A shape without dimensions is one number.
///
/// This package adds one thing within the format: the metadata's `crc32`, eight lower-case hexadecimal
/// digits, is the CRC-32 of the whole file with these eight digits taken as `00000000`. So every changed byte
/// is found, wherever it stands. Other readers pass it over; a file that another tool has changed must lose
/// the key.
///
/// Files written are a function of the contents: `__metadata__` first, its keys sorted, the arrays in the
/// order given, no white space but padding to a multiple of eight. Saved, loaded and saved again, a file has
/// the same bytes.
public struct SafetensorsFile: Equatable, Sendable {
  /// The metadata, without the checksum.
  public var metadata: [String: String]
  /// The arrays, in the order of their data.
  public var tensors: [Tensor]

  /// Creates the contents of a file.
  public init(metadata: [String: String] = [:], tensors: [Tensor] = []) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// Returns the array of a name, when there is one.
  ///
  /// - Complexity: O(number of arrays).
  public func tensor(named name: String) -> Tensor? { tensors.first { $0.name == name } }

  /// One named array of numbers.
  public struct Tensor: Equatable, Sendable {
    /// The name, unique in its file and not empty.
    public let name: String
    /// The dimensions, the slowest first.
    public let shape: [Int]
    /// The numbers, row-major.
    public let scalars: Scalars

    /// Creates an array.
    ///
    /// - Precondition: the dimensions are not negative and multiply to the number of scalars; the name is
    ///   neither empty nor `__metadata__`.
    public init(name: String, shape: [Int], scalars: Scalars) {
      precondition(!name.isEmpty && name != SafetensorsFile.metadataKey, "'\(name)' cannot name an array")
      precondition(
        checkedProduct(of: shape) == scalars.count,
        "\(scalars.count) scalars cannot have shape \(shape)")
      self.name = name
      self.shape = shape
      self.scalars = scalars
    }
  }

  /// The numbers of an array, of one of the known types.
  public enum Scalars: Equatable, Sendable {
    /// The bits of 16-bit floating point, `F16`.
    case float16([UInt16])
    /// The bits of the format bfloat16, `BF16`.
    case bfloat16([UInt16])
    /// 32-bit floating point, `F32`.
    case float32([Float])
    /// The elements of a matrix, `F32`, not copied until they are written.
    case matrix(Matrix<Float>)
    /// The elements of a matrix, each a number of 16-bit floating point, `F16`; not copied until they are written.
    case matrixOfHalves(Matrix<Float>)
    /// 64-bit floating point, `F64`.
    case float64([Double])
    /// 32-bit integers, `I32`.
    case int32([Int32])
    /// 64-bit integers, `I64`.
    case int64([Int64])
    /// Bytes, `U8`.
    case uint8([UInt8])
    /// Truth values, each a byte, `BOOL`.
    case bool([UInt8])

    /// How many numbers there are.
    public var count: Int {
      switch self {
      case .float16(let values), .bfloat16(let values): values.count
      case .float32(let values): values.count
      case .matrix(let matrix), .matrixOfHalves(let matrix): matrix.rowCount * matrix.columnCount
      case .float64(let values): values.count
      case .int32(let values): values.count
      case .int64(let values): values.count
      case .uint8(let values), .bool(let values): values.count
      }
    }

    /// The type of the numbers.
    package var elementType: ElementType {
      switch self {
      case .float16, .matrixOfHalves: .float16
      case .bfloat16: .bfloat16
      case .float32, .matrix: .float32
      case .float64: .float64
      case .int32: .int32
      case .int64: .int64
      case .uint8: .uint8
      case .bool: .bool
      }
    }
  }

  /// The known types, by their names in a file.
  package enum ElementType: String, CaseIterable, Sendable {
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case float64 = "F64"
    case int32 = "I32"
    case int64 = "I64"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The floating-point types, the one that this package writes first.
    static let floatingPoint: [ElementType] = [.float32, .float64, .float16, .bfloat16]

    /// The size of one number, in bytes.
    var byteCount: Int {
      switch self {
      case .uint8, .bool: 1
      case .float16, .bfloat16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  static let metadataKey = "__metadata__"
  static let checksumKey = "crc32"

  /// Returns where the eight digits of the checksum stand in a header, when they are there.
  ///
  /// In a valid header the text searched for occurs at most once: within a string its quotes would be
  /// escaped, keys are unique, and only the metadata has strings under keys of its own.
  static func checksumDigits(in header: ArraySlice<UInt8>) -> Range<Int>? {
    let key = Array("\"\(checksumKey)\"".utf8)
    for (before, start) in zip(header.indices, header.indices.dropFirst()) {
      // A member comes first in its object or after a comma; a quote within a string comes after a backslash.
      guard header[start] == key[0], header[start...].starts(with: key),
        isBoundary(header[before])
      else { continue }
      // Other writers put white space around the colon.
      let rest = header[(start + key.count)...].drop(while: isWhiteSpace)
      guard rest.first == UInt8(ascii: ":") else { continue }
      let value = rest.dropFirst().drop(while: isWhiteSpace)
      guard value.first == UInt8(ascii: "\""), value.count >= 10 else { continue }
      let digits = value.startIndex + 1..<value.startIndex + 9
      if header[digits].allSatisfy(isLowercaseHexDigit), header[digits.upperBound] == UInt8(ascii: "\"") {
        return digits
      }
    }
    return nil
  }

  private static func isWhiteSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// Whether a member of an object may follow a byte.
  private static func isBoundary(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "{") || byte == UInt8(ascii: ",") || isWhiteSpace(byte)
  }

  private static func isLowercaseHexDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
  }
}
