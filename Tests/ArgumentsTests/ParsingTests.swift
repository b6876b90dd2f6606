import Arguments
import Testing

enum Color: String, CaseIterable {
  case red, green
}

/// The command of the tests.
let train = Command(
  name: "train",
  summary: "Fit a model to a data set.",
  discussion: """
    Reads the rows, fits the model and writes a checkpoint after every epoch, so that work broken off can be \
    resumed.

    Figures go to standard output.
    """,
  options: [
    .value(
      "model", short: "m", placeholder: "kind", default: "nade", allowed: ["fvsbn", "nade", "made"],
      help: "Which model to fit."),
    .value("hidden", placeholder: "counts", default: "500", help: "Hidden units a layer."),
    .value(
      "epochs", short: "e", placeholder: "count", default: "20", help: "How often to pass over the rows."),
    .value("rate", placeholder: "number", help: "The step size."),
    .value("seed", placeholder: "integer", default: "1", help: "The seed of all random numbers."),
    .value("time", placeholder: "duration", help: "When to stop."),
    .value("tag", placeholder: "text", isRepeated: true, help: "A word to remember the run by."),
    .value("color", placeholder: "name", help: "A choice."),
    .value(
      "validation-row-count", placeholder: "rows", help: "How many of the last rows to keep for validation."),
    .flag("json", help: "Print the figures as JSON."),
  ],
  positionals: [
    Positional("data", help: "The rows to fit."), Positional("more", arity: .any, help: "Further rows."),
  ],
  examples: [
    Command.Example("density train digits.gz", "fits NADE with 500 hidden units"),
    Command.Example(
      "density train -m made --hidden 500,500 --epochs 100 digits.gz more-digits.gz", "takes longer"),
  ]
) { _ in .success }

let paint = Command(
  name: "paint", summary: "Paint.",
  options: [.value("out", short: "o", placeholder: "file", isRequired: true, help: "Where to.")],
  positionals: [Positional("name", arity: .oneOrNone, help: "Of what.")]
) { arguments in arguments.isGiven("name") ? .success : .usage }

@Suite("Parsing")
struct ParsingTests {
  @Test("Options, flags and arguments in any order")
  func mixed() throws {
    let arguments = try train.parse([
      "--epochs", "7", "a.gz", "--json", "-m=made", "--hidden=500,400", "b.gz", "--tag", "x", "--tag=y=z",
      "-",
      "--", "--rate", "c.gz",
    ])
    #expect(try arguments.value("epochs", as: .integer(in: 1...)) == 7)
    #expect(try arguments.value("model", as: .string) == "made")
    #expect(try arguments.value("hidden", as: .integers(in: 1...)) == [500, 400])
    #expect(try arguments.values("tag", as: .string) == ["x", "y=z"])
    #expect(try arguments.value("data", as: .path) == "a.gz")
    #expect(try arguments.values("more", as: .path) == ["b.gz", "-", "--rate", "c.gz"])
    #expect(arguments.flag("json") && arguments.isGiven("epochs") && !arguments.isGiven("seed"))
  }

  @Test("A value may stand at its short name, and flags behind one dash")
  func attached() throws {
    let arguments = try train.parse(["-e7", "a.gz", "-mmade"])
    #expect(try arguments.value("epochs", as: .integer(in: 1...)) == 7)
    #expect(try arguments.value("model", as: .string) == "made")
    #expect(!arguments.isQuiet)
    let quiet = try train.parse(["-qe3", "--", "-x"])
    #expect(try quiet.value("epochs", as: .integer(in: 1...)) == 3 && quiet.isQuiet)
    #expect(try quiet.value("data", as: .path) == "-x")
    #expect(try paint.parse(["-oa=b"]).value("out", as: .path) == "a=b")
  }

