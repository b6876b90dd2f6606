/// The labels of the rows of a table, one a row, as words.
///
/// Numbers are words too: the labels of MNIST are `0` to `9`.
public struct RowLabels: Sendable {
  /// The file they were read from.
  public let path: String
  /// The different words, in the order in which they were met.
  public private(set) var words: [String] = []
  /// The word of each row, by its place in `words`.
  public private(set) var indices: [Int] = []
  /// Where each word was met first.
  private var places: [DensityError.Location] = []
  private var known: [String: Int] = [:]

  /// Creates labels from words.
  ///
  /// - Throws: `DensityError.malformed` for an empty word, or for more than `LabelledDensity.classLimit` different ones.
  public init(_ words: [String], path: String = "labels") throws(DensityError) {
    self.init(path: path)
    for (row, word) in words.enumerated() { try add(word, at: .field("row \(row + 1)")) }
  }

  init(path: String) { self.path = path }

  /// The number of rows.
  public var count: Int { indices.count }

  /// Takes the label of the next row.
  mutating func add(_ word: String, at place: @autoclosure () -> DensityError.Location) throws(DensityError) {
    if let index = known[word] {
      indices.append(index)
      return
    }
    guard !word.isEmpty else {
      throw .malformed(
        path: path, at: place(), expected: "a label",
        found: "nothing; leave rows without a label out of the table")
    }
    guard words.count < LabelledDensity.classLimit, word.utf8.count <= Self.longestWord else {
      throw .malformed(
        path: path, at: place(),
        expected:
          "labels of at most \(LabelledDensity.classLimit) classes, each of at most \(Self.longestWord) bytes",
        found: word.utf8.count > Self.longestWord
          ? "\(word.utf8.count) bytes" : "another, \(quoted(word.utf8))")
    }
    known[word] = words.count
    indices.append(words.count)
    words.append(word)
    places.append(place())
  }

  private static let longestWord = 256

  /// The words as classes: numbers by their size, other words by the alphabet.
  public var classes: [String] {
    let numbers = words.compactMap { Int($0) }
    return numbers.count == words.count
      ? zip(numbers, words).sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.1) : words.sorted()
  }

  /// Returns the place of each row's label among classes.
  ///
  /// - Throws: `DensityError.malformed` at the first label that is none of them.
  public func indices(in classes: [String]) throws(DensityError) -> [Int] {
    let numbers = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    var places: [Int] = []
    for (word, place) in zip(words, self.places) {
      guard let number = numbers[word] else {
        let some = classes.prefix(12).joined(separator: ", ") + (classes.count > 12 ? ", …" : "")
        throw .malformed(
          path: path, at: place, expected: "a class of the model or of the training rows (\(some))",
          found: quoted(word.utf8))
      }
      places.append(number)
    }
    return indices.map { places[$0] }
  }

  /// Checks that there is a label for each row.
  ///
  /// - Throws: `DensityError.mismatch`.
  public func check(rowCount: Int, of table: String) throws(DensityError) {
    guard count == rowCount else {
      throw .mismatch(path: path, expected: "\(rowCount) labels, one a row of \(table)", found: "\(count)")
    }
  }

  /// Returns the labels of some consecutive rows.
  func rows(_ range: Range<Int>) -> RowLabels {
    var result = self
    result.indices = Array(indices[range])
    return result
  }
}
