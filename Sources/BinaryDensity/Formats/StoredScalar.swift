/// A number type that files store as a fixed number of bytes.
package protocol StoredScalar: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// The integer with the same bytes.
  associatedtype Bits: FixedWidthInteger & UnsignedInteger
  /// Creates the number with the given bits.
  init(storedBits: Bits)
  /// The bits of the number.
  var storedBits: Bits { get }
}

extension StoredScalar where Self: FixedWidthInteger, Magnitude: FixedWidthInteger {
  package init(storedBits: Magnitude) { self.init(truncatingIfNeeded: storedBits) }
  package var storedBits: Magnitude { Magnitude(truncatingIfNeeded: self) }
}

extension UInt8: StoredScalar {}
extension UInt16: StoredScalar {}
extension UInt32: StoredScalar {}
extension UInt64: StoredScalar {}
extension Int8: StoredScalar {}
extension Int16: StoredScalar {}
extension Int32: StoredScalar {}
extension Int64: StoredScalar {}

extension Float: StoredScalar {
  package init(storedBits: UInt32) { self.init(bitPattern: storedBits) }
  package var storedBits: UInt32 { bitPattern }
}

extension Double: StoredScalar {
  package init(storedBits: UInt64) { self.init(bitPattern: storedBits) }
  package var storedBits: UInt64 { bitPattern }
}

/// The order of the bytes of a number in a file.
package enum ByteOrder: Sendable {
  /// The most significant byte first.
  case big
  /// The least significant byte first.
  case little
}

extension ByteSource {
  /// Takes `count` numbers in chunks, so that a header which promises too much costs no memory.
  ///
  /// - Parameter whole: what the numbers are, for the error.
  /// - Throws: `malformed` at the offset where the file ends too early.
  package func takeNumbers<T: StoredScalar>(
    _ type: T.Type, count: Int, order: ByteOrder, of whole: String
  ) throws(DensityError) -> [T] {
    let size = MemoryLayout<T.Bits>.size
    var numbers: [T] = []
    while numbers.count < count {
      let wanted = min(count - numbers.count, (1 << 16) / size)
      let bytes = try take(wanted * size, of: whole)
      bytes.withUnsafeBytes { bytes in
        for index in 0..<wanted {
          let bits = bytes.loadUnaligned(fromByteOffset: index * size, as: T.Bits.self)
          numbers.append(T(storedBits: order == .big ? T.Bits(bigEndian: bits) : T.Bits(littleEndian: bits)))
        }
      }
    }
    return numbers
  }
}

extension [UInt8] {
  /// Appends the bytes of numbers.
  package mutating func append<T: StoredScalar>(_ numbers: some Sequence<T>, order: ByteOrder) {
    for number in numbers {
      let bits = number.storedBits
      Swift.withUnsafeBytes(of: order == .big ? bits.bigEndian : bits.littleEndian) { append(contentsOf: $0) }
    }
  }
}
