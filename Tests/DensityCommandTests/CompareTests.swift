import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density compare")
struct CompareTests {
  /// A folder with models of three independent bits, a wider one, and tables.
  private func withModels(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      // Fitted nearly without pseudo-counts they have nearly these probabilities.
      func write(_ name: String, _ rows: [[Int]], _ names: [String]?) throws {
        var checkpoint = Checkpoint(
          model: try IndependentBernoulli.fit(to: BinaryMatrix(rows), pseudoCount: 1e-9))
        checkpoint.columnNames = names
        try checkpoint.write(to: folder + "/" + name)
      }
      // 1/2, 3/4, 1/2 and the same of other names, in another order.
      try write("p.safetensors", [[0, 1, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]], ["a", "b", "c"])
      try write("turned.safetensors", [[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]], ["b", "c", "a"])
      try write("fair.safetensors", [[0, 0, 0], [1, 1, 1]], nil)
      try write("wide.safetensors", [[0, 0, 0, 0], [1, 1, 1, 1]], nil)
      try write("named.safetensors", [[0, 0, 0], [1, 1, 1]], ["a", "b", "d"])
      try FileManager.default.copyItem(atPath: folder + "/fair.safetensors", toPath: folder + "/fair.model")
      let fair = (0..<64).map { "\($0 % 2),\($0 / 2 % 4 > 0 ? 1 : 0),\($0 / 8 % 2)\n" }.joined()
      for (name, text) in [
        ("fair.csv", "a,b,c\n" + fair), ("turned.csv", "c,b,a\n" + fair),
        ("ones.csv", String(repeating: "1,1,1\n", count: 80)),
        ("one.csv", "1,1,1\n"), ("wide.csv", "1,0,1,0\n1,0,1,0\n"), ("gap.csv", "1,1,1\n1,,1\n"),
        ("empty.csv", ""),
      ] { try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
      try body(folder)
    }
  }

  private func run(_ line: String, _ folder: String, input: String? = nil) throws -> DensityProgram.Result {
    let words = line.split(separator: " ").map(String.init)
    return try DensityProgram.finish(DensityProgram.start(words, input: input, in: folder))
  }

  /// h(1/4).
  private static let quarter = 2 * log(2) - 0.75 * log(3)

  private func isClose(_ value: JSONValue?, _ expected: Double) -> Bool {
    value?["exact"] == .bool(true) && value?["standard_error"]?.number == nil
      && abs((value?["value"]?.number ?? .nan) - expected) < 1e-5
  }

  @Test("a model alone")
  func entropy() throws {
    try withModels { folder in
      let text = try run("compare p.safetensors", folder)
      #expect(text.status == 0 && text.errors.isEmpty)
      #expect(
        text.output == """
          model    p.safetensors, 3 variables
          H        1.9486 nats, 2.8113 bits, 0.9371 bits a variable (exact)

          """)
      let json = try DensityProgram.json(run("compare p.safetensors --json", folder).output)
      #expect(isClose(json["entropy"], 2 * log(2) + Self.quarter) && json["variables"]?.integer == 3)
    }
  }

  @Test("two models, whatever their files are called, and columns by name")
  func models() throws {
    try withModels { folder in
      let json = try DensityProgram.json(run("compare p.safetensors fair.model --json", folder).output)
      #expect(
        isClose(json["entropy"], 2 * log(2) + Self.quarter) && isClose(json["other_entropy"], 3 * log(2)))
      #expect(
        isClose(json["kl"], log(2) - Self.quarter) && isClose(json["reverse_kl"], log(2) - 0.5 * log(3)))
      #expect(isClose(json["cross_entropy"], 3 * log(2)) && json["rows_drawn_of_each"]?.integer == 0)
      // Of one bit: p + q = 5/4 and 3/4.
      let middle = [(0.75, 0.5), (0.25, 0.5)].reduce(0) { sum, pair in
        let m = (pair.0 + pair.1) / 2
        return sum + (pair.0 * log(pair.0 / m) + pair.1 * log(pair.1 / m)) / 2
      }
      #expect(isClose(json["jensen_shannon"], middle))

      let turned = try run("compare p.safetensors turned.safetensors", folder)
      #expect(
        turned.status == 0 && turned.errors == "turned.safetensors: columns put in order by their names\n")
      let lines = turned.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 9 && lines[1] == "q        turned.safetensors")
      #expect(lines[4] == "KL(p‖q)  0.0000 nats, 0.0000 bits, 0.0000 bits a variable (exact)")
    }
  }

  @Test("a table whose rows could be draws of the model, and one whose could not")
  func tables() throws {
    try withModels { folder in
      let fits = try run("compare p.safetensors fair.csv --rows 500 --top 1", folder)
      #expect(fits.status == 0, "\(fits.errors)")
      let lines = fits.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 9 && lines[0] == "table    64 rows of fair.csv")
      #expect(lines[1] == "model    500 rows drawn of p.safetensors")
      #expect(lines[2].hasPrefix("log p    table -1.9") && lines[4].hasPrefix("kernel   MMD² "))
      // By name it is the same table.
      #expect(
        try run("compare p.safetensors turned.csv --rows 500 --json --top 0", folder, input: nil).status == 0)
      let input = try String(contentsOfFile: folder + "/ones.csv", encoding: .utf8)
      let differs = try DensityProgram.json(
        run("compare p.safetensors - --rows 500 --permutations 99 --top 2 --json", folder, input: input)
          .output)
      #expect(differs["rows"]?.integer == 80 && differs["compared_rows"]?.integer == 80)
      #expect(
        differs["kernel"]?["p_value"]?.number == 0.01 && differs["log_p"]?["ks_p_value"]?.number == 0.01)
      #expect((differs["log_p"]?["difference"]?["value"]?.number ?? 0) > 0.2)
      let columns = try #require(differs["columns"]?.elements)
      #expect(columns.count == 2 && columns.allSatisfy { ($0["p_value"]?.number ?? 1) < 1e-6 })
      #expect(columns.allSatisfy { $0["columns"]?.elements?.count == 1 && $0["table_share"]?.number == 1 })
      #expect(differs["pairs"]?.elements?.first?["columns"]?.elements?.compactMap(\.string) == ["a", "c"])
    }
  }

  @Test(
    "what cannot be is one line and a status",
    arguments: [
      ("wide.safetensors", 65, "wide.safetensors: expected a model of 3 variables, found one of 4"),
      ("named.safetensors", 65, "named.safetensors: expected columns of the same names"),
      ("wide.csv", 65, "wide.csv: expected 3 columns as in the model"),
      ("one.csv", 65, "one.csv: expected at least 2 rows to compare, found 1"),
      ("empty.csv", 65, "empty.csv"),
      ("gap.csv", 65, "density impute fills them in"),
      ("none.csv", 66, "none.csv: no such file"),
      ("none.safetensors", 66, "none.safetensors: no such file"),
      ("fair.safetensors --top 3", 64, "--top goes with a table; fair.safetensors is taken for a model"),
      ("--ignore a", 64, "--ignore goes with a table, and none is named"),
      ("fair.csv --error 0.1", 64, "--error goes with models; fair.csv is taken for a table"),
      ("fair.csv --rows 1", 64, "--rows"), ("fair.csv --permutations 0", 64, "--permutations"),
      ("fair.safetensors --error 0", 64, "--error"),
    ])
  func refusals(_ line: String, _ status: Int32, _ complaint: String) throws {
    try withModels { folder in
      let result = try run("compare p.safetensors " + line, folder)
      #expect(result.status == status && result.output.isEmpty, "\(result.errors)")
      let found = try #require(result.complaint, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
    }
  }
}
