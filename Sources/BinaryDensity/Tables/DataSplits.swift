import Kernels

/// Which part of a data set.
public enum DataSplit: String, CaseIterable, Hashable, Sendable, Codable {
  /// The rows a model learns from.
  case train
  /// The rows that decide when to stop and what to keep.
  case validation
  /// The rows that figures are reported on.
  case test

  /// The index of the stream that the split's fixed draw takes.
  var streamIndex: UInt64 {
    switch self {
    case .train: 0
    case .validation: 1
    case .test: 2
    }
  }
}

/// A data set in its parts: rows to learn from, and rows to stop and to report by.
///
///     let mnist = try DataSplits.mnist(directory: "Data/mnist")
///     print(mnist.train)  // 50000 × 784 bits
public struct DataSplits: Sendable {
  /// What the data set is called.
  public let name: String
  /// The training rows; for dynamic binarization, their fixed draw; of a packed file that is too large to be held, a sample of
  /// them (`isSampled`).
  ///
  /// A missing cell is off, here and in the other parts: see `partialRows(_:)`.
  public let train: BinaryMatrix
  /// The validation rows, if there are any.
  public let validation: BinaryMatrix?
  /// The test rows, if there are any.
  public let test: BinaryMatrix?
  /// The height and width of the picture a row is, if it is one.
  public let imageShape: ImageShape?
  /// Where in a row the pixels stand, if it is a picture or one follows the bits of a class.
  package internal(set) var picture: PicturePlace?
  /// The names of the columns, if the training table has any.
  public private(set) var columnNames: [String]?
  /// How other tables of its kind are to be read.
  var reading: TableReading { TableReading(binarization: binarization, values: values, indexBase: indexBase) }
  /// Columns of which exactly one is on in every row, if some were said to be such.
  public private(set) var groups: ColumnGroups?
  private var values: TableOptions.Values?
  private var indexBase: Int?
  /// How the tables were taken that it was read from: of each the path, and words for a person.
  public private(set) var sources: [TableSource] = []
  private var paths: [DataSplit: String] = [:]
  /// How grey levels became bits; nil where the data already were bits.
  public let binarization: Binarization?
  /// The grey levels of the training rows, kept for dynamic binarization only.
  private let trainLevels: GreyLevels?
  /// What training rows are read from, if not from `train` or drawn from the levels.
  private let otherSource: (any RowSource)?
  /// The parts that have missing cells.
  private let partial: [DataSplit: PartialRows]
  private let figures = KeptFigures()

  /// Creates a data set from rows of bits.
  ///
  /// - Precondition: all parts have the same columns, and an image shape has as many pixels.
  public init(
    name: String, train: BinaryMatrix, validation: BinaryMatrix? = nil, test: BinaryMatrix? = nil,
    imageShape: ImageShape? = nil
  ) {
    self.init(
      name: name, train: train, validation: validation, test: test, imageShape: imageShape,
      binarization: nil, trainLevels: nil)
  }

  /// Creates a data set from rows of which cells may be missing.
  ///
  /// - Precondition: as of rows of bits.
  public init(
    name: String, train: PartialRows, validation: PartialRows? = nil, test: PartialRows? = nil,
    imageShape: ImageShape? = nil
  ) {
    self.init(
      name: name, train: train.values, validation: validation?.values, test: test?.values,
      imageShape: imageShape, binarization: nil, trainLevels: nil,
      partial: [.train: train, .validation: validation, .test: test].compactMapValues(\.self))
  }

  init(
    name: String, train: BinaryMatrix, validation: BinaryMatrix?, test: BinaryMatrix?,
    imageShape: ImageShape?, binarization: Binarization?, trainLevels: GreyLevels?,
    otherSource: (any RowSource)? = nil, partial: [DataSplit: PartialRows] = [:]
  ) {
    for part in [validation, test] {
      precondition(
        part.map { $0.columnCount == train.columnCount } ?? true,
        "parts of \(train.columnCount) and \(part?.columnCount ?? 0) columns are not one data set")
    }
    precondition(
      imageShape.map { $0.pixelCount == train.columnCount } ?? true,
      "a row of \(train.columnCount) columns is not a picture of \(String(describing: imageShape))")
    self.name = name
    self.train = train
    self.validation = validation
    self.test = test
    self.imageShape = imageShape
    picture = imageShape.map { PicturePlace(shape: $0) }
    self.binarization = binarization
    if case .dynamic = binarization { self.trainLevels = trainLevels } else { self.trainLevels = nil }
    self.otherSource = otherSource
    self.partial = partial.filter { !$0.value.isComplete }
  }

  /// The number of variables D, the columns of every part.
  public var variableCount: Int { train.columnCount }

  /// The rows of a part.
  public subscript(split: DataSplit) -> BinaryMatrix? {
    switch split {
    case .train: train
    case .validation: validation
    case .test: test
    }
  }

  /// The rows of a part and which of their cells are known, where cells of it are missing; nil where none is.
  public func partialRows(_ split: DataSplit) -> PartialRows? { partial[split] }

