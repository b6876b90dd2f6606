import Arguments
import BinaryDensity

/// What a model is made of, as its checkpoint's configuration says it: a model, and the parts of a mixture or an ensemble.
struct ModelTree {
  let family: String
  /// The settings of the model itself, in the order of the configuration.
  let settings: [JSONValue.Member]
  /// Its parts, with their weights if they have any.
  let parts: [(weight: Double?, model: ModelTree)]

  init(of model: any Density) throws {
    let archive = try DensityArchive(of: model)
    let configuration = Array(archive.configurationText.utf8)
    try self.init(familyName(of: model), JSONValue(parsing: configuration[...], path: "configuration"))
  }

  private init(_ family: String, _ configuration: JSONValue) throws {
    self.family = family
    let weights = configuration["weights"]?.elements?.map(\.number)
    parts = try (configuration["components"]?.elements ?? []).enumerated().map { index, part in
      let text = Array((part["configuration"]?.string ?? "{}").utf8)
      let configuration = try JSONValue(parsing: text[...], path: "configuration")
      return (
        weights.flatMap { index < $0.count ? $0[index] : nil },
        try ModelTree(part["model"]?.string ?? "?", configuration)
      )
    }
    settings = (configuration.members ?? []).filter { $0.key != "components" && $0.value != .null }
  }

  /// The configuration as JSON, with that of each part within it as JSON and not as text.
  var json: JSONValue {
    guard !parts.isEmpty else { return .object(settings) }
    let components = parts.map { part -> JSONValue in
      ["model": .string(part.model.family), "configuration": part.model.json]
    }
    return .object(settings + [.init(key: "components", value: .array(components))])
  }

  /// The model's settings in words, less those that are the same of every part: `relu`, `hidden_count 200`.
  private var words: String {
    settings.filter { $0.key != "variable_count" && (parts.isEmpty || $0.key != "weights") }.compactMap {
      setting in
      switch setting.value {
      case .bool(false): nil
      case .bool(true): setting.key
      case .string(let text): "\(setting.key) \(text)"
      default: "\(setting.key) \(setting.value)"
      }
    }.joined(separator: ", ")
  }

  /// The model in one line, and its parts in lines below it, indented.
  ///
  /// - Parameter limit: how many parts of a model are told of; of the rest, how many they are.
  func lines(limit: Int = 24) -> [String] {
    let words = words
    let title = family.uppercased() + (words.isEmpty ? "" : ": " + Terminal.visible(words, limit: 400))
    var lines = [title]
    for (index, part) in parts.prefix(limit).enumerated() {
      let isLast = index == parts.count - 1
      let weight = part.weight.map { fixed($0, 3) + "  " } ?? ""
      for (number, line) in part.model.lines(limit: limit).enumerated() {
        let branch = number == 0 ? (isLast ? "└ " : "├ ") + weight : (isLast ? "  " : "│ ")
        lines.append(branch + line)
      }
    }
    if parts.count > limit { lines.append("└ and \(parts.count - limit) more: density info --json has all") }
    return lines
  }
}
