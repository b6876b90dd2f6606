import Arguments
import BinaryDensity

/// The options that say what an answer about parts of rows may cost.
enum InferenceArguments {
  static let options: [Option] = [
    .value(
      "particles", placeholder: "count", default: "65536",
      help: "The most particles for an estimate of a row."),
    .value(
      "error", placeholder: "nats", help: "The standard error of log p to reach, if the particles allow it."),
    .value(
      "enumerate", placeholder: "time", default: "0.1s",
      help: "The longest enumeration of a row's unknown columns, as predicted; 0 for none."),
    .value(
      "order", placeholder: "order", default: "own", allowed: Inference.Order.allCases.map(\.rawValue),
      help:
        "An EoNADE's own orders, or what is given first: exact, by another density for each set of columns."),
  ]

  static func options(_ arguments: ParsedArguments) throws(UsageError) -> Inference.Options {
    let limit = try arguments.value("particles", as: .integer(in: 32...1 << 26))
    return Inference.Options(
      particleCount: min(limit, Inference.Options().particleCount), particleLimit: limit,
      targetError: try arguments.optionalValue("error", as: .positiveNumber),
      enumerationSeconds: try arguments.value("enumerate", as: .duration),
      order: try arguments.value("order", as: .choice), seed: try arguments.value("seed", as: .seed))
  }
}
