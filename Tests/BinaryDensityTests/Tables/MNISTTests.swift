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
    #expect(try BinaryMatrix(mnist.trainingRows.rows(inEpoch: 1)) == mnist.train)
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
    let first = try BinaryMatrix(mnist.trainingRows.rows(inEpoch: 0))
    let second = try BinaryMatrix(mnist.trainingRows.rows(inEpoch: 1))
    #expect(try first == BinaryMatrix(mnist.trainingRows.rows(inEpoch: 0)))
    #expect(first != second && first != mnist.train)
    #expect(first.rowCount == 50_000)
    let counts = [first, second, mnist.train].map { Double($0.onBitCount) / 5_120_000 }
    #expect(counts.allSatisfy { abs($0 - 1) < 0.01 })
  }

  @Test("files that are missing, or of another shape")
  func wrong() throws {
    try withTemporaryDirectory { folder in
      let plain = folder + "/train-images-idx3-ubyte"
      #expect(throws: DensityError.missingFile(path: plain + ".gz")) {
        try DataSplits.mnist(directory: folder)
      }
      let small = IDXArray(dimensions: [2, 28, 28], elements: .uint8(Array(repeating: 0, count: 1568)))
      try small.write(to: plain + ".gz")
      let expected = "60000 × 28 × 28 unsigned bytes"
      #expect(
        throws: DensityError.mismatch(
          path: plain + ".gz", expected: expected, found: "2 × 28 × 28 of uint8")
      ) { try DataSplits.mnist(directory: folder) }
      // A plain file goes before a compressed one.
      try IDXArray(dimensions: [3], elements: .int16([1, 2, 3])).write(to: plain)
      #expect(throws: DensityError.mismatch(path: plain, expected: expected, found: "3 of int16")) {
        try DataSplits.mnist(directory: folder)
      }
    }
  }
}