  @Test("What is not given has its default or none")
  func defaults() throws {
    let arguments = try train.parse(["a.gz"])
    #expect(try arguments.value("epochs", as: .integer()) == 20)
    #expect(try arguments.value("seed", as: .seed) == 1)
    #expect(try arguments.optionalValue("rate", as: .number()) == nil)
    #expect(try arguments.values("tag", as: .string) == [])
    #expect(try arguments.values("more", as: .string) == [])
    #expect(!arguments.flag("json"))
    #expect(throws: UsageError("missing option --rate <number>")) {
      try arguments.value("rate", as: .number())
    }
  }

  @Test("Negative numbers are values", arguments: ["-0.5", "-3", "-.25", "-1e-3"])
  func negative(number: String) throws {
    #expect(try train.parse(["a", "--rate", number]).value("rate", as: .number()) == Double(number))
    #expect(try train.parse(["a", "--rate=\(number)"]).value("rate", as: .number()) == Double(number))
    #expect(try train.parse(["a", number]).values("more", as: .string) == [number])
  }

  @Test("An argument that need not be given")
  func optionalArgument() throws {
    #expect(try paint.parse(["-o", "x"]).optionalValue("name", as: .string) == nil)
    #expect(try paint.parse(["-o", "x", "y"]).optionalValue("name", as: .string) == "y")
    #expect(throws: UsageError("missing argument <name>")) {
      try paint.parse(["-o", "x"]).value("name", as: .string)
    }
  }

  @Test(
    "What cannot be carried out, in one line",
    arguments: [
      (["a", "--hiden", "5"], "unknown option --hiden; did you mean --hidden?"),
      (["a", "--hiden=5"], "unknown option --hiden; did you mean --hidden?"),
      (["a", "-hidden", "5"], "unknown option -hidden; did you mean --hidden?"),
      (["a", "--validation"], "unknown option --validation; did you mean --validation-row-count?"),
      (["a", "--Json"], "unknown option --Json; did you mean --json?"),
      (["a", "--bananas"], "unknown option --bananas"),
      (["a", "-x"], "unknown option -x"),
      (["a", "-xe3"], "unknown option -xe3"),
      (["a", "-epochs", "3"], "unknown option -epochs; did you mean --epochs?"),
      (["a", "-qx"], "unknown option -x"),
      (["a", "-mnad"], "-m: expected one of fvsbn, nade, made, found 'nad'; did you mean nade?"),
      (["a", "--epochs"], "--epochs needs a value, <count>"),
      (["a", "--epochs", "--json"], "--epochs needs a value, <count>"),
      (["a", "-e", "--"], "-e needs a value, <count>"),
      (["a", "--epochs", "1", "-e", "2"], "-e is given twice"),
      (["a", "--json", "--json"], "--json is given twice"),
      (["a", "--json=yes"], "--json takes no value, found 'yes'"),
      (["a", "-m", "nad"], "-m: expected one of fvsbn, nade, made, found 'nad'; did you mean nade?"),
      (["a", "--model="], "--model: expected one of fvsbn, nade, made, found ''"),
      ([], "missing argument <data>"),
    ])
  func errors(arguments: [String], line: String) {
    #expect(throws: UsageError(line)) { try train.parse(arguments) }
  }

  @Test(
    "What a command of fewer arguments cannot carry out",
    arguments: [
      (["x"], "missing option --out <file>"),
      (["-o", "x", "y", "z"], "unexpected argument 'z'"),
    ])
  func otherErrors(arguments: [String], line: String) {
    #expect(throws: UsageError(line)) { try paint.parse(arguments) }
  }

  @Test("Names that are not declared, and declarations that contradict themselves, are broken contracts")
  func contracts() async {
    await #expect(processExitsWith: .failure) { _ = try train.parse(["a"]).value("rat", as: .number()) }
    await #expect(processExitsWith: .failure) { _ = try train.parse(["a"]).flag("epochs") }
    await #expect(processExitsWith: .failure) {
      _ = Command(name: "c", summary: "", options: [.flag("a", help: ""), .flag("a", help: "")]) { _ in
        .success
      }
    }
    await #expect(processExitsWith: .failure) {
      _ = Command(name: "c", summary: "", options: [.flag("host", short: "h", help: "")]) { _ in .success }
    }
    await #expect(processExitsWith: .failure) {
      _ = Option.value("a", placeholder: "x", default: "z", allowed: ["y"], help: "")
    }
  }
}

@Suite("Value formats")
struct ValueFormatTests {
  private func error<Value>(_ name: String, _ text: String, _ format: ValueFormat<Value>) -> String? {
    let arguments = try? train.parse(["a", "--\(name)=\(text)"])
    return (#expect(throws: UsageError.self) { try arguments?.value(name, as: format) })?.description
  }

  @Test("Integers", arguments: ["", "x", "1.5", "1e3", "0", "11", "99999999999999999999", " 5", "0x5"])
  func integers(text: String) throws {
    #expect(
      error("epochs", text, .integer(in: 1...10))
        == "--epochs: expected an integer from 1 to 10, found '\(text)'")
    #expect(ValueFormat.integer(in: 1...10).parse("10") == 10)
  }

