import Kernels

/// Pictures of which a share is moved by one pixel, in each pass others and elsewhere.
///
/// Each row is moved with a probability of `share`, to one of the eight neighbouring places with equal probability; what
/// enters the picture is off. The draw is a function of the seed, the pass, and the row's place in the source: with the
/// four words of block `row` of the pass's stream, the row moves if and only if
///
///     word 0 < share · 2³²
///
/// and then to place ⌊word 1 / 2²⁹⌋. Until a pass is named nothing is moved.
package struct ShiftedRows: RowSource {
  private let base: any RowSource
  private let shifts: [PixelShift]
  private let share: Double
  private let seed: UInt64
  private let pass: Int?

  /// Moves pictures of a source.
  ///
  /// - Precondition: the rows of the source end with the picture, and the share is from 0 to 1.
  package init(_ base: any RowSource, picture: PicturePlace, share: Double, seed: UInt64) {
    precondition(
      picture.firstColumn + picture.shape.pixelCount == base.columnCount,
      "a picture of \(picture) does not end rows of \(base.columnCount) columns")
    precondition((0...1).contains(share), "a share is from 0 to 1, not \(share)")
    self.init(base, PixelShift.all(of: picture), share: share, seed: seed, pass: nil)
  }

  private init(_ base: any RowSource, _ shifts: [PixelShift], share: Double, seed: UInt64, pass: Int?) {
    self.base = base
    self.shifts = shifts
    self.share = share
    self.seed = seed
    self.pass = pass
  }

  /// The number of rows.
  package var rowCount: Int { base.rowCount }
  /// The number of columns.
  package var columnCount: Int { base.columnCount }
  /// That of the source: of rows that stay where they are.
  package var checksum: UInt32 { base.checksum }

  /// Returns the rows as a pass sees them, those of a source that draws its rows anew included.
  ///
  /// - Precondition: `pass >= 0`.
  package func rows(inPass pass: Int) -> any RowSource {
    precondition(pass >= 0, "there is no pass \(pass)")
    return ShiftedRows(base.rows(inPass: pass), shifts, share: share, seed: seed, pass: pass)
  }

  /// Fills a batch with the rows of the given indices, in their order.
  package func gather<Scalar: KernelScalar>(
    _ rows: [Int], into batch: RowBatch<Scalar>
  ) throws(DensityError) {
    guard pass != nil else { return try base.gather(rows, into: batch) }
    try bits(ofRows: rows).gather(Array(rows.indices), into: batch)
  }

  /// Returns the rows of the given indices.
  package func bits(ofRows rows: [Int]) throws(DensityError) -> BinaryMatrix {
    shifted(try base.bits(ofRows: rows), rows: rows)
  }

  /// Calls `body` with consecutive rows while it says to go on, and returns whether it always did.
  @discardableResult
  package func forEachBlock(
    of length: Int, _ body: (BinaryMatrix) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var first = 0
    return try base.forEachBlock(of: length) { (block) throws(DensityError) in
      defer { first += block.rowCount }
      return try body(shifted(block, rows: first..<first + block.rowCount))
    }
  }

  /// Returns bits of the base, those of the given rows, as the pass sees them.
  private func shifted(_ bits: BinaryMatrix, rows: some Collection<Int>) -> BinaryMatrix {
    guard let pass else { return bits }
    var result = bits
    let draws = Philox(seed: seed, stream: .shifts, index: UInt64(pass))
    let limit = UInt64(share * 0x1p32)
    for (place, row) in rows.enumerated() {
      let words = draws.words(at: UInt64(row))
      guard UInt64(words[0]) < limit else { continue }
      shifts[Int(words[1] >> 29)].apply(to: &result.words, at: place * result.wordsPerRow)
    }
    return result
  }
}

extension DataSplits {
  /// Whether training rows are pictures that can be moved: complete ones, whose columns are in no groups.
  var canShift: Bool { picture != nil && partialRows(.train) == nil && groups == nil }

  /// The training rows as they are learned from: moved by pixels, if that is asked for.
  ///
  /// - Throws: `DensityError.invalidConfiguration` if rows that are no pictures, or miss cells, are to be moved.
  /// - Precondition: the configuration has no problem.
  func trainingRows(for configuration: TrainingConfiguration) throws(DensityError) -> any RowSource {
    guard configuration.shiftShare > 0 else { return trainingRows }
    guard let picture else {
      throw .invalidConfiguration(
        "\(name): rows of \(variableCount) columns are not known to be pictures, and only pictures can be shifted; say their "
          + "height and width (--image 28x28), or leave --shifts out")
    }
    guard partialRows(.train) == nil else {
      throw .invalidConfiguration(
        "\(name): cells are missing, and only complete pictures can be shifted; leave --shifts out")
    }
    guard groups == nil else {
      throw .invalidConfiguration(
        "\(name): what moves leaves its group of columns; leave --shifts out, or the groups")
    }
    return ShiftedRows(
      trainingRows, picture: picture, share: configuration.shiftShare, seed: configuration.seed)
  }
}
