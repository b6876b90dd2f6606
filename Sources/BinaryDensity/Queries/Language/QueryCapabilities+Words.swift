extension QueryCapabilities {
  /// Returns how a question is answered and at what cost, such as `exact: D steps`.
  ///
  /// D is the number of variables, K that of components or orders, u how many unknown variables stand before the last
  /// known one in the order. A step is one conditional of one row.
  public func words(for question: Question) -> String {
    let all = structure.isMixture ? "K·D" : "D"
    let isDrawn = question == .draws || question == .drawsGivenPrefix
    return switch manner(of: question) {
    case .exact: "exact: " + (structure.isTractable ? sums(all, question) : steps(all, question))
    case .enumeratedOrEstimated where isDrawn:
      "exact by 2^u prefixes if short; else approximate, by \(all) steps for each of 256 particles a draw"
    case .enumeratedOrEstimated:
      "exact by 2^u prefixes if short; else an estimate, by \(all) steps a particle"
    case .summedOrDrawn: "exact by up to 65536 terms; else an estimate, by \(all) steps a draw"
    case .searched: "search: proved, or best found"
    case .searchedByComponents: "search: best found, proved if components agree"
    case .absent: "no"
    }
  }

  /// The cost of an answer by marginals.
  private func sums(_ all: String, _ question: Question) -> String {
    switch question {
    case .conditional, .oneGivenOthers: "2 marginals"
    case .onBitCount: structure.isMixture ? "O(K·D²)" : "O(D²)"
    default: "O(\(all))"
    }
  }

  /// The cost of an answer along an order.
  private func steps(_ all: String, _ question: Question) -> String {
    switch question {
    case .prefix: structure.isMixture ? "K steps a known column" : "a step a known column"
    case .conditional, .oneGivenOthers: "2\(all) steps"
    case .draws, .drawsGivenPrefix: "\(all) steps a draw"
    default: "\(all) steps"
    }
  }

  /// The table in Markdown: a column for models that answer alike, a row for each question.
  public static func markdown() throws(DensityError) -> String {
    let groups = try all()
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let head = [line([""] + groups.map { $0.models.joined(separator: ", ") })]
    let rule = "|" + String(repeating: "---|", count: groups.count + 1)
    let rows = Question.allCases.map { question in
      line([question.rawValue] + groups.map { $0.words(for: question) })
    }
    return (head + [rule] + rows).joined(separator: "\n") + "\n"
  }
}
