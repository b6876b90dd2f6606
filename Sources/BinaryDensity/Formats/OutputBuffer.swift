/// Bytes on their way to a destination, in pieces of a handy size, compressed or not.
struct OutputBuffer {
  /// What was not handed on yet.
  var bytes: [UInt8] = []
  /// Whether more is wanted.
  private(set) var goesOn = true
  /// Whether gzip is written: a member for every four mebibytes.
  let isCompressed: Bool
  private let sink: ([UInt8]) throws(DensityError) -> Bool

  /// The bytes of one gzip member, and of one piece that is handed on.
  private static let memberLength = 1 << 22
  static let pieceLength = 1 << 18

  /// - Parameter sink: takes the bytes in their order, and returns whether more are wanted.
  init(isCompressed: Bool, to sink: @escaping ([UInt8]) throws(DensityError) -> Bool) {
    self.isCompressed = isCompressed
    self.sink = sink
  }

  /// Hands on a whole piece.
  ///
  /// - Throws: what taking the bytes throws.
  mutating func flushIfFull() throws(DensityError) {
    if bytes.count >= (isCompressed ? Self.memberLength : Self.pieceLength) { try flush() }
  }

  /// Hands on what there is.
  ///
  /// - Throws: what taking the bytes throws.
  mutating func flush() throws(DensityError) {
    goesOn = try sink(isCompressed ? Gzip.compress(bytes) : bytes) && goesOn
    bytes.removeAll(keepingCapacity: true)
  }
}
