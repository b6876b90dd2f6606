/// Where in a row the pixels of a picture stand: line by line, one after another, from a first column on.
package struct PicturePlace: Hashable, Sendable {
  /// The height and width.
  package let shape: ImageShape
  /// The column of the first pixel; those before it, such as the bits of classes, are no part of the picture.
  package let firstColumn: Int

  /// Names a place.
  ///
  /// - Precondition: `firstColumn >= 0`.
  package init(shape: ImageShape, firstColumn: Int = 0) {
    precondition(firstColumn >= 0, "there is no column \(firstColumn)")
    self.shape = shape
    self.firstColumn = firstColumn
  }
}

/// A move of pictures by one pixel, up, down, to a side or along a diagonal, in rows of packed bits.
///
/// What leaves the picture is lost, and what enters it is off. Rows are moved by whole words:
///
///     new = old ∧ ¬picture  ∨  ((old ∧ staying) shifted by `distance` columns) ∧ picture
///
/// where `staying` are the pixels but those of the column that leaves at the left or right, which would else enter at the
/// other side, a line above or below.
package struct PixelShift: Sendable {
  /// By how many columns a bit goes up.
  private let distance: Int
  private let picture: [UInt64]
  private let staying: [UInt64]

  /// Prepares a move by some pixels down and to the right, each −1, 0 or 1.
  package init(down: Int, right: Int, of place: PicturePlace) {
    let (height, width, first) = (place.shape.height, place.shape.width, place.firstColumn)
    distance = down * width + right
    let wordCount = (first + height * width + 63) / 64
    func words(xs: Range<Int>) -> [UInt64] {
      var words = [UInt64](repeating: 0, count: wordCount)
      for y in 0..<height {
        for column in xs.map({ first + y * width + $0 }) { words[column / 64] |= 1 << UInt64(column % 64) }
      }
      return words
    }
    picture = words(xs: 0..<width)
    staying = words(xs: max(0, -right)..<width - max(0, right))
  }

  /// The eight moves: by one pixel to every neighbour.
  package static func all(of place: PicturePlace) -> [PixelShift] {
    [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)].map {
      PixelShift(down: $0.0, right: $0.1, of: place)
    }
  }

  /// Moves the picture in the row whose words begin at `start`.
  ///
  /// - Precondition: the words of the row are there, and its columns end with the picture.
  /// - Complexity: O(words of the row).
  package func apply(to words: inout [UInt64], at start: Int) {
    let count = picture.count
    /// The bits of the row that go to the word at `index`.
    func arriving(_ index: Int) -> UInt64 {
      func source(_ index: Int) -> UInt64 {
        staying.indices.contains(index) ? words[start + index] & staying[index] : 0
      }
      let bit = 64 * index - distance
      let word = bit >> 6
      // A shift by 64 leaves nothing.
      return source(word) >> UInt64(bit & 63) | source(word + 1) << UInt64(64 - (bit & 63))
    }
    // Words that are still to be read are not written yet.
    for step in 0..<count {
      let index = distance > 0 ? count - 1 - step : step
      words[start + index] = words[start + index] & ~picture[index] | arriving(index) & picture[index]
    }
  }
}
