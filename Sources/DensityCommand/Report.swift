import Arguments
import BinaryDensity

/// A count of things: `1 row`, `20 rows`.
func counted(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }

/// Returns so many numbers from 0 on below another, evenly spread.
func evenlySpread(_ count: Int, of total: Int) -> [Int] { (0..<count).map { $0 * total / count } }

/// Returns how many rows of a data set are for what.
func rowCounts(of data: DataSplits) -> String {
  "\(data.name): \(data.trainingRowCount) training, \(data.validation?.rowCount ?? 0) validation, "
    + "\(data.test?.rowCount ?? 0) test rows"
}

/// Returns a figure as it is printed, marked if it is an estimate.
func estimate(_ figure: String, if isEstimated: Bool) -> String { (isEstimated ? "≈" : "") + figure }

/// What says in a JSON object that its figures are estimates; nothing of exact ones.
func estimatedMembers(_ isEstimated: Bool) -> [JSONValue.Member] {
  isEstimated ? [.init(key: "estimated", value: .bool(true))] : []
}

extension LikelihoodMeasurement {
  /// The figures in one line: `test NLL 88.860 ± 0.230 nats (0.1635 bits a variable, 10000 rows)`.
  var line: String {
    "\(name) NLL \(isOfKnownCells ? "of the known cells " : "")"
      + "\(withError(summary.negativeLogLikelihood, summary.standardError, 3)) nats "
      + "(\(fixed(summary.bitsPerVariable, 4)) bits a \(isOfKnownCells ? "known cell" : "variable"), "
      + "\(counted(summary.rowCount, "row"))\(isEstimated ? ", estimated" : "")"
      + (summary.negativeLogLikelihood == .infinity ? ", of which the model rules some out" : "") + ")"
  }

  /// The figures as members of a JSON object.
  var members: [JSONValue.Member] {
    [
      .init(key: "split", value: .string(name)),
      .init(key: "rows", value: .integer(summary.rowCount)),
      .init(key: "nll", value: .real(summary.negativeLogLikelihood)),
      .init(key: "standard_error", value: JSONValue(summary.standardError)),
      .init(key: "bits_per_variable", value: .real(summary.bitsPerVariable)),
      .init(key: "seconds", value: .real(seconds)),
      .init(key: "rows_per_second", value: .real(rowsPerSecond)),
    ]
      + (isOfKnownCells ? [.init(key: "of_known_cells", value: .bool(true))] : [])
      + estimatedMembers(isEstimated)
  }
}

extension LikelihoodDifference {
  /// The figures in one line.
  func line(against other: String) -> String {
    "log p less that of \(other): \(withError(mean, standardError, 3)) nats a row"
  }

  /// The figures as members of a JSON object.
  func members(against other: String) -> [JSONValue.Member] {
    [
      .init(key: "against", value: .string(other)),
      .init(key: "difference_is", value: "log p - log p of against, nats a row"),
      .init(key: "difference", value: .real(mean)),
      .init(key: "difference_standard_error", value: JSONValue(standardError)),
    ]
  }
}

extension TableSource {
  /// The source as JSON.
  var json: JSONValue {
    [
      "path": .string(path), "taken_as": .string("\(summary)"), "format": .string(summary.dialect),
      "names_line": summary.nameLine.map(JSONValue.integer) ?? .null,
      "columns": .integer(summary.columnCount), "left_out": .array(summary.leftOut.map(JSONValue.string)),
      "reordered": .bool(summary.isReordered), "missing": .integer(summary.missingCount),
    ]
  }
}

/// Prints what a command has found as a JSON object, which begins with the command and the version.
///
/// `density help json` tells what its members are called.
func printJSON(_ command: Command, _ members: [JSONValue.Member]) throws {
  try Terminal.print(JSONValue.object(heading(of: command) + members).indentedDescription)
}

private func heading(of command: Command) -> [JSONValue.Member] {
  [
    .init(key: "command", value: .string(command.name)),
    .init(key: "version", value: .string(Provenance.currentVersion)),
  ]
}

