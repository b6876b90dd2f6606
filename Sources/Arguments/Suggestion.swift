/// The finding of what somebody probably meant to type.
package enum Suggestion {
  /// Returns the candidate nearest to a word, when one is near enough to be worth a question.
  ///
  /// Near enough is an edit for every three letters of the word, at least one and at most three. A word that
  /// is the beginning of exactly one candidate stands for it too.
  ///
  /// - Returns: the first of the nearest, or nil.
  /// - Complexity: O(letters of the word · letters of all candidates).
  package static func nearest(to word: String, among candidates: [String]) -> String? {
    let limit = min(3, max(1, word.count / 3))
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(word, candidate)
      if distance <= limit && distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    if let best { return best.candidate }
    let completions = candidates.filter { word.count >= 2 && $0.hasPrefix(word) }
    return completions.count == 1 ? completions[0] : nil
  }

  /// Returns how many edits turn one word into another: a letter added, dropped or changed, or two neighbours
  /// swapped.
  ///
  /// No letter is edited twice (the "optimal string alignment" form), so `distance("ca", "abc")` is 3.
  ///
  /// - Complexity: O(letters of one · letters of the other).
  /// - Source: F. J. Damerau, A Technique for Computer Detection and Correction of Spelling Errors, CACM
  ///   7(3), 1964.
  package static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first), Array(second))
    // Row i holds the distances from the first i letters of `first` to every beginning of `second`.
    var beforePrevious: [Int] = []
    var previous = Array(0...second.count)
    for i in 0..<first.count {
      var current = [i + 1]
      for j in 0..<second.count {
        var distance = min(
          previous[j] + (first[i] == second[j] ? 0 : 1),
          previous[j + 1] + 1,
          current[j] + 1)
        if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
          distance = min(distance, beforePrevious[j - 1] + 1)
        }
        current.append(distance)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[second.count]
  }
}
