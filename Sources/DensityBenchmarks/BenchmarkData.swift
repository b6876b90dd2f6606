import BinaryDensity
import Foundation
import Kernels

/// The rows that the benchmark trains on and asks about.
struct BenchmarkData {
  let name: String
  let rows: BinaryMatrix

  /// MNIST's training rows, one fixed binarization, if the folder is there; otherwise random rows of their kind.
  ///
  /// - Throws: `DensityError` for a folder that is there and does not hold MNIST.
  init(directory: String) throws(DensityError) {
    if FileManager.default.fileExists(atPath: directory) {
      self.init(name: "MNIST binarized", rows: try DataSplits.mnist(directory: directory).train)
    } else {
      self = .random(rowCount: 20_000, columnCount: 784, share: 0.13)
    }
  }

  init(name: String, rows: BinaryMatrix) {
    self.name = name
    self.rows = rows
  }

  /// Rows of independent bits; 13 % of MNIST's pixels are on.
  static func random(rowCount: Int, columnCount: Int, share: Float) -> BenchmarkData {
    var generator = Philox(seed: 1)
    return BenchmarkData(
      name: "random",
      rows: BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { _, _ in
        Float.random(in: 0..<1, using: &generator) < share
      })
  }

  /// The share of bits that are on.
  var onShare: Double { Double(rows.onBitCount) / Double(max(1, rows.rowCount * rows.columnCount)) }

  /// The rows in a line.
  var description: String {
    "\(rows.rowCount) rows of \(rows.columnCount) variables (\(name)), \(significant(100 * onShare)) % on"
  }

  var json: JSONValue {
    [
      "name": .string(name), "rows": .integer(rows.rowCount), "variables": .integer(rows.columnCount),
      "share_on": .real(onShare),
    ]
  }
}
