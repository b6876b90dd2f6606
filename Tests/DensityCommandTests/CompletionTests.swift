import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density mode and density impute")
struct CompletionTests {
  private static let columnNames = ["ant", "bee", "cat", "dog", "elk", "fox"]

  /// Runs a test in a folder with a model of six named variables, and rows with and without gaps.
  private func withFiles(
    imageShape: ImageShape? = nil, _ body: (_ folder: String, _ model: FVSBN) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      var model = try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1)
      model.parameters["w"] = .uniform(6, 6, in: -2...2, seed: 3)
      model.parameters["b"] = .uniform(1, 6, in: -1...1, seed: 4)
      try Checkpoint(model: model, imageShape: imageShape, columnNames: Self.columnNames)
        .write(to: folder + "/model.safetensors")
      let header = Self.columnNames.joined(separator: ",")
      try "\(header)\n1,0,,,1,0\n0,1,1,0,0,1\n,,,,,\n1,,0,1,1,\n".write(
        toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      try "\(header)\n1,0,1,1,1,0\n0,1,1,0,0,1\n".write(
        toFile: folder + "/whole.csv", atomically: true, encoding: .utf8)
      try body(folder, model)
    }
  }

  private let gaps = PartialRows([
    [1, 0, nil, nil, 1, 0], [0, 1, 1, 0, 0, 1], Array(repeating: nil, count: 6), [1, nil, 0, 1, 1, nil],
  ])

  private func text(_ rows: BinaryMatrix) -> String {
    ([Self.columnNames.joined(separator: ",")]
      + (0..<rows.rowCount).map { rows[row: $0].map { $0 ? "1" : "0" }.joined(separator: ",") })
      .map { $0 + "\n" }.joined()
  }

  // MARK: mode

  @Test func theMostProbableRows() throws {
    try withFiles { folder, model in
      let modes = try model.mostProbableRows(count: 3)
      let expected = (0..<3).map { row in
        "\(row + 1)  \(modes.logProbabilities[row])  proved  "
          + modes.rows[row: row].map { $0 ? "1" : "0" }.joined() + "\n"
      }.joined()
      let result = try DensityProgram.run(
        "mode", "model.safetensors", "-n", "3", "-o", "rows.csv", in: folder)
      #expect(result.status == 0 && result.output == expected)
      #expect(result.errors == "3 rows, 3 proved\n")
      #expect(try String(contentsOfFile: folder + "/rows.csv", encoding: .utf8) == text(modes.rows))
      let json = try DensityProgram.json(
        DensityProgram.run("mode", "model.safetensors", "-n", "3", "--json", in: folder).output)
      let rows = try #require(json["rows"]?.elements)
      #expect(rows.map { $0["log_p"]?.number } == modes.logProbabilities.map { $0 })
      #expect(rows.allSatisfy { $0["proved"] == true && $0["at_most"] == $0["log_p"] })
      #expect(
        rows[1]["on"] == .array(modes.rows.onBits(ofRow: 1).map { .string(Self.columnNames[$0]) }))
    }
  }

  @Test func theMostProbableCompletions() throws {
    try withFiles { folder, model in
      let modes = try #require(try ModeSearch(model).completions(of: gaps))
      for line in [
        "mode model.safetensors gaps.csv -o full.csv", "mode model.safetensors - -o full.csv <gaps.csv",
      ] {
        let result = try DensityProgram.shell("density \(line)", in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.map { Double($0[1]) } == modes.logProbabilities.map { $0 })
        #expect(lines.allSatisfy { $0[2] == "proved" } && lines.count == 4)
        #expect(result.errors.contains("names in line 1") && result.errors.hasSuffix("4 rows, 4 proved\n"))
        #expect(try String(contentsOfFile: folder + "/full.csv", encoding: .utf8) == text(modes.rows))
      }
      let imputed = try DensityProgram.run(
        "impute", "model.safetensors", "gaps.csv", "--how", "mode", in: folder)
      #expect(imputed.status == 0 && imputed.output == text(modes.rows))
      let few = try DensityProgram.run("mode", "model.safetensors", "gaps.csv", "-n", "2", in: folder)
      #expect(few.output.split(separator: "\n").count == 2)
    }
  }

  /// An interrupt ends a search with the best rows by then.
  @Test func interruptedSearch() throws {
    try withTemporaryDirectory { folder in
      var model = try NADE(NADE.Configuration(variableCount: 100, hiddenCount: 20), seed: 1)
      model.parameters["v"] = .uniform(100, 20, in: -0.1...0.1, seed: 3)
      try Checkpoint(model: model).write(to: folder + "/model.safetensors")
      let running = try DensityProgram.start(
        ["mode", "model.safetensors", "-n", "2", "--nodes", "1000000000000"], in: folder)
      usleep(700_000)
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      #expect(result.status == 130 && result.errors == "2 rows, 0 proved\n")
      #expect(result.output.split(separator: "\n").allSatisfy { $0.contains("best found (at most -") })
    }
  }

  // MARK: impute

  @Test("lines end as those of the table did", arguments: ["\n", "\r\n", "\r"], [true, false])
  func lineEnds(end: String, hasNames: Bool) throws {
    try withFiles { folder, model in
      let names = hasNames ? [Self.columnNames.joined(separator: ",")] : []
      let lines = names + ["1,0,,,1,0", "0,1,1,0,0,1", "1,,0,1,1,"]
      try (lines.joined(separator: end) + end).write(
        toFile: folder + "/ends.csv", atomically: true, encoding: .utf8)
      let modes = try #require(try ModeSearch(model).completions(of: gaps.selecting([0, 1, 3])))
      let full = names + (0..<3).map { modes.rows[row: $0].map { $0 ? "1" : "0" }.joined(separator: ",") }
      let command = "density impute model.safetensors ends.csv --how mode"
      let result = try DensityProgram.shell("\(command) && \(command) -o full.csv", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let file = try String(contentsOfFile: folder + "/full.csv", encoding: .utf8)
      for text in [result.output, file] {
        #expect(text == (full + [""]).joined(separator: end), "\(text.debugDescription)")
      }
      let draws = try DensityProgram.run(
        "impute", "model.safetensors", "ends.csv", "--draws", "2", in: folder)
      #expect(draws.output.components(separatedBy: end).count == names.count + 7, "\(draws)")
      #expect(end == "\r\n" || !draws.output.unicodeScalars.contains(end == "\n" ? "\r" : "\n"))
    }
  }

  @Test("between bars that begin no line a row's number is a field of its own") func numbersBesideBars()
    throws
  {
    try withFiles { folder, _ in
      let names = Self.columnNames.joined(separator: "|")
      try "id|\(names)\nx|0|1|1|0|1|0\n|0|1||1|0|1\n".write(
        toFile: folder + "/bars.csv", atomically: true, encoding: .utf8)
      let result = try DensityProgram.run(
        "impute", "model.safetensors", "bars.csv", "--ignore", "id", "--draws", "2", in: folder)
      let lines = result.output.split(separator: "\n")
      #expect(lines.first == "row|id|\(names)" && lines.count == 5, "\(result)")
      #expect(lines.dropFirst(3).allSatisfy { $0.hasPrefix("2||0|1|") }, "\(result.output)")
    }
  }

  @Test func draws() throws {
    try withFiles { folder, _ in
      func rows(_ arguments: String...) throws -> BinaryMatrix {
        let result = try DensityProgram.shell(
          "density impute model.safetensors gaps.csv -o full.npy " + arguments.joined(separator: " "),
          in: folder)
        #expect(result.status == 0, "\(result.errors)")
        return try DataTable.read(folder + "/full.npy").rows(split: .test)
      }
      let one = try rows()
      let three = try rows("--draws", "3", "--seed", "5")
      #expect(one.rowCount == 4 && three.rowCount == 12)
      #expect(try rows("--draws", "3", "--seed", "5", "--threads", "1") == three)
      #expect(try rows("--draws", "3", "--seed", "6") != three)
      for (table, count) in [(one, 1), (three, 3)] {
        for row in 0..<table.rowCount {
          for column in 0..<6 {
            if let value = gaps[row / count, column] { #expect(table[row, column] == value) }
          }
        }
      }
      let csv = try DensityProgram.run("impute", "model.safetensors", "gaps.csv", in: folder)
      #expect(csv.status == 0 && csv.output == text(one))
      let piped = try DensityProgram.shell("density impute model.safetensors - <gaps.csv", in: folder)
      #expect(piped.output == csv.output)
    }
  }

  @Test("draws are as frequent as their probabilities, and means are those probabilities")
  func frequencies() throws {
    try withFiles { folder, model in
      let all = BinaryMatrix.allRows(ofWidth: 6)
      let probabilities = model.logProbabilities(of: all).map { exp($0) }
      let result = try DensityProgram.run(
        "impute", "model.safetensors", "gaps.csv", "--how", "mean", "-o", "mean.csv", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = try String(contentsOfFile: folder + "/mean.csv", encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 5 && lines[0] == "ant,bee,cat,dog,elk,fox")
      #expect(lines[2] == "0,1,1,0,0,1")
      let drawn = try DensityProgram.run(
        "impute", "model.safetensors", "gaps.csv", "--draws", "4000", "-o", "drawn.npy", in: folder)
      #expect(drawn.status == 0)
      let draws = try DataTable.read(folder + "/drawn.npy").rows(split: .test)
      for row in 0..<4 {
        let numbers = lines[row + 1].split(separator: ",").compactMap { Double($0) }
        let agreeing = (0..<64).filter { index in
          (0..<6).allSatisfy { gaps[row, $0] == nil || gaps[row, $0] == all[index, $0] }
        }
        let total = agreeing.reduce(0) { $0 + probabilities[$1] }
        for column in 0..<6 {
          let share = agreeing.reduce(0) { $0 + (all[$1, column] ? probabilities[$1] : 0) } / total
          #expect(abs(numbers[column] - share) < 1e-5)
          let frequency =
            (row * 4000..<(row + 1) * 4000).reduce(0.0) { $0 + (draws[$1, column] ? 1 : 0) } / 4000
          // Five standard errors, in 24 comparisons: a false alarm in 70 000 runs.
          #expect(abs(frequency - share) <= 5 * (share * (1 - share) / 4000).squareRoot() + 1e-9)
        }
      }
      let npy = try DensityProgram.run(
        "impute", "model.safetensors", "gaps.csv", "--how", "mean", "-o", "mean.npy", in: folder)
      #expect(npy.status == 0)
      let bytes = try AtomicFile.read(folder + "/mean.npy")
      #expect(
        String(decoding: bytes[10..<80], as: UTF8.self).contains(
          "'<f4', 'fortran_order': False, 'shape': (4, 6)"))
      #expect(bytes.count == 128 + 4 * 24 || bytes.count == 64 + 4 * 24)
      let printed = try DensityProgram.run(
        "impute", "model.safetensors", "gaps.csv", "--how", "mean", in: folder)
      #expect(printed.output == lines.map { $0 + "\n" }.joined())
    }
  }

  @Test("a table of text is written as it was read: columns, order and words")
  func asItWasRead() throws {
    try withFiles { folder, model in
      let lines = [
        "name;fox;ant;bee;cat;dog;elk;note", "\"a;b\";No;Yes;No;;NA;Yes;-", "c;Yes;No;Yes;Yes;No;No;",
        "d;;;;;;;x",
      ]
      try (lines.joined(separator: "\n") + "\n").write(
        toFile: folder + "/words.csv", atomically: true, encoding: .utf8)
      let modes = try #require(
        try ModeSearch(model).completions(
          of: PartialRows([[1, 0, nil, nil, 1, 0], [0, 1, 1, 0, 0, 1], Array(repeating: nil, count: 6)])))
      func words(_ row: Int, _ columns: [Int]) -> String {
        columns.map { modes.rows[row, $0] ? "Yes" : "No" }.joined(separator: ";")
      }
      let expected = [
        lines[0], "\"a;b\";No;Yes;No;\(words(0, [2, 3]));Yes;-", lines[2],
        "d;\(words(2, [5, 0, 1, 2, 3, 4]));x",
      ]
      let command = "impute model.safetensors words.csv --ignore name,note"
      let result = try DensityProgram.shell("density \(command) --how mode", in: folder)
      #expect(result.status == 0 && result.output == expected.map { $0 + "\n" }.joined(), "\(result)")
      let piped = try DensityProgram.shell(
        "density impute model.safetensors - --ignore name,note --how mode -o full.csv <words.csv", in: folder)
      #expect(piped.status == 0, "\(piped.errors)")
      #expect(try String(contentsOfFile: folder + "/full.csv", encoding: .utf8) == result.output)
      let draws = try DensityProgram.shell("density \(command) --draws 2", in: folder)
      let drawn = draws.output.split(separator: "\n")
      #expect(drawn.count == 7 && drawn[0] == "row;" + lines[0])
      #expect(drawn[3] == "2;" + lines[2] && drawn[4] == drawn[3] && drawn[6].hasPrefix("3;d;"))
      // Only so many rows, of a block of text that has more.
      let first = try DensityProgram.shell("density \(command) --how mode -n 2", in: folder)
      #expect(first.status == 0 && first.output == expected[..<3].map { $0 + "\n" }.joined(), "\(first)")
      let mean = try DensityProgram.shell("density \(command) --how mean", in: folder)
      #expect(mean.errors.hasSuffix("means exact\n"))
      let fields = mean.output.split(separator: "\n")[1].split(separator: ";")
      #expect(fields[2...4] == ["No", "Yes", "No"] && fields[7] == "Yes")
      #expect(fields[5...6].allSatisfy { (0...1).contains(Double($0) ?? 9) })
    }
  }

  @Test("means of many columns are exact where that is quick, and said to be estimates elsewhere")
  func manyColumns() throws {
    try withTemporaryDirectory { folder in
      let model = try NADE(NADE.Configuration(variableCount: 30, hiddenCount: 5), seed: 1)
      try Checkpoint(model: model).write(to: folder + "/m.safetensors")
      // Three cells are missing, of which two come before what is known.
      let cells: [Int?] = [nil, 1, nil] + (0..<26).map { $0 % 2 } + [nil]
      let text = cells.map { $0.map(String.init) ?? "" }.joined(separator: ",") + "\n"
      let hard = String(repeating: ",", count: 29) + "1\n"
      try text.write(toFile: folder + "/easy.csv", atomically: true, encoding: .utf8)
      try (text + hard).write(toFile: folder + "/both.csv", atomically: true, encoding: .utf8)
      let order = "--enumerate 5s --how mean"
      let easy = try DensityProgram.shell("density impute m.safetensors easy.csv \(order)", in: folder)
      #expect(easy.status == 0 && easy.errors.hasSuffix("means exact\n"), "\(easy.errors)")
      let numbers = easy.output.dropLast().split(separator: ",").compactMap { Double($0) }
      try #require(numbers.count == 30)
      var all = PartialRows(BinaryMatrix([cells.map { $0 ?? 0 }]), knownColumns: 0..<30)
      var weights: [Double] = []
      let missing = [0, 2, 29]
      for index in 0..<8 {
        for (bit, column) in missing.enumerated() { all[0, column] = index >> bit & 1 == 1 }
        weights.append(exp(model.logProbabilities(of: all.values)[0]))
      }
      for (bit, column) in missing.enumerated() {
        let share =
          weights.indices.reduce(0) { $0 + ($1 >> bit & 1 == 1 ? weights[$1] : 0) } / weights.reduce(0, +)
        #expect(abs(numbers[column] - share) < 1e-4)
      }
      let both = try DensityProgram.shell(
        "density impute m.safetensors both.csv --how mean --enumerate 0.02s", in: folder)
      #expect(
        both.errors.contains(
          "means of 1 rows exact, of 1 estimated, by 100 draws each, standard errors up to 0.050"),
        "\(both.errors)")
    }
  }

  @Test func hiddenCells() throws {
    try withFiles(imageShape: ImageShape(height: 2, width: 3)) { folder, _ in
      func table(_ hide: String, _ more: String = "") throws -> BinaryMatrix {
        let result = try DensityProgram.shell(
          "density impute model.safetensors whole.csv --hide \(hide) --draws 50 -o out.npy \(more)",
          in: folder)
        #expect(result.status == 0, "\(result.errors)")
        return try DataTable.read(folder + "/out.npy").rows(split: .test)
      }
      let whole = try DataTable.read(folder + "/whole.csv").rows(split: .test)
      /// The columns in which some of a row's draws differ from it.
      func changed(_ rows: BinaryMatrix, row: Int) -> Set<Int> {
        Set(
          (0..<6).filter { column in (0..<50).contains { rows[row * 50 + $0, column] != whole[row, column] } }
        )
      }
      for (hide, columns) in [
        ("fox,2", [1, 5]), ("lower-half", [3, 4, 5]), ("square", [0, 1, 2, 3, 4, 5]),
      ] {
        let found = try table(hide)
        for row in 0..<2 { #expect(changed(found, row: row).isSubset(of: columns)) }
        #expect(!changed(found, row: 0).isEmpty)
      }
      let half = try table("random-half")
      #expect(
        (0..<2).allSatisfy { changed(half, row: $0).count <= 3 }
          && changed(half, row: 0) != changed(half, row: 1))

      let picture = try DensityProgram.run(
        "impute", "model.safetensors", "whole.csv", "--hide", "lower-half", "--draws", "2", "-o", "out.png",
        "--magnify", "1", in: folder)
      #expect(picture.status == 0 && picture.errors.hasSuffix("4 rows in out.png\n"), "\(picture.errors)")
      let png = try AtomicFile.read(folder + "/out.png")
      // Two rows of 3 × 2 cells side by side, each above what was seen of it and two draws, between lines of 2.
      #expect(png[16..<24].map { Int($0) } == [0, 0, 0, 2 + 2 * 5, 0, 0, 0, 2 + 4 * 4])
    }
  }

  @Test func refusals() throws {
    try withFiles { folder, _ in
      try "ant,bee,cat,dog,elk\n1,0,1,1,0\n".write(
        toFile: folder + "/five.csv", atomically: true, encoding: .utf8)
      let before = try names(in: folder)
      let lines = [
        ("mode model.safetensors five.csv", 65, "columns of the same names"),
        ("mode model.safetensors none.csv", 66, "none.csv: no such file"),
        ("mode model.safetensors gaps.csv -o gaps.csv", 73, "gaps.csv: cannot be written"),
        ("mode model.safetensors -o rows.xyz", 73, "the name must end in"),
        ("mode model.safetensors --beam 0", 64, "--beam"), ("mode", 64, "missing argument <checkpoint>"),
        ("impute model.safetensors", 64, "missing argument <table>"),
        ("impute model.safetensors five.csv", 65, "columns of the same names"),
        ("impute model.safetensors gaps.csv -o gaps.csv", 73, "gaps.csv: cannot be written"),
        ("impute model.safetensors gaps.csv -o x.svm --how mean", 73, "numbers go to .csv, .txt or .npy"),
        ("impute model.safetensors gaps.csv --how mode --draws 2", 64, "--draws says nothing"),
        ("impute model.safetensors gaps.csv --beam 2", 64, "--beam is for --how mode"),
        ("impute model.safetensors gaps.csv --magnify 2", 64, "--magnify is for a .png"),
        ("impute model.safetensors gaps.csv --hide gnu", 64, "--hide gnu: column 1: expected a column"),
        ("impute model.safetensors gaps.csv --hide ant=1", 64, "divided by commas, found a value"),
        ("impute model.safetensors gaps.csv --hide bea", 64, "did you mean \"bee\"?"),
        ("impute model.safetensors gaps.csv --hide square", 64, "rows are no pictures"),
        ("impute model.safetensors gaps.csv --draws 0", 64, "--draws"),
      ]
      for (line, status, words) in lines {
        let result = try DensityProgram.shell("density \(line)", in: folder)
        let complaint = try #require(result.complaint, "\(line): \(result.errors)")
        #expect(result.status == status && complaint.contains(words), "\(line): \(complaint)")
        #expect(result.output.isEmpty, "\(line)")
      }
      #expect(try names(in: folder) == before)
    }
  }
}