  /// Whether each epoch draws the training rows anew, from grey levels.
  var drawsRowsAnew: Bool { trainLevels != nil }

  /// The training rows as a source: `train`, or for dynamic binarization what draws them anew in each epoch.
  public var trainingRows: any RowSource {
    if let otherSource { return otherSource }
    guard case .dynamic(let seed) = binarization, let trainLevels else { return train }
    return DynamicBinarization(trainLevels, fixed: train, seed: seed)
  }

  /// Whether at most one training cell in 32 is on.
  ///
  /// A network of such a table spends long on learning how rare its columns are, unless its output biases begin there
  /// (`TrainingConfiguration.startsAtMarginals`).
  public var hasFewOnBits: Bool { 32 * train.onBitCount <= train.rowCount * train.columnCount }

  /// Whether `train` is a sample of the training rows, which are read as they are wanted (`trainingRows`).
  ///
  /// What is not trained by gradients is then fitted to the sample.
  public var isSampled: Bool { otherSource.map { $0.rowCount != train.rowCount } ?? false }

  /// The number of training rows, those that a sample leaves out included.
  public var trainingRowCount: Int { trainingRows.rowCount }

  /// Returns the logits of the columns of the training rows, each by itself; computed once, whoever asks.
  ///
  /// - Throws: what reading the rows throws.
  func marginalLogits() throws(DensityError) -> Matrix<Float> { try figures.marginalLogits(of: self) }

  /// What tells the data set from another; computed once, whoever asks.
  public var fingerprint: DataFingerprint { figures.fingerprint(of: self) }

  /// Returns the data set with a part of its training rows held out for validation instead.
  ///
  /// At least one row is held out and at least one is kept; a single row stays where it is. More than `limit` rows would tell
  /// little more, and take their time whenever they are measured. The rows of both parts keep their order. Which rows are held out depends on the seed alone. A fresh draw of dynamic
  /// binarization then goes by the place of a row among those kept.
  /// - Precondition: there is no validation part yet, `0 < fraction < 1` and `limit > 0`.
  /// - Throws: what reading rows throws that are not held in memory.
  public func holdingOutValidation(
    fraction: Double = 0.1, atMost limit: Int = Self.usualValidationLimit, seed: UInt64
  ) throws(DensityError) -> DataSplits {
    precondition(validation == nil, "\(name) already has validation rows")
    precondition(
      fraction > 0 && fraction < 1 && limit > 0,
      "at most \(limit) rows, a fraction of \(fraction), cannot be held out")
    guard train.rowCount >= 2 else { return self }
    let heldOut = Self.heldOutRows(of: trainingRowCount, fraction: fraction, atMost: limit, seed: seed)
    if let otherSource, isSampled {
      return try DataSplits(
        name: name, sampling: RemainingRows(otherSource, without: heldOut),
        validation: otherSource.rows(inPass: 0).bits(ofRows: heldOut), test: test, imageShape: imageShape,
        partial: partial
      ).described(as: self)
    }
    let kept = Self.otherRows(than: heldOut, of: train.rowCount)
    var partial = partial
    partial[.train] = self.partial[.train]?.selecting(kept)
    partial[.validation] = self.partial[.train]?.selecting(heldOut)
    return DataSplits(
      name: name, train: train.selecting(kept), validation: train.selecting(heldOut),
      test: test, imageShape: imageShape, binarization: binarization,
      trainLevels: trainLevels?.selecting(kept), partial: partial
    ).described(as: self)
  }

  /// How many rows are held out at the most where nothing else is said.
  public static let usualValidationLimit = 20_000

  /// Returns which of at least two rows are held out, ascending.
  static func heldOutRows(of rowCount: Int, fraction: Double, atMost limit: Int, seed: UInt64) -> [Int] {
    let share = min(max(Int((Double(rowCount) * fraction).rounded()), 1), rowCount - 1)
    var generator = Philox(seed: seed, stream: .heldOutRows)
    return generator.distinctIntegers(min(share, limit), below: rowCount).sorted()
  }

  /// Returns the other rows than some, both ascending.
  static func otherRows(than rows: [Int], of rowCount: Int) -> [Int] {
    var next = rows[...]
    return (0..<rowCount).filter { row in
      guard next.first == row else { return true }
      next.removeFirst()
      return false
    }
  }

  /// Returns the data set with some rows of its parts; a part of which none are named is left out.
  ///
  /// - Parameter rows: the rows of each part, in the order wanted; those of training are needed.
  /// - Precondition: training rows are held.
  func selecting(_ rows: [DataSplit: [Int]]) -> DataSplits {
    func selected(_ split: DataSplit) -> BinaryMatrix? {
      rows[split].flatMap { self[split]?.selecting($0) }
    }
    precondition(!isSampled, "rows of a sample are not those of the table")
    let training = rows[.train] ?? []
    return DataSplits(
      name: name, train: train.selecting(training), validation: selected(.validation), test: selected(.test),
      imageShape: imageShape, binarization: binarization, trainLevels: trainLevels?.selecting(training),
      partial: rows.reduce(into: [:]) { $0[$1.key] = partial[$1.key]?.selecting($1.value) }
    ).described(as: self)
  }

