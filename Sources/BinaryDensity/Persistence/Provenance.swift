/// Where the model of a checkpoint comes from.
public struct Provenance: Hashable, Sendable, Codable {
  /// The version of this package.
  public static let currentVersion = "0.1.0"

  /// The version of the package that has written the file.
  public var version = Self.currentVersion
  /// The data that it learnt from.
  public var data: DataFingerprint
  /// The number of rows that were held out to choose by.
  public var validationRowCount: Int
  /// The mean of −log p over these rows, in nats; nil if it was not measured.
  public var validationNLL: Double?
  /// Whether that is an estimate, as networks have where cells of the rows are missing; nil if not.
  public var validationIsEstimated: Bool?

  private enum CodingKeys: String, CodingKey {
    case version, data, validationRowCount
    // As the conversion from snake case writes it.
    case validationNLL = "validationNll"
    case validationIsEstimated
  }

  /// Describes a model of the rows of a data set.
  ///
  /// - Parameters:
  ///   - data: what it learnt from, and was chosen by.
  ///   - validationNLL: its figure; one that is not finite is none.
  ///   - isEstimated: whether that is an estimate.
  public init(_ data: DataSplits, validationNLL: Double? = nil, isEstimated: Bool = false) {
    self.data = data.fingerprint
    validationRowCount = data.validation?.rowCount ?? 0
    self.validationNLL = validationNLL.flatMap { $0.isFinite ? $0 : nil }
    validationIsEstimated = self.validationNLL != nil && isEstimated ? true : nil
  }
}

extension Provenance: CustomStringConvertible {
  /// In words, such as `votes: 391 × 17, checksum 0a1b2c3d; validation NLL 6.124 nats on 44 rows; by version 0.1.0`.
  public var description: String {
    let sign = validationIsEstimated == true ? "≈ " : ""
    let figure = validationNLL.map { "validation NLL \(sign)\(($0 * 1e4).rounded() / 1e4) nats on " }
    let rows = validationRowCount > 0 ? "\(figure ?? "chosen by ")\(validationRowCount) rows" : nil
    return ["\(data)", rows, "by version \(version)"].compactMap(\.self).joined(separator: "; ")
  }
}
