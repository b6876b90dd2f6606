import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("density dependence")
struct DependenceTests {
  /// I of two fair bits of which one copies the other with probability σ(3), and of one σ(1).
  private static func copied(_ z: Double) -> Double {
    let p = 1 / (1 + exp(-z))
    return log(2) + p * log(p) + (1 - p) * log(1 - p)
  }

  /// A folder with a tree, whose column b copies a mostly and c copies b less, and a network of pictures of 5 × 5.
  private func withModels(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let tree = ChowLiuTree(
        parents: [nil, 0, 1, nil],
        logits: Matrix(rowCount: 2, columnCount: 4, elements: [0, -3, -1, 0, 0, 3, 1, 0]))
      var checkpoint = Checkpoint(model: tree)
      checkpoint.columnNames = ["a", "b", "c, or so", "d"]
      try checkpoint.write(to: folder + "/tree.safetensors")
      var pictures = Checkpoint(model: try NADE(.init(variableCount: 25, hiddenCount: 4), seed: 1))
      pictures.imageShape = ImageShape(height: 5, width: 5)
      try pictures.write(to: folder + "/nade.safetensors")
      try body(folder)
    }
  }

  private func run(_ line: String, _ folder: String) throws -> DensityProgram.Result {
    let words = line.split(separator: " ").map(String.init)
    return try DensityProgram.finish(DensityProgram.start(words, in: folder))
  }

  @Test("pairs in words, as JSON and as CSV")
  func pairs() throws {
    try withModels { folder in
      let text = try run("dependence tree.safetensors --top 2", folder)
      #expect(text.status == 0, "\(text.errors)")
      let first = String(format: "%.4f (exact)  %.4f  a, b", Self.copied(3), Self.copied(3) / log(2))
      let second = String(format: "%.4f (exact)  %.4f  b, c, or so", Self.copied(1), Self.copied(1) / log(2))
      #expect(
        text.output.split(separator: "\n").map(String.init) == [
          "6 pairs of 4 columns, in nats, exact", "information     share   columns", first, second,
        ])

      let result = try run("dependence tree.safetensors --json -o pairs.csv --picture pairs.png", folder)
      let json = try DensityProgram.json(result.output)
      #expect(json["columns"]?.integer == 4 && json["pair_count"]?.integer == 6)
      #expect(json["drawn_rows"] == .null)
      let pairs = try #require(json["pairs"]?.elements)
      #expect(pairs.count == 6 && pairs[0]["columns"] == ["a", "b"] && pairs[0]["standard_error"] == .null)
      #expect(abs((pairs[0]["mutual_information"]?.number ?? 0) - Self.copied(3)) < 1e-6)
      let lines = try String(contentsOfFile: folder + "/pairs.csv", encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 7 && lines[0] == "first,second,mutual_information,standard_error,share")
      let fields = lines[1].split(separator: ",")
      #expect(fields.prefix(2) == ["a", "b"] && abs((Double(fields[2]) ?? 0) - Self.copied(3)) < 1e-6)
      #expect(lines[2].hasPrefix("a,\"c, or so\",") && fields[3] == "0.0")
      let picture = try Data(contentsOf: URL(fileURLWithPath: folder + "/pairs.png"))
      #expect(picture.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    }
  }

  @Test("one column's partners, and what the rest tells")
  func ofOneColumn() throws {
    try withModels { folder in
      let text = try run("dependence tree.safetensors --of b", folder)
      let lines = text.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 6, "\(text.errors)")
      #expect(lines[0].hasPrefix("b: entropy in nats 0.6931 (exact), of which all others tell 0."))
      #expect(
        lines[1] == "3 pairs of b, in nats, exact" && lines[3].hasSuffix("  a")
          && lines[4].hasSuffix("  c, or so"))
      let json = try DensityProgram.json(try run("dependence tree.safetensors --of #2 --json", folder).output)
      #expect(json["of"] == "b" && json["pairs"]?.elements?.count == 3)
      // a and c are alike given b: what they tell together is more than a alone does.
      #expect((json["information"]?.number ?? 0) > Self.copied(3))

      let rest = try run("dependence tree.safetensors --rest -o rest.csv", folder)
      let found = rest.output.split(separator: "\n").map(String.init)
      #expect(found.count == 6 && found[2].hasSuffix("  b") && found[5].hasSuffix("0.0000  d"))
      let file = try String(contentsOfFile: folder + "/rest.csv", encoding: .utf8).split(separator: "\n")
      #expect(file.count == 5 && file[1].hasPrefix("a,0.693") && file[4].hasPrefix("d,0.693"))
      let restJSON = try DensityProgram.json(
        try run("dependence tree.safetensors --rest --json --top 1", folder).output)
      #expect(restJSON["rest"]?.elements?.map { $0["column"] } == ["b"])
    }
  }

  @Test("a network's are drawn, the same for a seed and any threads")
  func drawn() throws {
    try withModels { folder in
      let line = "dependence nade.safetensors --of #13 --rows 3000 --picture pixel.png"
      let text = try run(line, folder)
      #expect(text.status == 0, "\(text.errors)")
      #expect(
        text.output.contains("24 pairs of #13, in nats, from 3000 rows drawn") && text.output.contains(" ± "))
      #expect(try run(line + " --threads 1", folder).output == text.output)
      #expect(try run(line + " --seed 1", folder).output != text.output)
      let rest = try run("dependence nade.safetensors --rest --rows 40 --top 3", folder)
      #expect(rest.output.split(separator: "\n").count == 5 && rest.output.contains(" ± "))
      let json = try DensityProgram.json(
        try run("dependence nade.safetensors --rows 3000 --json", folder).output)
      #expect(json["drawn_rows"]?.integer == 3000 && json["pairs"]?.elements?.count == 20)
      #expect((json["pairs"]?.elements?[0]["standard_error"]?.number ?? 0) > 0)
    }
  }

  @Test("a column whose name looks like a value is a column")
  func namesWithValues() throws {
    try withTemporaryDirectory { folder in
      var checkpoint = Checkpoint(
        model: ChowLiuTree(
          parents: [nil, 0, 1], logits: Matrix(rowCount: 2, columnCount: 3, elements: [0, -3, -1, 0, 3, 1])))
      checkpoint.columnNames = ["k=a", "k=b", "c"]
      try checkpoint.write(to: folder + "/t")
      let result = try DensityProgram.run("dependence", "t", "--of", "k=a", in: folder)
      #expect(result.status == 0 && result.output.contains("k=a: entropy"), "\(result)")
    }
  }

  @Test(
    "what cannot be is one line and a status, and leaves no file",
    arguments: [
      ("none.safetensors", 66, "none.safetensors: no such file"),
      ("tree.safetensors --of bb", 64, "did you mean \"b\"?"),
      ("tree.safetensors --of #5", 64, "up to #4"),
      ("tree.safetensors --of a,b", 64, "expected one column without a value, found 2 columns"),
      ("tree.safetensors --of a=1", 64, "expected one column without a value, found a value"),
      ("tree.safetensors --of a --rest", 64, "--of does not go with --rest"),
      ("tree.safetensors --rest --picture rest.png", 64, "--picture does not go with --rest"),
      ("tree.safetensors --of a --picture a.png", 64, "models of pictures"),
      ("tree.safetensors --picture a.jpg", 64, "a picture is a .png"),
      ("tree.safetensors -o pairs.npy", 64, "pairs are written as .csv or .txt"),
      ("tree.safetensors -o tree.safetensors", 64, "pairs are written as .csv or .txt"),
      ("tree.safetensors -o none/pairs.csv", 73, "none/pairs.csv"),
      ("tree.safetensors --rows 1", 64, "--rows"), ("tree.safetensors --top 0", 64, "--top"),
    ])
  func refusals(_ line: String, _ status: Int32, _ complaint: String) throws {
    try withModels { folder in
      let before = try names(in: folder)
      let result = try run("dependence " + line, folder)
      #expect(result.status == status, "\(result.errors)")
      let found = try #require(result.onlyLine, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
      #expect(try names(in: folder) == before)
    }
  }
}