  /// Returns the data set with training rows that a trainer reads from another source, which has those of `train`.
  ///
  /// - Precondition: the source has the shape of `train`.
  package func reading(trainingRows source: any RowSource) -> DataSplits {
    precondition(
      source.rowCount == train.rowCount && source.columnCount == train.columnCount,
      "\(source.rowCount) × \(source.columnCount) rows are not \(train)")
    return DataSplits(
      name: name, train: train, validation: validation, test: test, imageShape: imageShape,
      binarization: binarization, trainLevels: nil, otherSource: source, partial: partial
    ).described(as: self)
  }

  /// Returns the data set with these rows, of which all cells are known, as its validation rows.
  package func validating(by rows: BinaryMatrix) -> DataSplits {
    DataSplits(
      name: name, train: train, validation: rows, test: test, imageShape: imageShape,
      binarization: binarization, trainLevels: trainLevels, otherSource: otherSource,
      partial: partial.filter { $0.key != .validation }
    ).described(as: self)
  }

  /// Returns the data set without its test rows and with those of a part, or none, as validation rows.
  func withoutTest(validation split: DataSplit?) -> DataSplits {
    DataSplits(
      name: name, train: train, validation: split.flatMap { self[$0] }, test: nil, imageShape: imageShape,
      binarization: binarization, trainLevels: trainLevels, otherSource: otherSource,
      partial: [.train: partial[.train], .validation: split.flatMap { partial[$0] }]
        .compactMapValues(\.self)
    ).described(as: self)
  }

  /// Returns the data set with no more than `limit` of its validation rows, in their order.
  func limitingValidation(to limit: Int = Self.usualValidationLimit, seed: UInt64) -> DataSplits {
    guard let validation, validation.rowCount > limit else { return self }
    var generator = Philox(seed: seed, stream: .heldOutRows, index: 1)
    let rows = generator.distinctIntegers(limit, below: validation.rowCount).sorted()
    var partial = partial
    partial[.validation] = self.partial[.validation]?.selecting(rows)
    return DataSplits(
      name: name, train: train, validation: validation.selecting(rows), test: test, imageShape: imageShape,
      binarization: binarization, trainLevels: trainLevels, otherSource: otherSource, partial: partial
    ).described(as: self)
  }

  /// Returns the data set with the names of another's columns and the other's sources.
  package func described(as other: DataSplits) -> DataSplits {
    var result = described(
      columnNames: other.columnNames, sources: other.sources, paths: other.paths, values: other.values)
    (result.indexBase, result.picture, result.groups) = (other.indexBase, other.picture, other.groups)
    return result
  }

  /// Returns the data set as one of whose columns groups are known: exactly one of each is on in every row.
  ///
  /// Whoever searches keeps to densities that keep the groups.
  /// - Throws: `DensityError.malformed` for a row of any part that has none of a group on, or several; it names the table,
  ///   the row and the columns. `.invalidConfiguration` where cells are missing, and where bits are drawn anew in each
  ///   epoch, for then nobody knows how many of a group are on.
  public func keeping(_ groups: ColumnGroups) throws(DensityError) -> DataSplits {
    for split in DataSplit.allCases where self[split] != nil {
      let path = path(of: split)
      guard partial[split] == nil else {
        throw .invalidConfiguration(
          "\(path): groups of columns are for tables without missing cells; fill these, or leave the groups out"
        )
      }
      if let rows = self[split] { try groups.check(rows, path: path, columnNames: columnNames) }
    }
    if case .dynamic = binarization {
      throw .invalidConfiguration(
        "\(name): groups of columns are of bits that stay, not of bits drawn in each epoch")
    }
    var result = self
    result.groups = groups
    return result
  }

  /// The path of the table that a part was read from, or words for a part without a table of its own, such as rows held out.
  func path(of split: DataSplit) -> String { paths[split] ?? "\(name), \(split.rawValue) rows" }

  /// Returns the data set with the groups of another, whose rows its rows are.
  func withGroups(of other: DataSplits) -> DataSplits {
    var result = self
    result.groups = other.groups
    return result
  }

  /// Returns the data set with names for its columns, and what is known of where it came from.
  ///
  /// - Precondition: as many names as columns.
  func described(
    columnNames: [String]?, sources: [TableSource], paths: [DataSplit: String], values: TableOptions.Values?
  ) -> DataSplits {
    precondition(
      columnNames.map { $0.count == variableCount } ?? true,
      "\(columnNames?.count ?? 0) names of \(variableCount) columns")
    var result = self
    (result.columnNames, result.sources, result.values) = (columnNames, sources, values)
    result.paths = paths
    result.indexBase = sources.first?.summary.indexBase
    return result
  }
}
