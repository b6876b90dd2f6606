import Arguments
import Essentials
import Kernels

/// The options that several commands have.
enum CommonOptions {
  static let threads = Option.value(
    "threads", placeholder: "count", help: "The number of threads. Default: the machine's.")

  static func json(_ what: String = "result") -> Option { .flag("json", help: "Print the \(what) as JSON.") }

  static let everyEpoch = Option.verbose("a line for every epoch, however many they are")

  static func seed(of what: String = "everything drawn") -> Option {
    .value("seed", short: "s", placeholder: "seed", default: "0", help: "The seed of \(what).")
  }

  static func epochs(_ usual: String) -> Option {
    .value(
      "epochs", short: "e", placeholder: "count",
      help: "The most passes over the training rows. Default: \(usual).")
  }

  /// How large the cells of a .png are.
  ///
  /// - Parameter usual: the side of a picture's pixel where none is asked for.
  static func magnification(usual: Int = 2) -> Option {
    .value(
      "magnify", placeholder: "factor",
      help:
        "The side of a cell in a .png, in pixels. Default: \(usual) of pictures, 10 of tables of up to 128 columns."
    )
  }

  static let epochCount = ValueFormat.integer(in: 1...1_000_000)

  static let precision = Option.value(
    "precision", placeholder: "format", default: "float32", allowed: ["float32", "bf16"],
    help: "The precision of a MADE's or EoNADE's products in training; bf16 needs AVX-512 BF16 and is faster."
  )

  static func run(_ usual: String) -> Option {
    .value("run", placeholder: "folder", help: "The run's folder. Default: \(usual).")
  }

  /// Sets how many threads the process has, if the command line says so; nothing else in the program does.
  static func setThreads(_ arguments: ParsedArguments) throws(UsageError) {
    let format = ValueFormat.integer(in: 1...256)
    if let text = ProcessInfo.processInfo.environment["BINARYDENSITY_THREADS"], format.parse(text) == nil {
      throw UsageError("BINARYDENSITY_THREADS: expected \(format.expected), found '\(text)'")
    }
    guard arguments.declares(threads.name),
      let count = try arguments.optionalValue(threads.name, as: format)
    else { return }
    Threads.count = count
  }
}
