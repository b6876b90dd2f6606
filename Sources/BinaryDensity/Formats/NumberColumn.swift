/// A column of numbers that a `NumberWriter` has written, read block by block: text, NPY or IDX of 64-bit floats, gzip or not.
package enum NumberColumn {
  private static let blockLength = 1 << 16

  /// Calls `body` with the numbers in their order.
  ///
  /// - Throws: `DensityError.malformed` for a file of another kind, or one that ends early; what reading and `body` throw.
  package static func forEachBlock(
    of path: String, _ body: ([Double]) throws(DensityError) -> Void
  ) throws(DensityError) {
    let source = try ByteSource(path: path)
    let start = try source.peek(6)
    if start.starts(with: NPYHeader.magic) {
      let header = try NPYHeader.read(from: source)
      try check(source, header.type == .float64 ? header.dimensions : [])
      try forEachBlock(of: source, count: header.dimensions[0], order: header.order, body)
    } else if start.starts(with: [0, 0]) {
      let (type, dimensions) = try IDXArray.readHeader(from: source)
      try check(source, type == .float64 ? dimensions : [])
      try forEachBlock(of: source, count: dimensions[0], order: .big, body)
    } else {
      try forEachLine(of: source, body)
    }
  }

  private static func check(_ source: ByteSource, _ dimensions: [Int]) throws(DensityError) {
    guard dimensions.count != 1 else { return }
    throw source.malformed(at: 0, expected: "a column of 64-bit floats", found: "another array")
  }

  private static func forEachBlock(
    of source: ByteSource, count: Int, order: ByteOrder, _ body: ([Double]) throws(DensityError) -> Void
  ) throws(DensityError) {
    var rest = count
    while rest > 0 {
      let length = min(rest, blockLength)
      try body(source.takeNumbers(Double.self, count: length, order: order, of: "\(count) numbers"))
      rest -= length
    }
    try source.expectEnd()
  }

  private static func forEachLine(
    of source: ByteSource, _ body: ([Double]) throws(DensityError) -> Void
  ) throws(DensityError) {
    var (line, numbers, lineNumber) = ([UInt8](), [Double](), 0)
    while try source.takeLine(into: &line) {
      lineNumber += 1
      let text = String(decoding: line, as: UTF8.self)
      guard let number = Double(text) else {
        throw .malformed(
          path: source.path, at: .line(lineNumber), expected: "a number", found: quoted(text.utf8))
      }
      numbers.append(number)
      if numbers.count == blockLength {
        try body(numbers)
        numbers.removeAll(keepingCapacity: true)
      }
    }
    try body(numbers)
  }
}
