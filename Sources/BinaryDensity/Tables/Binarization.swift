import Kernels

/// How grey levels become bits.
///
/// A stochastic draw turns a pixel of level g on with probability g / 255, exactly: with w the pixel's 32
/// random bits it is on if and only if
///
///     w · 255 < g · 2³²
///
/// The bits of the pixel in row r and column c are word `c mod 4` of block `r · ⌈columns / 4⌉ + ⌊c / 4⌋` of
/// Philox 4×32-10, in a stream of the seed. Level 0 is never on and level 255 always.
public enum Binarization: Hashable, Sendable, Codable {
  /// On where the level is at least this.
  case threshold(UInt8)
  /// One draw for good, a function of the seed, the split (its stream), the row in its file, and the column among those read: chosen
  /// columns have a draw of their own.
  case stochastic(seed: UInt64)
  /// A fresh draw of the training rows in each epoch, a function of the seed and the epoch.
  ///
  /// Validation and test rows stay on the draw of `.stochastic` with the same seed, so figures compare.
  case dynamic(seed: UInt64)

  /// The seed of the fixed draw that the package's figures are measured on.
  ///
  /// Any number would do; this is the year in which likelihoods on a fixed draw of MNIST were introduced.
  /// - Source: R. Salakhutdinov, I. Murray, On the Quantitative Analysis of Deep Belief Networks, ICML 2008.
  public static let standardSeed: UInt64 = 2008
  /// The fixed draw with the standard seed.
  public static let standard = Binarization.stochastic(seed: standardSeed)
  /// The middle of the scale: on from level 128.
  public static let middleThreshold = Binarization.threshold(128)
}

extension Binarization: CustomStringConvertible {
  /// The rule in words.
  public var description: String {
    switch self {
    case .threshold(let level): "threshold \(level)"
    case .stochastic(let seed): "stochastic, seed \(seed)"
    case .dynamic(let seed): "dynamic, seed \(seed)"
    }
  }
}

extension GreyLevels {
  /// Returns the bits that do not change from epoch to epoch.
  ///
  /// For `.dynamic` these are the fixed draw with the same seed.
  /// - Parameters:
  ///   - binarization: how.
  ///   - split: which file the rows are from; it selects the stream of a stochastic draw.
  ///   - firstRow: which row of its file the first of this table is.
  /// - Complexity: one Philox block for every four pixels that are not all black.
  public func binarized(
    _ binarization: Binarization, split: DataSplit, firstRow: Int = 0
  ) -> BinaryMatrix {
    switch binarization {
    case .threshold(let threshold):
      BinaryMatrix(rowCount: rowCount, columnCount: columnCount) {
        levels[$0 * columnCount + $1] >= threshold
      }
    case .stochastic(let seed), .dynamic(let seed):
      drawn(
        from: Philox(seed: seed, stream: .fixedBinarization, index: split.streamIndex), rows: 0..<rowCount,
        firstRow: firstRow)
    }
  }

  /// Returns the fresh draw of an epoch, a function of the seed, the epoch, and a row's place in this table.
  public func redrawn(seed: UInt64, epoch: Int) -> BinaryMatrix {
    redrawn(seed: seed, epoch: epoch, rows: 0..<rowCount)
  }

  /// Returns some rows of the fresh draw of an epoch, in the order of their indices.
  ///
  /// - Precondition: `epoch >= 0`, and the indices are rows of this table.
  func redrawn(
    seed: UInt64, epoch: Int, rows: some RandomAccessCollection<Int> & Sendable
  ) -> BinaryMatrix {
    precondition(epoch >= 0, "there is no epoch \(epoch)")
    return drawn(from: Philox(seed: seed, stream: .dynamicBinarization, index: UInt64(epoch)), rows: rows)
  }

  private func drawn(
    from bits: Philox, rows: some RandomAccessCollection<Int> & Sendable, firstRow: Int = 0
  ) -> BinaryMatrix {
    let indices = Array(rows)
    let wordsPerRow = (columnCount + 63) / 64
    let chunk = 16
    let parts = Threads.map(count: (indices.count + chunk - 1) / chunk) { part in
      let rows = indices[part * chunk..<min((part + 1) * chunk, indices.count)]
      var words = [UInt64](repeating: 0, count: rows.count * wordsPerRow)
      for (place, row) in rows.enumerated() {
        draw(row, asRow: firstRow + row, from: bits, into: &words, at: place * wordsPerRow)
      }
      return words
    }
    return BinaryMatrix(rowCount: indices.count, columnCount: columnCount, words: parts.flatMap { $0 })
  }

  /// Draws one row into words that are zero, from the word at `start` on.
  ///
  /// - Parameter place: which row of the draw it is.
  private func draw(
    _ row: Int, asRow place: Int, from bits: Philox, into words: inout [UInt64], at start: Int
  ) {
    precondition(row >= 0 && row < rowCount, "row \(row) is outside 0..<\(rowCount)")
    let blocksPerRow = (columnCount + 3) / 4
    levels.withUnsafeBufferPointer { levels in
      guard let levels = levels.baseAddress.map({ $0 + row * columnCount }) else { return }
      // Plain loops, for without optimisation ranges and closures take ten times as long, and MNIST has 55 million pixels.
      var block = 0
      while block < blocksPerRow {
        let (first, end) = (block * 4, min(block * 4 + 4, columnCount))
        var (column, all) = (first, UInt8(0))
        while column < end {
          all |= levels[column]
          column += 1
        }
        // Most of a picture is black, where nothing needs drawing.
        if all != 0 {
          let draws = bits.words(at: UInt64(place * blocksPerRow + block))
          var nibble: UInt64 = 0
          column = first
          while column < end {
            if UInt64(draws[column - first]) * 255 < UInt64(levels[column]) << 32 {
              nibble |= 1 << UInt64(column - first)
            }
            column += 1
          }
          // 64 is a multiple of 4, so a block never straddles two words.
          words[start + block / 16] |= nibble << UInt64(block % 16 * 4)
        }
        block += 1
      }
    }
  }
}
