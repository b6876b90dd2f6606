import Kernels

extension DataSplits {
  /// Creates a data set whose training rows are read from their source as they are wanted, and of which `train` is a sample.
  ///
  /// - Throws: what reading the sample throws.
  /// - Precondition: the source has two rows or more; all parts have the same columns.
  init(
    name: String, sampling source: any RowSource, validation: BinaryMatrix?, test: BinaryMatrix?,
    imageShape: ImageShape?, partial: [DataSplit: PartialRows] = [:]
  ) throws(DensityError) {
    self.init(
      name: name, train: try source.sample(), validation: validation, test: test, imageShape: imageShape,
      binarization: nil, trainLevels: nil, otherSource: source, partial: partial)
  }
}

extension RowSource {
  /// The most rows of a sample, and the most bytes.
  private static var sampleLimit: (rows: Int, bytes: Int) { (1 << 20, 64 << 20) }

  /// Returns up to a million of the rows, drawn from the blocks of a shuffle's first window, so that not all are read.
  func sample() throws(DensityError) -> BinaryMatrix {
    let batchSize = 256
    let count = min(
      rowCount / 2, Self.sampleLimit.rows,
      max(batchSize, Self.sampleLimit.bytes / (8 * ((columnCount + 63) / 64))))
    // A pass that no training reaches.
    let batches = ShuffledBatches(
      rowCount: rowCount, columnCount: columnCount, batchSize: batchSize, seed: 0, pass: 1 << 40)
    // What it keeps of the file goes with it.
    let source = rows(inPass: 0)
    var parts: [BinaryMatrix] = []
    var taken = 0
    for batch in batches {
      parts.append(try source.bits(ofRows: Array(batch.prefix(count - taken))))
      taken += parts[parts.count - 1].rowCount
      if taken == count { break }
    }
    return BinaryMatrix(concatenating: parts, columnCount: columnCount)
  }
}
