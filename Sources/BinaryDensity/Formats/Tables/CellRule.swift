/// Which numbers of an array are off, on and missing.
struct CellRule: Sendable {
  let off: Double
  let on: Double
  /// Missing as well as NaN.
  let missing: [Double]
  /// Whether the numbers are 0 and 1 because nothing else was asked for.
  let isStandard: Bool

  /// - Throws: `invalidConfiguration` for words for off and on that are no numbers.
  init(_ options: TableOptions) throws(DensityError) {
    missing = options.missing.compactMap { Double($0) }
    guard let values = options.forNumbers.values else {
      (off, on) = (0, 1)
      isStandard = missing.isEmpty
      return
    }
    guard let off = Double(values.off), let on = Double(values.on), off != on else {
      throw .invalidConfiguration(
        "--values \(values.off),\(values.on): an array holds numbers; two different ones are wanted")
    }
    (self.off, self.on) = (off, on)
    isStandard = false
  }

  /// What was expected, in words.
  var expected: String { "\(Self.text(off)) or \(Self.text(on))" }

  /// A number without a fraction that is zero.
  private static func text(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? "\(number)"
  }
}

/// What up to 64 numbers are, a bit each.
struct Cells {
  var on: UInt64
  var missing: UInt64 = 0
  /// Those that are neither off nor on nor missing.
  var strange: UInt64 = 0
}

/// Packs up to 64 numbers that lie one after another.
typealias CellPacker = (_ numbers: UnsafeRawPointer, _ count: Int) -> Cells

extension NPYHeader.ElementType {
  /// Returns what packs numbers of this type by a rule.
  func packer(_ rule: CellRule, _ order: ByteOrder) -> CellPacker {
    switch self {
    // One byte more or less: a byte 0 or 1 is the same number in all three types.
    case .bool, .uint8: rule.isStandard ? packBytes : Self.packer(UInt8.self, rule, order) { Double($0) }
    case .int8: Self.packer(Int8.self, rule, order) { Double($0) }
    case .uint16: Self.packer(UInt16.self, rule, order) { Double($0) }
    case .uint32: Self.packer(UInt32.self, rule, order) { Double($0) }
    case .uint64: Self.packer(UInt64.self, rule, order) { Double($0) }
    case .int16: Self.packer(Int16.self, rule, order) { Double($0) }
    case .int32: Self.packer(Int32.self, rule, order) { Double($0) }
    case .int64: Self.packer(Int64.self, rule, order) { Double($0) }
    case .float16: Self.packer(UInt16.self, rule, order) { Double(Float(binary16Bits: $0)) }
    case .float32: Self.packer(Float.self, rule, order) { Double($0) }
    case .float64: Self.packer(Double.self, rule, order) { $0 }
    }
  }

  /// Returns a number as text, as a person would write it.
  func text(_ bytes: UnsafeRawPointer, _ order: ByteOrder) -> String {
    let number = UnsafeRawBufferPointer(start: bytes, count: size)
    func load<T: StoredScalar>(_: T.Type) -> T { order.load(T.self, 0, of: number) }
    return switch self {
    case .bool, .uint8: "\(load(UInt8.self))"
    case .int8: "\(load(Int8.self))"
    case .uint16: "\(load(UInt16.self))"
    case .uint32: "\(load(UInt32.self))"
    case .uint64: "\(load(UInt64.self))"
    case .int16: "\(load(Int16.self))"
    case .int32: "\(load(Int32.self))"
    case .int64: "\(load(Int64.self))"
    case .float16: "\(Float(binary16Bits: load(UInt16.self)))"
    case .float32: "\(load(Float.self))"
    case .float64: "\(load(Double.self))"
    }
  }

  @inline(__always)
  private static func packer<T: StoredScalar>(
    _ type: T.Type, _ rule: CellRule, _ order: ByteOrder, _ number: @escaping (T) -> Double
  ) -> CellPacker {
    let (off, on) = (rule.off, rule.on)
    return { bytes, count in
      let numbers = UnsafeRawBufferPointer(start: bytes, count: count * MemoryLayout<T.Bits>.size)
      var cells = Cells(on: 0)
      var offs: UInt64 = 0
      for index in 0..<count {
        let value = number(order.load(T.self, index, of: numbers))
        cells.on |= (value == on ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
        offs |= (value == off ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
      }
      cells.strange = ~(cells.on | offs) & mask(count)
      guard cells.strange != 0 || !rule.missing.isEmpty else { return cells }
      for index in 0..<count {
        let value = number(order.load(T.self, index, of: numbers))
        if value.isNaN || rule.missing.contains(value) {
          cells.missing |= 1 &<< UInt64(truncatingIfNeeded: index)
        }
      }
      cells.on &= ~cells.missing
      cells.strange &= ~cells.missing
      return cells
    }
  }
}

/// The first `count` bits, of at most 64.
func mask(_ count: Int) -> UInt64 { count >= 64 ? ~0 : 1 << UInt64(count) - 1 }

/// Packs bytes of 0 and 1, eight at a time.
///
/// Byte i of a word w holds bit i of the result, in its lowest place. The product of w with Σ 2^(56 − 7i) brings the bit
/// of byte i to place 8i + 56 − 7i = 56 + i; all other terms fall on places of their own, so nothing is carried.
private func packBytes(_ bytes: UnsafeRawPointer, _ count: Int) -> Cells {
  var on: UInt64 = 0
  var seen: UInt64 = 0
  var start = 0
  while start + 8 <= count {
    let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
    seen |= word
    on |= ((word &* 0x0102_0408_1020_4080) >> 56) &<< UInt64(truncatingIfNeeded: start)
    start += 8
  }
  while start < count {
    let byte = UInt64(bytes.load(fromByteOffset: start, as: UInt8.self))
    seen |= byte
    on |= (byte & 1) &<< UInt64(truncatingIfNeeded: start)
    start += 1
  }
  guard seen & 0xFEFE_FEFE_FEFE_FEFE != 0 else { return Cells(on: on) }
  var cells = Cells(on: 0)
  for index in 0..<count {
    let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
    cells.on |= (byte == 1 ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
    cells.strange |= (byte > 1 ? 1 : 0) &<< UInt64(truncatingIfNeeded: index)
  }
  return cells
}
