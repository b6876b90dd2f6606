import BinaryDensity
import Essentials

/// What is said of the answers of `density marginal` at the end, and of each in JSON.
struct MarginalReport {
  /// What was asked of each row.
  enum Mode: String { case marginal, given, others }

  let mode: Mode
  /// An object for each row.
  private(set) var rows: [JSONValue] = []
  private(set) var rowCount = 0
  /// How many rows have an answer: with --others a row of missing cells alone has none.
  private var answeredCount = 0
  private var (answerCount, exactCount, untrustedCount) = (0, 0, 0)
  private var (sum, squaredErrors, largestError) = (0.0, 0.0, 0.0)

  private let keepsRows: Bool

  /// - Parameter keepsRows: whether an object for each row is wanted.
  init(mode: Mode, keepsRows: Bool) { (self.mode, self.keepsRows) = (mode, keepsRows) }

  mutating func add(_ part: MarginalPart) {
    switch part {
    case .rows(let answers):
      for answer in answers {
        add([answer])
        guard keepsRows else { continue }
        rows.append(.object([.init(key: "row", value: .integer(rowCount))] + Self.members(of: answer)))
      }
    case .cells(let table):
      for cells in table {
        let answers = cells.compactMap(\.self)
        add(answers)
        guard keepsRows else { continue }
        var members: [JSONValue.Member] = [
          .init(key: "row", value: .integer(rowCount)),
          .init(
            key: "log_p", value: .array(cells.map { $0.map { .real($0.value) } ?? .null })),
          .init(key: "exact", value: .bool(answers.allSatisfy(\.isExact))),
        ]
        if !answers.allSatisfy(\.isExact) {
          members.append(
            .init(
              key: "standard_errors",
              value: .array(cells.map { $0.map { .real($0.standardError) } ?? .null })))
          members.append(.init(key: "trusted", value: .bool(answers.allSatisfy(\.isTrusted))))
        }
        rows.append(.object(members))
      }
    }
  }

  private mutating func add(_ answers: [LogProbability]) {
    rowCount += 1
    if !answers.isEmpty { answeredCount += 1 }
    for answer in answers {
      answerCount += 1
      sum += answer.value
      if answer.isExact { exactCount += 1 }
      if !answer.isTrusted { untrustedCount += 1 }
      largestError = max(largestError, answer.standardError)
      squaredErrors += answer.standardError * answer.standardError
    }
  }

  private static func members(of answer: LogProbability) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init(key: "log_p", value: .real(answer.value)),
      .init(key: "standard_error", value: .real(answer.standardError)),
    ]
    if case .estimate(_, let size) = answer.certainty {
      members.append(.init(key: "effective_sample_size", value: .real(size)))
    }
    return members + [
      .init(key: "trusted", value: .bool(answer.isTrusted)),
      .init(key: "exact", value: .bool(answer.isExact)),
    ]
  }

  private var mean: Double { sum / Double(max(1, answeredCount)) }
  /// The rows' errors are independent: a row's random numbers follow from its number in the table.
  private var meanError: Double { squaredErrors.squareRoot() / Double(max(1, answeredCount)) }

  /// The figures of all rows, as members of a JSON object.
  var members: [JSONValue.Member] {
    [
      .init(key: "mode", value: .string(mode.rawValue)), .init(key: "rows", value: .integer(rowCount)),
      .init(key: "mean", value: .real(mean)), .init(key: "mean_standard_error", value: .real(meanError)),
      .init(key: "exact", value: .bool(exactCount == answerCount)),
      .init(key: "untrusted_count", value: .integer(untrustedCount)),
    ]
  }

  /// The figures of all rows in a line.
  var summary: String {
    let what = mode == .others ? "log-pseudo-likelihood" : "log p"
    let estimated = answerCount - exactCount
    var line = "\(counted(rowCount, "row")), mean \(what) \(fixed(mean, 3)) nats"
    guard estimated > 0 else { return line + (mode == .others ? ", exact" : ", all exact") }
    line += " (± \(fixed(meanError, 3)) by particles); "
    let cells = mode == .others ? " cells" : ""
    line += exactCount == 0 ? "all estimated" : "\(exactCount)\(cells) exact, \(estimated)\(cells) estimated"
    line += ", standard error at most \(fixed(largestError, 3))"
    if untrustedCount > 0 {
      line +=
        "; \(untrustedCount)\(cells) NOT to be trusted: more --particles, or fewer missing cells, may help"
    }
    return line
  }
}
