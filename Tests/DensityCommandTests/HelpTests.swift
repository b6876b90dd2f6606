import BinaryDensity
import Testing

@Suite("The command's help")
struct HelpTests {
  /// The options of each command; one that is not documented, or not there any more, is a broken promise.
  private static let options = [
    "train": [
      "model", "hidden", "activation", "ordering", "masks", "orders", "fresh-masks", "direct", "residual",
      "components",
      "data", "groups", "validation",
      "test", "labels", "validation-labels", "test-labels", "per-class", "discrimination",
      "binarize", "threshold", "binarize-seed",
      "format", "header", "columns", "ignore", "values", "missing", "column-count", "index-base", "array",
      "skip-damaged",
      "image",
      "epochs", "batch", "rate", "schedule", "optimizer",
      "momentum",
      "weight-decay", "clip", "steps-per-epoch", "start", "patience", "validate-every", "redraw", "dropout",
      "input-dropout", "shifts",
      "average",
      "members",
      "precision", "seed", "run", "resume", "config", "from", "threads", "verbose", "json",
      "quiet", "help",
    ],
    "reproduce": [
      "list", "data", "published-training", "precision", "epochs", "seed", "run", "threads", "verbose",
      "json",
      "quiet", "help",
    ],
    "fit": [
      "data", "validation", "test", "groups", "budget", "steps", "output", "resume", "verbose", "size",
      "seed",
      "threads",
      "json",
      "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore", "values", "missing",
      "column-count", "index-base", "array", "skip-damaged", "image", "quiet", "help",
    ],
    "distill": [
      "data", "validation", "test", "budget", "output", "size", "seed", "threads", "json", "binarize",
      "threshold",
      "binarize-seed", "format", "header", "columns", "ignore", "values", "missing", "column-count",
      "index-base", "array", "skip-damaged",
      "image", "quiet", "help",
    ],
    "evaluate": [
      "data", "split", "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "orders",
      "against", "reference",
      "shard", "threads",
      "json", "quiet", "help",
    ],
    "sample": [
      "count", "seed", "output", "given", "exact", "on-bits", "temperature", "distinct", "logprob", "class",
      "each-class", "columns", "magnify", "particles", "enumerate", "order", "shard", "threads", "quiet",
      "help",
    ],
    "marginal": [
      "output", "given", "hide", "others", "count", "particles", "error", "enumerate", "order", "seed",
      "split",
      "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore", "values", "missing",
      "column-count", "index-base", "array", "skip-damaged", "image", "threads", "json", "quiet", "help",
    ],
    "logprob": [
      "output", "data", "split", "binarize", "threshold", "binarize-seed", "format", "header", "columns",
      "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "shard", "threads",
      "quiet", "help",
    ],
    "query": [
      "file", "particles", "error", "enumerate", "order", "seed", "alike", "row", "count", "split",
      "binarize",
      "threshold",
      "binarize-seed", "format", "header", "columns", "ignore", "values", "missing", "column-count",
      "index-base", "array", "skip-damaged", "image", "json", "threads", "quiet", "help",
    ],
    "mode": [
      "count", "output", "beam", "memory", "nodes", "across", "magnify", "split", "binarize", "threshold",
      "binarize-seed", "format", "header", "columns", "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "threads", "json",
      "quiet", "help",
    ],
    "impute": [
      "output", "how", "draws", "hide", "seed", "count", "beam", "nodes", "across", "magnify", "split",
      "particles", "enumerate", "order",
      "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "threads",
      "quiet", "help",
    ],
    "score": [
      "reference", "draws", "seed", "output", "top", "against", "data", "split", "binarize", "threshold",
      "binarize-seed", "format", "header", "columns", "ignore", "values", "missing", "column-count",
      "index-base", "array",
      "skip-damaged",
      "image", "shard", "threads", "json", "quiet", "help",
    ],
    "dependence": [
      "of", "rest", "top", "output", "picture", "rows", "seed", "threads", "json", "quiet", "help",
    ],
    "report": [
      "output", "rows", "training", "seed", "data", "split", "binarize", "threshold", "binarize-seed",
      "format",
      "header", "columns", "ignore", "values", "missing", "column-count", "index-base", "array",
      "skip-damaged",
      "image", "threads", "quiet", "help",
    ],
    "explain": [
      "output", "summary", "top", "picture", "magnify", "rows", "others", "data", "split", "binarize",
      "threshold", "binarize-seed", "format", "header", "columns", "ignore", "values", "missing",
      "column-count", "index-base", "array", "skip-damaged", "image", "threads", "json", "quiet", "help",
    ],
    "calibration": [
      "picture", "rows", "others", "data", "split", "binarize", "threshold", "binarize-seed", "format",
      "header", "columns", "ignore", "values", "missing", "column-count", "index-base", "array",
      "skip-damaged", "image",
      "threads", "json", "quiet", "help",
    ],
    "info": ["graph", "names", "json", "quiet", "help"],
    "classify": [
      "data", "split", "labels", "output", "reliability", "temperature", "binarize", "threshold",
      "binarize-seed", "format", "header", "columns", "ignore", "values", "missing", "column-count",
      "index-base", "array", "skip-damaged", "image", "threads", "json", "quiet", "help",
    ],
    "export": ["output", "to", "quiet", "help"],
    "import": ["output", "activation", "quiet", "help"],
    "describe": [
      "pairs", "split", "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "json", "threads",
      "quiet", "help",
    ],
    "compare": [
      "rows", "error", "permutations", "top", "seed", "split", "binarize", "threshold", "binarize-seed",
      "format", "header", "columns", "ignore", "values", "missing", "column-count", "index-base", "array",
      "skip-damaged",
      "image", "threads", "json", "quiet", "help",
    ],
    "compress": [
      "output", "data", "split", "binarize", "threshold", "binarize-seed", "format", "header", "columns",
      "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "shard", "threads",
      "json", "quiet", "help",
    ],
    "decompress": ["output", "threads", "json", "quiet", "help"],
    "merge": ["output", "json", "quiet", "help"],
    "pack": [
      "output", "shuffle", "seed", "split", "binarize", "threshold", "binarize-seed", "format", "header",
      "columns", "ignore", "values", "missing", "column-count", "index-base", "array", "skip-damaged",
      "image",
      "quiet", "help",
    ],
    "convert": [
      "magnify", "split", "binarize", "threshold", "binarize-seed", "format", "header", "columns", "ignore",
      "values", "missing", "column-count", "index-base", "array", "skip-damaged", "image", "quiet", "help",
    ],
  ]

