#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension DataSplits {
  /// Reads MNIST in its standard split of 50 000, 10 000 and 10 000 images of 28 × 28 pixels.
  ///
  /// The first 50 000 images of `train-images-idx3-ubyte` are for training and its last 10 000 for
  /// validation; those of `t10k-images-idx3-ubyte` are for testing. Either file may be plain or end in `.gz`.
  /// Labels are not read: a density needs none. A stochastic draw takes the row of an image in its file, so
  /// validation rows are rows 50 000 … 59 999 of the stream `.train`.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`, `.malformed`; `.mismatch` for a sound file of
  ///   another shape.
  /// - Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
  public static func mnist(
    directory: String, binarization: Binarization = .standard
  ) throws(DensityError) -> DataSplits {
    let train = try mnistImages("train-images-idx3-ubyte", in: directory, count: 60_000)
    let test = try mnistImages("t10k-images-idx3-ubyte", in: directory, count: 10_000)
    let rows = train.binarized(binarization, split: .train)
    let learned = 0..<50_000
    return DataSplits(
      name: "mnist", train: rows.rows(learned), validation: rows.rows(50_000..<60_000),
      test: test.binarized(binarization, split: .test), imageShape: train.imageShape,
      binarization: binarization, trainLevels: binarization.isDynamic ? train.rows(learned) : nil)
  }

  private static func mnistImages(
    _ name: String, in directory: String, count: Int
  ) throws(DensityError) -> GreyLevels {
    let plain = directory.hasSuffix("/") ? directory + name : directory + "/" + name
    // If neither stands there, the error names the file as it is distributed.
    let path = access(plain, F_OK) == 0 ? plain : plain + ".gz"
    let array = try IDXArray.read(path)
    guard case .uint8(let levels) = array.elements, array.dimensions == [count, 28, 28] else {
      throw .mismatch(
        path: path, expected: "\(count) × 28 × 28 unsigned bytes",
        found: "\(shapeText(array.dimensions)) of \(array.elements.type)")
    }
    return GreyLevels(
      rowCount: count, columnCount: 28 * 28, levels: levels, imageShape: ImageShape(height: 28, width: 28))
  }
}

extension Binarization {
  /// Whether the training rows change from epoch to epoch.
  public var isDynamic: Bool {
    if case .dynamic = self { true } else { false }
  }
}