  @Test("Ranges in words")
  func ranges() {
    #expect(ValueFormat.integer().expected == "an integer")
    #expect(ValueFormat.integer(in: 1...).expected == "an integer of at least 1")
    #expect(ValueFormat.integer(in: ...9).expected == "an integer of at most 9")
    #expect(ValueFormat.integer(in: ..<9).expected == "an integer below 9")
    #expect(ValueFormat.number(in: 0..<1).expected == "a number from 0.0 to below 1.0")
    #expect(ValueFormat.number().expected == "a number")
  }

  @Test("Lists of integers")
  func lists() {
    let format = ValueFormat.integers(in: 1..., allowingNone: true)
    #expect(format.parse("5") == [5] && format.parse("5,6,7") == [5, 6, 7] && format.parse("none") == [])
    for text in ["", ",", "5,", "5,,6", "5,0", "5, 6", "none,5"] {
      #expect(format.parse(text) == nil, "\(text)")
    }
    #expect(
      error("hidden", "none", .integers(in: 1...))
        == "--hidden: expected integers of at least 1 divided by commas, found 'none'")
  }

  @Test("Numbers")
  func numbers() {
    #expect(ValueFormat.number().parse("-1e-3") == -0.001)
    for text in ["", "x", "nan", "inf", "-infinity", "1e999"] {
      #expect(ValueFormat.number().parse(text) == nil, "\(text)")
      #expect(ValueFormat.positiveNumber.parse(text) == nil, "\(text)")
    }
    #expect(ValueFormat.positiveNumber.parse("0") == nil && ValueFormat.positiveNumber.parse("0.1") == 0.1)
    #expect(
      error("rate", "2", .number(in: 0..<1)) == "--rate: expected a number from 0.0 to below 1.0, found '2'")
  }

  @Test("Seeds")
  func seeds() {
    #expect(ValueFormat.seed.parse("18446744073709551615") == .max)
    for text in ["-1", "18446744073709551616", "1.0", ""] { #expect(ValueFormat.seed.parse(text) == nil) }
  }

  @Test("Choices")
  func choices() throws {
    let color: Color = try train.parse(["a", "--color", "green"]).value("color", as: .choice)
    #expect(color == .green)
    #expect(
      error("color", "gren", ValueFormat<Color>.choice)
        == "--color: expected one of red, green, found 'gren'; did you mean green?")
  }

  @Test(
    "Durations in seconds",
    arguments: [
      ("90", 90), ("1.5", 1.5), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("1h30m", 5400), ("1h1m1s", 3661),
      ("0", 0),
    ])
  func durations(text: String, seconds: Double) {
    #expect(ValueFormat.duration.parse(text) == seconds)
  }

  @Test(
    "Sizes",
    arguments: [
      ("800", 800), ("1B", 1), ("500kB", 500_000), ("5MB", 5_000_000), ("1.5MiB", 1_572_864),
      ("2gib", 2 << 30),
      ("0.5KB", 500), ("1.0009kB", 1000),
    ])
  func sizes(text: String, bytes: Int) {
    #expect(ValueFormat.byteCount.parse(text) == bytes)
  }

  @Test(
    "What is no size",
    arguments: [
      "", "MB", "0", "0.4", "-5MB", "5 MB", "5MB2", "1e3", "5M", "1.5.5MB", ".", "9999999999GB", "nan",
    ])
  func noSize(text: String) {
    #expect(ValueFormat.byteCount.parse(text) == nil)
  }

  @Test(
    "Sizes in words",
    arguments: [
      (0, "0 B"), (812, "812 B"), (999, "999 B"), (1000, "1.00 kB"), (64_321, "64.3 kB"), (999_499, "999 kB"),
      (999_500, "1.00 MB"), (5_000_000, "5.00 MB"), (9_996_000, "10.0 MB"), (280_000_000, "280 MB"),
    ])
  func sizesInWords(bytes: Int, text: String) {
    #expect(byteCountText(bytes) == text)
  }

  @Test(
    "What is no duration",
    arguments: ["", "s", "-5", "1d", "5 m", "1m1h", "1m2", "1s1s", "1..5", "h1", "1h-5m"])
  func noDurations(text: String) {
    #expect(ValueFormat.duration.parse(text) == nil)
  }

  @Test("Paths are not empty")
  func paths() { #expect(ValueFormat.path.parse("") == nil && ValueFormat.path.parse("-") == "-") }
}
