/// The numbers of an array of one axis, one after another.
struct NumberStream {
  let header: NPYHeader
  private let source: ByteSource
  private var numbers: [Double] = []
  private var cursor = 0
  /// How many numbers are still to be read.
  private var restCount: Int

  /// The numbers of the array.
  let count: Int

  /// - Throws: `malformed` for another number of axes.
  init(_ source: ByteSource) throws(DensityError) {
    self.source = source
    header = try NPYHeader.read(from: source)
    guard header.dimensions.count == 1, checkedProduct(of: [header.dimensions[0], 8]) != nil else {
      throw source.malformed(at: 8, expected: "an array of one axis", found: shapeText(header.dimensions))
    }
    count = header.dimensions[0]
    restCount = count
  }

  /// How much of the numbers was taken.
  var fraction: Double {
    count == 0 ? 1 : Double(count - restCount - (numbers.count - cursor)) / Double(count)
  }

  /// Takes the next number; nil after the last, where nothing may follow.
  mutating func next() throws(DensityError) -> Double? {
    if cursor == numbers.count {
      guard restCount > 0 else {
        try source.expectEnd()
        return nil
      }
      try fill()
    }
    defer { cursor += 1 }
    return numbers[cursor]
  }

  /// Takes the next number, which is to be an integer that no index exceeds.
  mutating func nextIndex(_ what: String, below limit: Int) throws(DensityError) -> Int {
    guard let number = try next() else { throw malformed("\(what)", "the end of the array") }
    guard let index = Int(exactly: number), index >= 0, index < limit else {
      throw malformed(
        "\(what) in 0 … \(limit - 1)", "\(Int(exactly: number).map(String.init) ?? "\(number)")")
    }
    return index
  }

  /// Returns an error about the numbers.
  func malformed(_ expected: String, _ found: String) -> DensityError {
    source.malformed(expected: expected, found: found)
  }

  private mutating func fill() throws(DensityError) {
    let size = header.type.size
    let (type, order) = (header.type, header.order)
    cursor = 0
    var decoded: [Double] = []
    let limit = restCount
    let taken = try source.takeAvailable(atLeast: size) { (bytes) throws(DensityError) in
      let count = min(bytes.count / size, limit)
      decoded = type.numbers(UnsafeRawBufferPointer(rebasing: bytes[..<(count * size)]), order)
      return count * size
    }
    guard taken > 0 else {
      throw source.endsEarly(expected: "\(count * size) bytes of elements (\(count))")
    }
    numbers = decoded
    restCount -= decoded.count
  }
}

extension NPYHeader.ElementType {
  /// Returns numbers of this type; those of 64 bits are rounded to 53.
  func numbers(_ bytes: UnsafeRawBufferPointer, _ order: ByteOrder) -> [Double] {
    func load<T: StoredScalar>(_: T.Type, _ number: (T) -> Double) -> [Double] {
      (0..<bytes.count / size).map { number(order.load(T.self, $0, of: bytes)) }
    }
    return switch self {
    case .bool, .uint8: load(UInt8.self) { Double($0) }
    case .int8: load(Int8.self) { Double($0) }
    case .uint16: load(UInt16.self) { Double($0) }
    case .uint32: load(UInt32.self) { Double($0) }
    case .uint64: load(UInt64.self) { Double($0) }
    case .int16: load(Int16.self) { Double($0) }
    case .int32: load(Int32.self) { Double($0) }
    case .int64: load(Int64.self) { Double($0) }
    case .float16: load(UInt16.self) { Double(Float(binary16Bits: $0)) }
    case .float32: load(Float.self) { Double($0) }
    case .float64: load(Double.self) { $0 }
    }
  }
}
