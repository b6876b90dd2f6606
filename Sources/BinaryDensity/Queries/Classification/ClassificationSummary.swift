import Essentials

/// How well probabilities of classes fit the classes that rows have.
public struct ClassificationSummary: Hashable, Sendable, Codable {
  /// Rows whose most probable class has a probability in a range.
  public struct Bin: Hashable, Sendable, Codable {
    /// How many there are.
    public let rowCount: Int
    /// The mean probability of their most probable classes; 0 without rows.
    public let confidence: Double
    /// The share of them whose class it is; 0 without rows.
    public let accuracy: Double
  }

  /// The number of rows.
  public let rowCount: Int
  /// How many of them have another class than the most probable.
  public let errorCount: Int
  /// The mean of −log p(c | x) of the rows' classes, in nats.
  public let logLoss: Double
  /// The standard error of that mean; nil for a single row.
  public let logLossError: Double?
  /// Ranges of equal width of the probability of the most probable class, from 0 to 1.
  public let bins: [Bin]
  /// `confusion[c][k]`: how many rows of class c have k as the most probable.
  public let confusion: [[Int]]

  /// The number of ranges.
  public static let binCount = 15

  /// The share of rows that have another class than the most probable.
  public var error: Double { Double(errorCount) / Double(max(1, rowCount)) }
  /// The standard error of that share, √(e (1 − e) / rows).
  public var errorError: Double { (error * (1 - error) / Double(max(1, rowCount))).squareRoot() }

  /// The expected calibration error: the mean over rows of |accuracy − confidence| of their range.
  ///
  /// - Source: Naeini, Cooper, Hauskrecht, AAAI 2015; 15 ranges as in Guo et al., ICML 2017, equation 3.
  public var calibrationError: Double {
    bins.reduce(0) { $0 + Double($1.rowCount) * abs($1.accuracy - $1.confidence) } / Double(max(1, rowCount))
  }

  /// Compares scores with classes.
  ///
  /// - Parameters:
  ///   - scores: log p(x, c).
  ///   - labels: the class of each row.
  ///   - temperature: what the scores are divided by.
  /// - Precondition: a class for each row, and a positive temperature.
  public init(_ scores: ClassScores, labels: [Int], temperature: Double = 1) {
    precondition(labels.count == scores.rowCount, "\(labels.count) labels of \(scores.rowCount) rows")
    precondition(temperature > 0, "a temperature is positive, not \(temperature)")
    let count = scores.classCount
    precondition(labels.allSatisfy { (0..<count).contains($0) }, "labels are classes 0..<\(count)")
    rowCount = labels.count
    var (errors, sum, squares) = (0, 0.0, 0.0)
    var tallies = [(rows: Int, confidence: Double, right: Int)](repeating: (0, 0, 0), count: Self.binCount)
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for (row, (label, best)) in zip(labels, scores.mostProbable()).enumerated() {
      let logPosteriors = scores.logPosteriors(ofRow: row, inverseTemperature: 1 / temperature)
      let loss = -logPosteriors[label]
      sum += loss
      squares += loss * loss
      if best != label { errors += 1 }
      confusion[label][best] += 1
      let confidence = exp(logPosteriors[best])
      let bin = min(Self.binCount - 1, Int(confidence * Double(Self.binCount)))
      tallies[bin].rows += 1
      tallies[bin].confidence += confidence
      tallies[bin].right += best == label ? 1 : 0
    }
    errorCount = errors
    let rows = Double(max(1, labels.count))
    logLoss = sum / rows
    logLossError =
      labels.count > 1
      ? (max(0, squares / rows - logLoss * logLoss) / (rows - 1)).squareRoot() : nil
    bins = tallies.map {
      Bin(
        rowCount: $0.rows, confidence: $0.rows == 0 ? 0 : $0.confidence / Double($0.rows),
        accuracy: $0.rows == 0 ? 0 : Double($0.right) / Double($0.rows))
    }
    self.confusion = confusion
  }
}

extension LabelledDensity {
  /// Classifies the validation and the test rows, as far as there are any with labels and no cell is missing.
  ///
  /// - Parameters:
  ///   - labelled: the rows with their labels.
  ///   - observe: is told which rows are classified and the fraction done, and returns whether to go on.
  /// - Returns: how well; nil if `observe` said to stop.
  /// - Throws: `DensityError.undefined` for a row whose log p is not a number, and what `observe` throws.
  public func measureClassification(
    heldOutOf labelled: LabelledSplits,
    observing observe: (DataSplit, Double) throws(DensityError) -> Bool = { _, _ throws(DensityError) in true
    }
  ) throws(DensityError) -> [(split: DataSplit, summary: ClassificationSummary)]? {
    var summaries: [(split: DataSplit, summary: ClassificationSummary)] = []
    for split in [DataSplit.validation, .test] {
      guard let rows = labelled.data[split], rows.rowCount > 0, let labels = labelled[split],
        labelled.data.partialRows(split) == nil
      else { continue }
      let scores = try classScores(of: rows) { (fraction) throws(DensityError) in try observe(split, fraction)
      }
      guard let scores else { return nil }
      summaries.append((split, ClassificationSummary(scores, labels: labels, temperature: temperature)))
    }
    return summaries
  }
}
