import Kernels
import Synchronization

/// A short description of a data set that tells it from another.
public struct DataFingerprint: Hashable, Sendable, Codable {
  /// The name of the data set.
  public let name: String
  /// The number of training rows.
  public let rowCount: Int
  /// The number of columns.
  public let columnCount: Int
  /// The CRC-32 of the packed training and validation rows, and of which cells are known where some are missing.
  public let checksum: UInt32
  /// How grey levels were binarized, if they were.
  public let binarization: String?

  /// Whether two data sets have the same bits, whatever their files are called.
  package func describesTheSameData(as other: DataFingerprint) -> Bool {
    checksum == other.checksum && rowCount == other.rowCount && columnCount == other.columnCount
      && binarization == other.binarization
  }

  /// Describes a data set.
  ///
  /// - Complexity: one pass over its rows; ask `DataSplits.fingerprint`, which keeps it.
  init(_ data: DataSplits) {
    name = data.name
    rowCount = data.trainingRows.rowCount
    columnCount = data.variableCount
    let parts = [
      data.validation, data.partialRows(.train)?.known, data.partialRows(.validation)?.known,
    ]
    checksum = parts.compactMap(\.self).reduce(data.trainingRows.checksum) {
      CRC32.joining($0, $1.checksum, byteCount: 8 * $1.rowCount * $1.wordsPerRow)
    }
    binarization = data.binarization?.description
  }
}

extension DataFingerprint: CustomStringConvertible {
  /// The description in words, such as `mnist: 50000 × 784, checksum 0a1b2c3d, stochastic, seed 2008`.
  public var description: String {
    let parts = [
      "\(name): \(rowCount) × \(columnCount)",
      "checksum " + CRC32.text(of: checksum), binarization,
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }
}

/// What is computed of a data set when it is first asked for, and then kept by all copies of the set.
final class KeptFigures: Sendable {
  private let fingerprint = Mutex<DataFingerprint?>(nil)
  private let marginals = Mutex<Matrix<Float>?>(nil)

  /// Returns the fingerprint of the one data set that this belongs to.
  func fingerprint(of data: DataSplits) -> DataFingerprint {
    fingerprint.withLock { kept in
      let fingerprint = kept ?? DataFingerprint(data)
      kept = fingerprint
      return fingerprint
    }
  }

  /// Returns the logits of the columns of its training rows, each by itself.
  ///
  /// - Throws: what reading the rows throws.
  func marginalLogits(of data: DataSplits) throws(DensityError) -> Matrix<Float> {
    try marginals.withLock { (kept) throws(DensityError) in
      if let kept { return kept }
      let logits = try IndependentBernoulli(marginalsOfSource: data.trainingRows).logits
      kept = logits
      return logits
    }
  }
}
