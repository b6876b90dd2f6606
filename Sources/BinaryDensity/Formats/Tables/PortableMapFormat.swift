/// Pictures in the portable formats PBM (bits) and PGM (grey levels): one or several in a file, each a row.
///
///     P1 plain bits     P2 plain grey     P4 bits, eight to a byte     P5 grey, one or two bytes each, big-endian
///
/// Then, with white space between and `#` comments, the width, the height and, for grey, the number of white.
/// - Source: the manual pages pbm(5) and pgm(5) of Netpbm.
struct PortableMapFormat: TableFormat {
  let name = "pbm"
  let summary = "pictures in PBM or PGM, one or several in a file: a row a picture"
  let hasWords = false

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    let bytes = Array(start.prefix(3))
    return bytes.count == 3 && bytes[0] == 0x50 && (0x31...0x37).contains(bytes[1])
      && (isSpace(bytes[2]) || bytes[2] == 0x23)
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    try PortableMapReader(source).selecting(options)
  }
}

/// What stands before the pixels of a picture.
struct PortableMapHeader: Equatable {
  /// Whether pixels are bits, and 1 is black.
  var isBitmap: Bool
  /// Whether pixels are digits.
  var isPlain: Bool
  var shape: ImageShape
  /// The number of white.
  var largest: Int

  /// Such as `PGM`.
  var name: String { isBitmap ? "PBM" : "PGM" }
  /// Whether pixels have more than two values.
  var isGrey: Bool { largest > 1 }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

/// The pictures of one file.
final class PortableMapReader: TableReader {
  let layout: TableLayout
  private var pictures: PortableMapPictures

  /// Reads the header of the first picture.
  init(_ source: ByteSource) throws(DensityError) {
    pictures = try PortableMapPictures(source)
    layout = pictures.header.layout
  }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var builder = BlockBuilder(columnCount: layout.columnCount, length: length)
    repeat {
      guard try pictures.add(to: &builder, body) else { return false }
    } while try pictures.beginNext()
    return try builder.finish(body)
  }
}

extension PortableMapHeader {
  var layout: TableLayout {
    TableLayout(
      columnCount: shape.pixelCount, imageShape: shape,
      dialect: "\(name), \(shape.height) × \(shape.width) pictures")
  }
}

/// The pictures of a file, one after another.
struct PortableMapPictures {
  let source: ByteSource
  /// That of the first picture; all others have the same size.
  let header: PortableMapHeader
  private var current: PortableMapHeader
  private var number = 1

  /// - Throws: `malformed` for what is no such picture.
  init(_ source: ByteSource) throws(DensityError) {
    self.source = source
    header = try Self.header(source)
    current = header
  }

  /// Reads the header of the next picture of the file, or returns false at the end.
  mutating func beginNext() throws(DensityError) -> Bool {
    // Plain pictures, and some programs after others, leave white space.
    while let byte = try source.peek(1).first, isSpace(byte) { _ = try source.takeByte() }
    guard try !source.isAtEnd() else { return false }
    let place = source.offset
    current = try Self.header(source)
    number += 1
    guard current.shape == header.shape, current.isGrey == header.isGrey else {
      throw source.malformed(
        at: place, expected: "picture \(number) to be as the first, \(Self.text(header))",
        found: Self.text(current))
    }
    return true
  }

  /// Reads the pixels of the picture into a row.
  mutating func add(
    to builder: inout BlockBuilder, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    if current.isGrey { return try builder.add(levels: try levels(), body) }
    return try builder.add(row: try bits()[...], missing: nil, body)
  }

  static func text(_ header: PortableMapHeader) -> String {
    "\(header.isGrey ? "grey" : "bits") of \(header.shape.height) × \(header.shape.width)"
  }

  // MARK: Pixels

  private func bits() throws(DensityError) -> [UInt64] {
    var words: [UInt64] = []
    var count = 0
    func append(_ bit: Bool) {
      if count % 64 == 0 { words.append(0) }
      if bit { words[words.count - 1] |= 1 << UInt64(count % 64) }
      count += 1
    }
    for _ in 0..<current.shape.height {
      var byte: UInt8 = 0
      for column in 0..<current.shape.width {
        if !current.isBitmap {
          append(try pixel() == 1)
        } else if current.isPlain {
          append(try digit())
        } else {
          // The first pixel is the highest bit, and every line begins a byte.
          if column % 8 == 0 { byte = try takeByte() }
          append(byte >> UInt8(7 - column % 8) & 1 == 1)
        }
      }
    }
    return words
  }

