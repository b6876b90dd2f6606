/// The one source of randomness: the counter-based generator Philox 4×32-10.
///
/// A draw is a pure function of a key (the seed) and a counter (a stream and an index), so any draw can be
/// reproduced alone, in any thread, after a resume.
///
/// - Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel Random Numbers: As Easy as 1, 2, 3,
///   SC 2011, doi:10.1145/2063384.2063405. The known-answer vectors published with it are tested.
public struct Philox: RandomNumberGenerator, Hashable, Sendable, Codable {
  /// The seed.
  public let seed: UInt64
  /// Which of the seed's 2⁶⁴ independent sequences this is.
  public let stream: UInt64
  /// How many 32-bit words of the sequence have been drawn.
  public private(set) var position: UInt64

  /// Creates the generator at the start, or at any position, of one of a seed's sequences.
  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// What a sequence is used for, so that no two uses of a seed share a draw.
  ///
  /// A stream's number is the purpose in its upper 16 bits and an index below.
  package enum Purpose: UInt64 {
    /// The one draw of the grey levels of a file; the index is the file's split.
    case fixedBinarization = 0xDA01
    /// The draw of the training rows' grey levels in one pass over them.
    case dynamicBinarization
    /// The order of the training rows in one pass over them.
    case batchOrder
    /// The choice of the rows held out for validation.
    case heldOutRows
    /// A model's initial weights, one index a parameter.
    case weights
    /// A dropout node's draw in one step.
    case dropout
    /// The degrees of a mask's hidden units.
    case masks
    /// A random ordering.
    case ordering
    /// The command's samples.
    case sampling
    /// Which variables are known to each row in one step of order-agnostic training.
    case splits
    /// The same for validation rows.
    case validationSplits
    /// The particles of a filter.
    case particles
    /// Completions of rows, given what is known of them.
    case completions
    /// Which cells of a row are hidden from a model; one index a row.
    case hiddenCells
    /// Missing cells of training rows, drawn anew as a model is trained; one index a time.
    case redrawnCells
    /// Missing cells of rows whose known cells' probability is estimated; one index a component.
    case knownCells
    /// The class beside its own that each row of a step of training is compared with; one index a step.
    case otherClasses
    /// Rows that pairs of variables are counted in, and what each variable depends on.
    case dependence
    /// Rows of a model that it is measured by; one index a block of rows.
    case modelRows
    /// Which rows of a table are compared with a model's, and what they are permuted by.
    case comparedRows
    /// Which pictures are moved in one epoch of training, and where to; one index an epoch.
    case shifts
    /// Rows of a model that a network learns from, and the order of the table's own beside them.
    case distilledRows
    /// Which part of a table a row goes into that is put in a random order, and the order of a part.
    case shuffledRows
    /// The recipes that a search draws; one index a recipe.
    case recipes
    /// The rows that others are compared with, drawn from a model.
    case referenceRows
    /// Which rows of a table a report looks at.
    case reportedRows
  }

  /// Creates the generator of one of a purpose's 2⁴⁸ sequences.
  package init(seed: UInt64, stream purpose: Purpose, index: UInt64 = 0) {
    precondition(index >> 48 == 0, "sequence \(index) does not exist")
    self.init(seed: seed, stream: purpose.rawValue << 48 | index)
  }

  /// Returns the ten-round Philox bijection of a counter under a key.
  package static func block(
    _ counter: SIMD4<UInt32>, key: SIMD2<UInt32>
  ) -> SIMD4<UInt32> {
    var c0 = counter.x
    var c1 = counter.y
    var c2 = counter.z
    var c3 = counter.w
    var k0 = key.x
    var k1 = key.y
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
      c0 = UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0
      c1 = UInt32(truncatingIfNeeded: p1)
      c2 = UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1
      c3 = UInt32(truncatingIfNeeded: p0)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }

  /// Returns the four words at positions 4·index … 4·index + 3 of this sequence.
  package func words(at index: UInt64) -> SIMD4<UInt32> {
    Philox.block(
      SIMD4(
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
        UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// Returns the next 32 random bits.
  public mutating func nextWord() -> UInt32 {
    let word = words(at: position / 4)[Int(position % 4)]
    position += 1
    return word
  }

  /// Returns the next 64 random bits.
  public mutating func next() -> UInt64 {
    guard position % 4 != 3 else {
      let low = UInt64(nextWord())
      return UInt64(nextWord()) << 32 | low
    }
    let block = words(at: position / 4)
    let lane = Int(position % 4)
    position += 2
    return UInt64(block[lane + 1]) << 32 | UInt64(block[lane])
  }
}

/// Returns the uniform number in [0, 1) that 32 random bits stand for.
///
/// The bits are a fixed-point fraction rounded towards zero to a Float's 24 significant bits: never 1, and small
/// numbers keep a resolution of 2⁻³², so that improbable events are drawn with (nearly) their probability.
@inlinable package func unitFloat(_ bits: UInt32) -> Float {
  let excess = max(0, 8 - bits.leadingZeroBitCount)
  return Float((bits >> excess) << excess) * 0x1p-32
}
