/// A data set whose rows have labels.
///
///     let data = try DataSplits.mnist(directory: "Data/mnist")
///     let labels = try RowLabels.mnist(directory: "Data/mnist")
///     let labelled = try LabelledSplits(data, labels)
///     print(labelled.classes, labelled.classCounts)
public struct LabelledSplits: Sendable {
  /// The rows, without their labels.
  public let data: DataSplits
  /// The classes: the labels of the training rows, numbers by their size, other words by the alphabet.
  public let classes: [String]
  private let labels: [DataSplit: [Int]]

  /// Puts rows and labels together; only the test rows may do without.
  ///
  /// - Throws: `DensityError.mismatch` for labels of another number than rows, or where all are the same; `.malformed` for
  ///   a label of validation or test rows that no training row has.
  public init(_ data: DataSplits, _ labels: [DataSplit: RowLabels]) throws(DensityError) {
    guard let training = labels[.train] else {
      throw .invalidConfiguration("\(data.name): the training rows have no labels")
    }
    classes = training.classes
    var indices: [DataSplit: [Int]] = [:]
    for split in DataSplit.allCases {
      guard let rows = data[split], let words = labels[split] else { continue }
      try words.check(rowCount: rows.rowCount, of: "\(data.name) (\(split.rawValue))")
      indices[split] = try words.indices(in: classes)
    }
    guard classes.count > 1 else {
      throw .mismatch(
        path: training.path, expected: "labels of at least two classes",
        found: classes.first.map { "\(quoted($0.utf8)) alone" } ?? "none")
    }
    self.data = data
    self.labels = indices
    if let rows = data.validation, rows.rowCount > 0, indices[.validation] == nil {
      throw .invalidConfiguration("\(data.name): the validation rows have no labels")
    }
    try checkClasses("; leave it out, or give it one")
  }

  private init(_ data: DataSplits, classes: [String], labels: [DataSplit: [Int]]) {
    (self.data, self.classes, self.labels) = (data, classes, labels)
  }

  /// Checks that each class has a training row.
  ///
  /// - Parameter advice: what to say of one that has none.
  private func checkClasses(_ advice: String) throws(DensityError) {
    if let empty = classCounts.firstIndex(of: 0) {
      throw .invalidConfiguration(
        "\(data.name): class \(quoted(classes[empty].utf8)) has no training row\(advice)")
    }
  }

  /// The class of each row of a part; nil if the part is not there.
  public subscript(split: DataSplit) -> [Int]? { labels[split] }

  /// How many training rows each class has.
  public var classCounts: [Int] {
    var counts = [Int](repeating: 0, count: classes.count)
    for label in labels[.train] ?? [] { counts[label] += 1 }
    return counts
  }

  /// Returns the data set with a part of its training rows held out, as `DataSplits.holdingOutValidation` does.
  ///
  /// - Throws: `DensityError.invalidConfiguration` if that takes a class's last training row.
  /// - Precondition: there is no validation part yet.
  public func holdingOutValidation(fraction: Double = 0.1, seed: UInt64) throws(DensityError)
    -> LabelledSplits
  {
    let training = labels[.train] ?? []
    guard training.count >= 2 else { return self }
    let heldOut = DataSplits.heldOutRows(
      of: training.count, fraction: fraction, atMost: DataSplits.usualValidationLimit, seed: seed)
    var labels = labels
    labels[.train] = DataSplits.otherRows(than: heldOut, of: training.count).map { training[$0] }
    labels[.validation] = heldOut.map { training[$0] }
    let result = LabelledSplits(
      try data.holdingOutValidation(fraction: fraction, seed: seed), classes: classes, labels: labels)
    try result.checkClasses(
      " left, for a part is held out for validation; give it more rows, or name a validation table")
    return result
  }

  /// Returns the training and validation rows of one class.
  func rows(ofClass index: Int) -> DataSplits {
    var rows: [DataSplit: [Int]] = [:]
    for split in [DataSplit.train, .validation] {
      guard let labels = labels[split] else { continue }
      let own = labels.indices.filter { labels[$0] == index }
      if split == .train || !own.isEmpty { rows[split] = own }
    }
    return data.selecting(rows)
  }

  /// Returns the training and validation rows with one bit for each class before them, of which that of the row's is on.
  ///
  /// - Throws: `DensityError.invalidConfiguration` for rows with missing cells, or drawn anew in each epoch.
  package func rowsAfterClasses() throws(DensityError) -> DataSplits {
    if let split = DataSplit.allCases.first(where: { data.partialRows($0) != nil }) {
      throw .invalidConfiguration(
        "\(data.path(of: split)): cells are missing, and one network for all classes takes complete rows; --per-class trains one a class"
      )
    }
    if data.binarization?.isDynamic ?? false {
      throw .invalidConfiguration(
        "\(data.name): rows that are drawn anew in each epoch go with --per-class, not with one network for all classes"
      )
    }
    func extended(_ split: DataSplit) -> BinaryMatrix? {
      guard let rows = data[split], let labels = labels[split] else { return nil }
      if rows.isListed {
        var lists = OnBitLists()
        for row in 0..<rows.rowCount {
          lists.append([UInt32(labels[row])] + rows.onBits(ofRow: row).map { UInt32(classes.count + $0) })
        }
        return BinaryMatrix(columnCount: classes.count + rows.columnCount, lists: lists)
      }
      var result = BinaryMatrix(rowCount: rows.rowCount, columnCount: classes.count + rows.columnCount)
      for row in 0..<rows.rowCount {
        result.turnOn(row, labels[row])
        for column in rows.onBits(ofRow: row) { result.turnOn(row, classes.count + column) }
      }
      return result
    }
    var result = DataSplits(
      name: data.name, train: extended(.train) ?? data.train, validation: extended(.validation), test: nil,
      imageShape: nil, binarization: data.binarization, trainLevels: nil)
    result.picture = data.imageShape.map { PicturePlace(shape: $0, firstColumn: classes.count) }
    return result
  }
}

extension RowLabels {
  /// Reads the labels that stand beside the pictures `DataSplits.mnist(directory:)` reads: files of the same names with
  /// `labels` for `images` and `idx1` for `idx3`, plain or with `.gz`.
  ///
  /// - Throws: `DensityError.missingFile` where one is not there, and what `read(_:)` throws.
  public static func mnist(directory: String) throws(DensityError) -> [DataSplit: RowLabels] {
    let files = try PictureFiles(in: directory)
    let names = try Folder.names(in: directory)
    func labels(beside pictures: String) throws(DensityError) -> RowLabels {
      var name = String(pictures.split(separator: "/").last ?? "")
      if name.lowercased().hasSuffix(".gz") { name.removeLast(3) }
      name = name.replacing("images", with: "labels").replacing("idx3", with: "idx1")
      guard let file = [name, name + ".gz"].first(where: names.contains) else {
        throw .missingFile(path: Folder.path(directory, name))
      }
      return try read(Folder.path(directory, file))
    }
    let training = try labels(beside: files.train)
    let learned = 0..<min(training.count, max(1, training.count * 5 / 6))
    return [
      .train: training.rows(learned), .validation: training.rows(learned.upperBound..<training.count),
      .test: try labels(beside: files.test),
    ]
  }
}
