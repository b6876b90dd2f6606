import Arguments
import BinaryDensity

/// The options that say what an answer about parts of rows may cost.
enum InferenceArguments {
  static let options: [Option] = [
    .value(
      "particles", placeholder: "count",
      help:
        "The most particles for an estimate, default: 65536, with --error 4194304; or the particles of each draw, eight "
        + "times as many where these are worth little, default: 256."
    ),
    .value(
      "error", placeholder: "nats",
      help: "The standard error of log p at which to stop, if the particles allow it."),
    .value(
      "enumerate", placeholder: "time", default: "0.1s",
      help: "The longest enumeration of a row's unknown columns, as predicted; 0 for none."),
    .value(
      "order", placeholder: "order", default: "own", allowed: Inference.Order.allCases.map(\.rawValue),
      help:
        "An EoNADE's own orders, or what is given first: exact, by another density for each set of columns."),
  ]

  /// Reads the options.
  ///
  /// - Parameter forDraws: whether rows are drawn, each by so many particles of its own.
  static func options(
    _ arguments: ParsedArguments, forDraws: Bool = false
  ) throws(UsageError) -> Inference.Options {
    let given = try arguments.optionalValue("particles", as: .integer(in: 32...1 << 23))
    let usual = Inference.Options()
    let error =
      arguments.declares("error") ? try arguments.optionalValue("error", as: .positiveNumber) : nil
    // A draw takes an eighth of what an estimate begins with.
    let count = forDraws ? given.map { 8 * $0 } : given.map { min($0, usual.particleCount) }
    return Inference.Options(
      particleCount: count ?? usual.particleCount,
      particleLimit: given ?? (error == nil ? usual.particleLimit : 1 << 22),
      targetError: error,
      enumerationSeconds: try arguments.value("enumerate", as: .duration),
      order: try arguments.value("order", as: .choice), seed: try arguments.value("seed", as: .seed))
  }

  /// The options that draws have: all but the error of an estimate.
  static let drawOptions = options.filter { $0.name != "error" }

  /// What is to be said of rows drawn by particles.
  static func note(_ effectiveSampleSize: Double) -> String {
    let line =
      "drawn by particles, approximately: those of the worst draw are worth \(fixed(effectiveSampleSize, 0))"
    return effectiveSampleSize < 10 ? line + ", NOT to be trusted: more --particles may help" : line
  }
}