  private func levels() throws(DensityError) -> [UInt8] {
    var levels: [UInt8] = []
    let largest = current.largest
    for _ in 0..<current.shape.pixelCount {
      let pixel = try pixel()
      levels.append(UInt8(largest == 255 ? pixel : (pixel * 255 + largest / 2) / largest))
    }
    return levels
  }

  private func pixel() throws(DensityError) -> Int {
    let pixel: Int
    if current.isPlain {
      pixel = try Self.number(source, "a pixel")
    } else {
      let first = Int(try takeByte())
      pixel = current.largest > 255 ? first << 8 | Int(try takeByte()) : first
    }
    guard pixel <= current.largest else {
      throw source.malformed(
        at: source.offset - 1, expected: "a pixel of at most \(current.largest)", found: "\(pixel)")
    }
    return pixel
  }

  private func digit() throws(DensityError) -> Bool {
    while true {
      let byte = try takeByte()
      if byte == 0x30 || byte == 0x31 { return byte == 0x31 }
      if byte == 0x23 {
        try Self.skipComment(source)
      } else if !isSpace(byte) {
        throw source.malformed(at: source.offset - 1, expected: "a pixel 0 or 1", found: quoted([byte]))
      }
    }
  }

  private func takeByte() throws(DensityError) -> UInt8 {
    guard let byte = try source.takeByte() else {
      throw source.malformed(expected: "the pixels of \(Self.text(current))", found: "the end of the file")
    }
    return byte
  }

  // MARK: Headers

  private static func header(_ source: ByteSource) throws(DensityError) -> PortableMapHeader {
    let place = source.offset
    let magic = try source.take(2, of: "a picture in PBM or PGM")
    guard magic[0] == 0x50, let kind = UInt8(exactly: Int(magic[1]) - 0x30), (1...7).contains(kind) else {
      throw source.malformed(at: place, expected: "a picture in PBM or PGM", found: quoted(magic))
    }
    guard [1, 2, 4, 5].contains(kind) else {
      let words = kind == 7 ? "PAM (P7)" : "a picture in colour (P\(kind)); make it grey"
      throw source.malformed(at: place, expected: "PBM or PGM (P1, P2, P4, P5)", found: words)
    }
    let width = try number(source, "a width")
    let height = try number(source, "a height")
    let isBitmap = kind == 1 || kind == 4
    let largest = isBitmap ? 1 : try number(source, "the number of white")
    guard width > 0, height > 0, let count = checkedProduct(of: [width, height]), count <= 1 << 40 else {
      throw source.malformed(at: place, expected: "a picture of some pixels", found: "\(height) × \(width)")
    }
    guard (1...65_535).contains(largest) else {
      throw source.malformed(at: place, expected: "a number of white in 1 … 65535", found: "\(largest)")
    }
    return PortableMapHeader(
      isBitmap: isBitmap, isPlain: kind < 3, shape: ImageShape(height: height, width: width), largest: largest
    )
  }

  /// Takes a number after white space and comments, and the one byte that ends it.
  private static func number(_ source: ByteSource, _ what: String) throws(DensityError) -> Int {
    var number: Int?
    while let byte = try source.takeByte() {
      if (0x30...0x39).contains(byte) {
        guard number ?? 0 < 1 << 40 else {
          throw source.malformed(at: source.offset - 1, expected: what, found: "a number of many digits")
        }
        number = (number ?? 0) * 10 + Int(byte - 0x30)
      } else if byte == 0x23 {
        try skipComment(source)
        if let number { return number }
      } else if isSpace(byte) {
        if let number { return number }
      } else {
        throw source.malformed(at: source.offset - 1, expected: what, found: quoted([byte]))
      }
    }
    guard let number else { throw source.malformed(expected: what, found: "the end of the file") }
    return number
  }

  private static func skipComment(_ source: ByteSource) throws(DensityError) {
    while let byte = try source.takeByte(), byte != 0x0A, byte != 0x0D {}
  }
}