/// Prints such an object of which one member is an array of many elements, each on a line of its own.
func printJSON(
  _ command: Command, _ members: [JSONValue.Member], rows key: String, _ rows: [JSONValue]
) throws {
  let members = heading(of: command) + members
  let before = members.map { "  \(JSONValue.string($0.key)): \($0.value),\n" }.joined()
  let lines = rows.map { "    \($0)" }.joined(separator: ",\n")
  let array = rows.isEmpty ? "[]" : "[\n\(lines)\n  ]"
  try Terminal.print("{\n\(before)  \(JSONValue.string(key)): \(array)\n}")
}

/// The members of a JSON object that describe a model: family, configuration, number of parameters.
func members(describing model: any Density) throws -> [JSONValue.Member] {
  [
    .init(key: "model", value: .string(familyName(of: model))),
    .init(key: "configuration", value: try ModelTree(of: model).json),
    .init(key: "parameters", value: .integer(model.parameterCount)),
  ]
}

/// Returns what the family of a model is called.
func familyName(of model: any Density) -> String { model.kind?.rawValue ?? "\(type(of: model))" }

/// Returns a line that describes a model to a person.
func description(of model: any Density) -> String {
  var parts = [counted(model.variableCount, "variable")]
  switch model {
  case let grouped as GroupedNetwork:
    return "GROUPED " + description(of: grouped.network) + ", \(grouped.groups.phrase)"
  case let nade as NADE:
    parts.append("\(nade.configuration.hiddenCount) \(nade.configuration.activation.rawValue) units")
  case let made as MADE:
    let configuration = made.configuration
    if configuration.hiddenCounts.isEmpty {
      parts.append("no hidden units")
    } else {
      let counts = configuration.hiddenCounts.map(String.init).joined(separator: " + ")
      parts.append("\(counts) \(configuration.activation.rawValue) units")
    }
    if configuration.isResidual { parts.append("residual") }
    if configuration.hasDirectWeights { parts.append("direct weights") }
    let orderCount = Set(made.maskSets.map(\.ordering)).count
    parts.append(
      counted(configuration.maskCount, "mask") + (orderCount > 1 ? " of \(orderCount) orders" : ""))
    if configuration.trainsOnFreshMasks { parts.append("trained on fresh masks") }
  case let ensemble as Ensemble: parts.append("\(ensemble.members.count) members of one order")
  case let mixture as Mixture:
    let weights = mixture.weights
    let isEven = weights.allSatisfy { $0 == weights[0] }
    parts.append("\(mixture.densities.count) components" + (isEven ? "" : " of fitted weights"))
  case let labelled as LabelledDensity:
    parts.append("\(labelled.classes.count) classes")
    parts.append("temperature \(fixed(labelled.temperature, 3))")
  case let conditional as ConditionalNetwork:
    parts[0] =
      "\(conditional.classCount) classes before \(model.variableCount - conditional.classCount) variables"
    parts.append("a \(familyName(of: conditional.seeingNetwork))")
  case let mixture as BernoulliMixture:
    parts.append(counted(mixture.componentCount, "component"))
  case let eonade as EoNADE:
    let configuration = eonade.configuration
    let counts = configuration.hiddenCounts.map(String.init).joined(separator: " + ")
    parts.append("\(counts) \(configuration.activation.rawValue) units")
    parts.append(counted(configuration.orderCount, "order"))
  default: break
  }
  parts.append(counted(model.parameterCount, "parameter"))
  return "\(familyName(of: model).uppercased()): " + parts.joined(separator: ", ")
}

/// Returns a mean with its standard error, as far as there is one: `88.860 ± 0.230`.
func withError(_ mean: Double, _ error: Double?, _ decimals: Int) -> String {
  fixed(mean, decimals) + (error.map { " ± " + fixed($0, decimals) } ?? "")
}

/// Returns a number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 1e15 else { return "\(value)" }
  let digits = String(Int(scaled))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && scaled > 0 ? "-" : ""
  return decimals == 0 ? sign + padded : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}
