import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("MNIST")
struct MNISTTests {
  static let directory = packageRoot + "/Data/mnist"

  @Test("the standard split, and the fixed draw that Data/README.md states")
  func fixedDraw() throws {
    let mnist = try DataSplits.mnist(directory: Self.directory)
    #expect(mnist.name == "mnist" && mnist.variableCount == 784)
    #expect(mnist.imageShape == ImageShape(height: 28, width: 28))
    #expect(mnist.binarization == .stochastic(seed: 2008))
    #expect(try BinaryMatrix(mnist.trainingRows.rows(inPass: 1)) == mnist.train)
    let readme = try String(contentsOfFile: packageRoot + "/Data/README.md", encoding: .utf8)
    for (split, rowCount) in [(DataSplit.train, 50_000), (.validation, 10_000), (.test, 10_000)] {
      let rows = try #require(mnist[split])
      #expect(rows.rowCount == rowCount && rows.unusedBitsAreZero)
      let fraction = Double(rows.onBitCount) / Double(rowCount * 784)
      let line =
        "| \(split.rawValue) | \(rows.onBitCount) | \(String(format: "%.4f", fraction)) "
        + "| `\(sha256(TableFile.bytes(of: rows, as: .idx)))` |"
      #expect(readme.contains(line), "\(line)")
    }
    // The corners of the pictures are black.
    #expect(mnist.train.columnMeans[0] == 0 && mnist.train.columnMeans[783] == 0)
  }

  @Test("as many bits are on as the grey levels ask for")
  func onFraction() throws {
    let table = try DataTable.read(Self.directory + "/t10k-images-idx3-ubyte.gz")
    let grey = try #require(table.greyLevels)
    let mnist = try DataSplits.mnist(directory: Self.directory)
    #expect(try table.rows(split: .test) == mnist.test)
    var mean = 0.0
    var variance = 0.0
    for level in grey.levels {
      let p = Double(level) / 255
      mean += p
      variance += p * (1 - p)
    }
    // Beyond five standard deviations with probability below 6e-7.
    #expect(abs(Double(mnist.test?.onBitCount ?? 0) - mean) < 5 * variance.squareRoot())
    #expect(abs(mean / Double(grey.levels.count) - 0.1325) < 0.0001)
  }

  @Test("a fresh draw each epoch, of the training rows alone")
  func dynamic() throws {
    let mnist = try DataSplits.mnist(directory: Self.directory + "/", binarization: .dynamic(seed: 1))
    let first = try BinaryMatrix(mnist.trainingRows.rows(inPass: 0))
    let second = try BinaryMatrix(mnist.trainingRows.rows(inPass: 1))
    #expect(try first == BinaryMatrix(mnist.trainingRows.rows(inPass: 0)))
    #expect(first != second && first != mnist.train)
    #expect(first.rowCount == 50_000)
    let counts = [first, second, mnist.train].map { Double($0.onBitCount) / 5_120_000 }
    #expect(counts.allSatisfy { abs($0 - 1) < 0.01 })
  }

  /// Writes pictures of which each has its number in its first pixel.
  static func write(_ count: Int, height: Int = 2, width: Int = 3, to path: String) throws {
    let levels = (0..<count).flatMap { number in
      [UInt8(number % 2 * 255)] + [UInt8](repeating: 255, count: height * width - 1)
    }
    try IDXArray(dimensions: [count, height, width], elements: .uint8(levels)).write(to: path)
  }

  @Test(
    "the files under their other names",
    arguments: [
      ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "mnist"),
      ("train-images.idx3-ubyte", "t10k-images.idx3-ubyte", "mnist"),
      ("train-images.idx3.gz", "t10k-images-idx3-ubyte.gz", "mnist"),
      ("TRAIN-IMAGES.idx3-ubyte", "test-images-idx3-ubyte", "mnist"),
      (
        "emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-test-images-idx3-ubyte.gz",
        "emnist-letters"
      ),
      ("qmnist-train-images-idx3-ubyte", "qmnist-test-images-idx3-ubyte", "qmnist"),
    ])
  func names(train: String, test: String, set: String) throws {
    try withTemporaryDirectory { folder in
      try Self.write(12, to: folder + "/" + train)
      try Self.write(5, to: folder + "/" + test)
      // Labels and other files say nothing.
      try IDXArray(dimensions: [12], elements: .uint8(Array(repeating: 9, count: 12)))
        .write(to: folder + "/train-labels-idx1-ubyte")
      let data = try DataSplits.mnist(directory: folder, binarization: .middleThreshold)
      #expect(data.name == set && data.imageShape == ImageShape(height: 2, width: 3))
      #expect(data.train.rowCount == 10 && data.validation?.rowCount == 2 && data.test?.rowCount == 5)
      #expect((0..<10).allSatisfy { data.train[$0, 0] == ($0 % 2 == 1) })
      #expect(data.validation == data.train.rows(0..<2))
      #expect(data.train.onBitCount == 10 * 5 + 5)
    }
  }

  @Test("files that are missing, of another shape, or of several sets")
  func wrong() throws {
    let expected =
      "train-images-idx3-ubyte and t10k-images-idx3-ubyte, or these names with .idx3-ubyte or .idx3, "
      + "with a set's name and a dash before, with .gz behind"
    try withTemporaryDirectory { folder in
      #expect(throws: DensityError.missingFile(path: folder + "/none")) {
        try DataSplits.mnist(directory: folder + "/none")
      }
      #expect(throws: DensityError.mismatch(path: folder, expected: expected, found: "an empty folder")) {
        try DataSplits.mnist(directory: folder)
      }
      let train = folder + "/train-images-idx3-ubyte"
      try Self.write(4, to: train + ".gz")
      #expect(
        throws: DensityError.mismatch(
          path: folder, expected: expected, found: "\"train-images-idx3-ubyte.gz\"")
      ) { try DataSplits.mnist(directory: folder) }
      let test = folder + "/t10k-images-idx3-ubyte"
      try Self.write(4, height: 3, width: 2, to: test)
      #expect(
        throws: DensityError.mismatch(
          path: test, expected: "count × 2 × 3 unsigned bytes", found: "4 × 3 × 2 of uint8")
      ) { try DataSplits.mnist(directory: folder) }
      // A plain file goes before a compressed one.
      try IDXArray(dimensions: [3], elements: .int16([1, 2, 3])).write(to: train)
      #expect(
        throws: DensityError.mismatch(
          path: train, expected: "count × height × width unsigned bytes", found: "3 of int16")
      ) { try DataSplits.mnist(directory: folder) }
      try Self.write(4, to: folder + "/qmnist-train-images-idx3-ubyte")
      try Self.write(4, to: folder + "/qmnist-test-images-idx3-ubyte")
      #expect(
        throws: DensityError.mismatch(
          path: folder, expected: "the pictures of one set",
          found: "those of mnist, qmnist; put each into a folder of its own")
      ) { try DataSplits.mnist(directory: folder) }
    }
  }
}