  @Test(arguments: options.keys.sorted())
  func saysWhatThereIs(_ command: String) throws {
    let result = try DensityProgram.run(command, "--help")
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(result.output.contains("density \(command)") && result.output.contains("Examples"))
    for line in [["help", command], [command, "-h"], [command, "--nonsense", "--help"]] {
      #expect(try DensityProgram.finish(DensityProgram.start(line)).output == result.output)
    }
    let lines = result.output.split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 80 })
    // `  -m, --model <family>  …` or `      --direct  …`
    let documented = lines.compactMap { line -> String? in
      let words = line.split(separator: " ").prefix(2)
      guard line.hasPrefix("  "), let option = words.first(where: { $0.hasPrefix("--") }) else { return nil }
      return words.first == option || words.first?.hasSuffix(",") == true ? String(option.dropFirst(2)) : nil
    }
    #expect(documented == Self.options[command])
  }

  @Test(arguments: [40, 120])
  func isAsWideAsTheTerminal(_ width: Int) throws {
    for command in Self.options.keys {
      let result = try DensityProgram.shell("COLUMNS=\(width) density \(command) --help", in: "/")
      let lines = result.output.split(separator: "\n")
      let typed = { (line: Substring) in
        line.hasPrefix("  density ") || line.hasPrefix("  mpirun ") || line.split(separator: " ").count <= 3
      }
      #expect(lines.allSatisfy { $0.count <= width || typed($0) }, "\(command)")
    }
  }

  @Test func theTopicOfTablesNamesEveryFormat() throws {
    let result = try DensityProgram.run("help", "tables")
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(DataTable.formatSummaries.count == 10)
    for format in DataTable.formatSummaries { #expect(result.output.contains("\n  \(format.name) ")) }
    #expect(try DensityProgram.run("help").output.contains("\n  help tables "))
    #expect(try DensityProgram.run("help").output.contains("\n  help json "))
    #expect(try DensityProgram.run("help", "json").output.contains("\n  command "))
  }

  @Test func theProgramNamesItsCommands() throws {
    let result = try DensityProgram.run("--help")
    #expect(result.status == 0 && result.errors.isEmpty)
    for command in Self.options.keys { #expect(result.output.contains("\n  \(command) ")) }
    #expect(try DensityProgram.run("help").output == result.output)
    #expect(try DensityProgram.run("--version").output.hasPrefix("density "))
  }
}
