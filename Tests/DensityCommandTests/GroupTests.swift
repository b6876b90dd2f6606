import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Groups of columns on the command line")
struct GroupTests {
  /// Writes a table of a variable of three values, one of two, and two columns of their own, one-hot coded.
  private func writeTable(_ path: String, rowCount: Int, hasNames: Bool = true, breaking: Int? = nil) throws {
    var state: UInt32 = 4711
    func next(_ count: UInt32) -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return (state >> 16) % count
    }
    var lines = hasNames ? ["color=red,color=green,color=blue,size_s,size_l,smoker,runner"] : []
    for row in 0..<rowCount {
      let color = next(3)
      let size = next(4) == 0 ? next(2) : color % 2
      var bits = (0..<3).map { $0 == color } + (0..<2).map { $0 == size }
      bits += [next(3) == color, next(5) == 0]
      if row == breaking { bits[3...4] = [true, true] }
      lines.append(bits.map { $0 ? "1" : "0" }.joined(separator: ","))
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }

  private static let groups = [[0, 1, 2], [3, 4]]

  @Test("a row that breaks a group is impossible, and that is said")
  func impossibleRow() throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 400)
      try writeTable(folder + "/broken.csv", rowCount: 20, breaking: 4)
      func run(_ line: String) throws -> DensityProgram.Result {
        try DensityProgram.finish(
          DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
      }
      #expect(try run("train t.csv --model nade --groups observed --epochs 2 --run r").status == 0)
      let lines = try run("logprob r/best.safetensors broken.csv").output.split(separator: "\n")
      #expect(lines.count == 20 && lines.indices.allSatisfy { (lines[$0] == "-inf") == ($0 == 4) })
      let measured = try run("evaluate r/best.safetensors broken.csv")
      #expect(measured.output.contains("inf nats") && measured.output.contains("the model rules some out"))
      let compared = try run("compare r/best.safetensors broken.csv")
      #expect(compared.output.contains("1 of the table's rows impossible under the model"))
    }
  }

  /// The probability of rows that break a group under the model of a file.
  private func brokenMass(_ path: String) throws -> Double {
    let model = try Checkpoint(contentsOf: path).model
    let (rows, groups) = (BinaryMatrix.allRows(ofWidth: 7), try ColumnGroups(Self.groups, columnCount: 7))
    return zip(0..<rows.rowCount, model.logProbabilities(of: rows)).reduce(0) { sum, row in
      let holds = groups.groups.allSatisfy { group in group.count { rows[row.0, $0] } == 1 }
      return sum + (holds ? 0 : exp(row.1))
    }
  }

  @Test(
    "train --groups trains a network that keeps them, which all commands take",
    arguments: [
      ("nade", "color, size"), ("made", "1-3,#4-#5"), ("fvsbn", "observed"),
      ("nade", "(1,2,3), (size_l, size_s)"),
    ])
  func training(family: String, groups: String) throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 400)
      try writeTable(folder + "/test.csv", rowCount: 50)
      let trained = try DensityProgram.run(
        "train", "--model", family, "--data", "t.csv", "--test", "test.csv", "--groups", groups, "--epochs",
        "3", "--run", "r",
        in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(trained.errors.contains("keeping 2 groups of 5 columns"))
      #expect(try brokenMass(folder + "/r/best.safetensors") == 0)
      let info = try DensityProgram.run("info", "r/best.safetensors", in: folder)
      #expect(
        info.status == 0 && info.output.hasPrefix("GROUPED ") && info.output.contains("2 groups of 5 columns")
      )
      let outline = try DensityProgram.run("info", "r/last.safetensors", "--graph", in: folder)
      #expect(outline.status == 0 && outline.output.contains("oneHot("), "\(outline.errors)")
      let sample = try DensityProgram.run(
        "sample", "r/best.safetensors", "-n", "200", "-o", "s.csv", in: folder)
      #expect(sample.status == 0, "\(sample.errors)")
      let rows = try DataTable.read(folder + "/s.csv").rows(split: .test)
      #expect(
        (0..<200).allSatisfy { row in Self.groups.allSatisfy { group in group.count { rows[row, $0] } == 1 } }
      )
      let query = try DensityProgram.run(
        "query", "r/best.safetensors", "P(color=red or color=green or color=blue)", in: folder)
      let impossible = try DensityProgram.run(
        "query", "r/best.safetensors", "P(#1, #3)", "P(smoker | #4, #5)", in: folder)
      #expect(impossible.output.contains("= 0 (exact)"), "\(impossible.output) \(impossible.errors)")
      #expect(impossible.errors.contains("found one that cannot be"), "\(impossible.errors)")
      #expect(query.status == 0 && query.output.contains("= 1.000"), "\(query.output) \(query.errors)")
      let resumed = try DensityProgram.run("train", "--resume", "--run", "r", "--epochs", "4", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try brokenMass(folder + "/r/best.safetensors") == 0)
      let from = try DensityProgram.run(
        "train", "--from", "r/best.safetensors", "--data", "t.csv", "--epochs", "1", "--run", "q", in: folder)
      #expect(from.status == 0, "\(from.errors)")
      #expect(try brokenMass(folder + "/q/best.safetensors") == 0)
      let labelled = try DensityProgram.run(
        "train", "--from", "r/best.safetensors", "--data", "t.csv", "--labels", "smoker", "--per-class",
        "--run", "l", in: folder)
      #expect(labelled.status == 64 && labelled.onlyLine?.contains("keeps groups") == true, "\(labelled)")
    }
  }

  @Test("fit --groups finds what keeps them, of few rows and of more", arguments: [150, 2300])
  func fitting(rowCount: Int) throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: rowCount)
      let offered = try DensityProgram.run("fit", "t.csv", "-t", "1s", "-o", "plain", in: folder)
      #expect(offered.status == 0 && offered.errors.contains("--groups observed"), "\(offered.errors)")
      let found = try DensityProgram.run(
        "fit", "t.csv", "--groups", "observed", "-t", "2s", "-o", "m", in: folder)
      #expect(found.status == 0, "\(found.errors)")
      #expect(try brokenMass(folder + "/m") == 0)
      let members = try DensityProgram.run(
        "train", "--data", "t.csv", "--groups", "color,size", "--members", "2", "--epochs", "2", "--run", "r",
        in: folder)
      #expect(members.status == 0, "\(members.errors)")
      #expect(try brokenMass(folder + "/r/best.safetensors") == 0)
    }
  }

  @Test(
    "groups that cannot be are refused in a line, before anything is trained",
    arguments: [
      ("6-9", "up to #7"), ("1-3,3-4", "column 3 is in two groups"), ("1-3,smoker", "at least two columns"),
      ("weight", "expected a column"), ("1-2", "row "),
    ])
  func refused(groups: String, words: String) throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 120)
      for command in [["fit", "t.csv", "-o", "m"], ["train", "--data", "t.csv", "--run", "r"]] {
        let result = try DensityProgram.finish(
          DensityProgram.start(command + ["--groups", groups], in: folder))
        #expect(result.status != 0 && result.onlyLine?.contains(words) == true, "\(result.errors)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["t.csv"])
    }
  }

  @Test("a table that breaks a group is named, with the row and the columns")
  func brokenTables() throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 120)
      try writeTable(folder + "/v.csv", rowCount: 40, breaking: 16)
      for option in ["--validation", "--test"] {
        let result = try DensityProgram.run(
          "fit", "t.csv", option, "v.csv", "--groups", "observed", "-o", "m", in: folder)
        #expect(
          result.complaint
            == "density: v.csv: row 17: expected exactly one of the columns 4-5 on, which are a group, found 2: "
            + "4 (\"size_s\"), 5 (\"size_l\")", "\(result.errors)")
      }
      let observed = try DensityProgram.run("fit", "v.csv", "--groups", "observed", "-o", "m", in: folder)
      #expect(observed.complaint?.contains("v.csv") == true && observed.status != 0)
      try "a,b,c\n1,0,1\n0,1,?\n1,0,1\n".write(toFile: folder + "/m.csv", atomically: true, encoding: .utf8)
      let missing = try DensityProgram.run("fit", "m.csv", "--groups", "1-2", "-o", "m", in: folder)
      #expect(missing.complaint?.contains("missing cells") == true, "\(missing.errors)")
    }
  }

  @Test(
    "what keeps no groups says so",
    arguments: [
      ["--model", "eonade"], ["--model", "chow-liu"], ["--model", "made", "--masks", "2"],
      ["--model", "made", "--fresh-masks"], ["--labels", "runner"], ["--from", "x.safetensors"],
    ])
  func otherModels(options: [String]) throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 120)
      let result = try DensityProgram.finish(
        DensityProgram.start(
          ["train", "--data", "t.csv", "--run", "r", "--groups", "1-3"] + options, in: folder
        ))
      #expect(result.status == 2 || result.status == 64, "\(result.status)")
      #expect(result.onlyLine?.contains("--groups") == true, "\(result.errors)")
    }
  }

  @Test("describe offers the groups that all rows keep")
  func describing() throws {
    try withTemporaryDirectory { folder in
      try writeTable(folder + "/t.csv", rowCount: 120)
      let words = try DensityProgram.run("describe", "t.csv", in: folder)
      #expect(
        words.output.contains("2 groups of 5 columns, one of each on in every row: 1-3, 4-5"),
        "\(words.output)")
      #expect(words.output.contains("density fit t.csv --groups observed"))
      let json = try DensityProgram.json(DensityProgram.run("describe", "t.csv", "--json", in: folder).output)
      #expect(
        json["groups"]
          == .array([.array([1, 2, 3].map(JSONValue.integer)), .array([4, 5].map(JSONValue.integer))]))
      try writeTable(folder + "/few.csv", rowCount: 60, hasNames: false)
      #expect(try !DensityProgram.run("describe", "few.csv", in: folder).output.contains("groups "))
    }
  }
}
