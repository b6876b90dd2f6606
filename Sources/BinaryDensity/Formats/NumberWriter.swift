/// Writes a column of numbers as they come, such as log-probabilities: made by `TableFile.writingNumbers`.
///
/// NPY and IDX begin with how many there are, so that numbers wait for the last: in bounded memory, then in a file
/// without a name.
public final class NumberWriter {
  /// How many numbers were written.
  public private(set) var count = 0
  private let format: TableFile.Format
  private var output: OutputBuffer
  /// The numbers of a format that begins with how many there are.
  private let held: HeldNumbers<Double>

  init(
    _ format: TableFile.Format, path: String, isCompressed: Bool,
    to sink: @escaping ([UInt8]) throws(DensityError) -> Bool
  ) {
    precondition(format.holdsNumbers, "\(format) holds no numbers")
    self.format = format
    output = OutputBuffer(isCompressed: isCompressed, to: sink)
    held = HeldNumbers(for: path)
  }

  /// Writes numbers.
  ///
  /// - Throws: `DensityError.unwritable`.
  public func write(_ numbers: [Double]) throws(DensityError) {
    count += numbers.count
    guard !format.beginsWithCount else { return try held.add(numbers) }
    try encode(numbers)
  }

  private func encode(_ numbers: [Double]) throws(DensityError) {
    output.bytes += TableFile.bytes(ofElements: numbers, as: format)
    try output.flushIfFull()
  }

  /// Writes what is left.
  func finish() throws(DensityError) {
    if format.beginsWithCount {
      output.bytes = TableFile.beginning(ofNumbers: count, as: format)
      try held.forEachBlock(encode)
    }
    // An empty file, too, is a gzip member.
    if !output.bytes.isEmpty || (output.isCompressed && count == 0) { try output.flush() }
  }
}
