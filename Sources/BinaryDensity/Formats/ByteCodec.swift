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

  /// The order of numbers in this machine's memory.
  static var host: ByteOrder { UInt16(1).littleEndian == 1 ? .little : .big }

  /// Returns the `index`-th of the numbers that bytes hold.
  @inline(__always)
  func load<T: StoredScalar>(_ type: T.Type, _ index: Int, of bytes: UnsafeRawBufferPointer) -> T {
    let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T.Bits>.size, as: T.Bits.self)
    return T(storedBits: self == .big ? T.Bits(bigEndian: bits) : T.Bits(littleEndian: bits))
  }
}

extension Array where Element: StoredScalar {
  /// Creates the numbers that bytes hold; there must be a whole number of them.
  package init(_ bytes: UnsafeRawBufferPointer, order: ByteOrder) {
    let size = MemoryLayout<Element.Bits>.size
    precondition(bytes.count % size == 0, "\(bytes.count) bytes are no whole number of \(Element.self)s")
    self = (0..<bytes.count / size).map { order.load(Element.self, $0, of: bytes) }
  }
}

extension [UInt8] {
  /// Creates the bytes of numbers.
  package init<T: StoredScalar>(_ numbers: some Collection<T>, order: ByteOrder) {
    self = []
    append(numbers, order: order)
  }

  /// Appends the bytes of numbers.
  package mutating func append<T: StoredScalar>(_ numbers: some Collection<T>, order: ByteOrder) {
    if order == .host,
      numbers.withContiguousStorageIfAvailable({ append(contentsOf: UnsafeRawBufferPointer($0)) }) != nil
    {
      return
    }
    for number in numbers {
      let bits = number.storedBits
      Swift.withUnsafeBytes(of: order == .big ? bits.bigEndian : bits.littleEndian) { append(contentsOf: $0) }
    }
  }
}

extension Float {
  /// Creates the value of a 16-bit floating-point number (IEEE 754 binary16) of given bits.
  ///
  /// Every such number is a `Float` exactly. (Swift's own `Float16` is not there on every system.)
  package init(binary16Bits bits: UInt16) {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Float(bits & 0x3FF)
    switch exponent {
    case 0: self = sign * fraction * 0x1p-24
    case 0x1F: self = fraction == 0 ? sign * .infinity : .nan
    default: self = sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
    }
  }

  /// The bits of the nearest 16-bit floating-point number (IEEE 754 binary16), of two that are equally near the even one.
  ///
  /// From 65520 on that is infinity.
  package var binary16Bits: UInt16 {
    let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
    guard magnitude < 65520 else { return sign | (isNaN ? 0x7E00 : 0x7C00) }
    // Below 2⁻¹⁴ these numbers are whole multiples of 2⁻²⁴.
    guard magnitude >= 0x1p-14 else {
      return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    // 13 bits fewer, and exponents that count from 15 instead of 127; what is rounded up carries into them.
    let bits = magnitude.bitPattern
    return sign | UInt16(((bits + 0xFFF + (bits >> 13 & 1)) >> 13) - (112 << 10))
  }

  /// Creates the value of a number in the format bfloat16, the upper half of a `Float`.
  package init(bfloat16Bits bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }
}
