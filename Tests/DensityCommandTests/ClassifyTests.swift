import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Labels: density train --labels, classify, and samples of a class")
struct ClassifyTests {
  /// A folder with tables of two kinds: of one the bits repeat, of the other they alternate.
  private func withTables(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      for (name, count) in [("train", 200), ("test", 60)] {
        var rows = "id,a,b,c,d,kind\n"
        var plain = ""
        var labels = ""
        for row in 0..<count {
          let isSame = row * 7 % 10 < 5
          let bits = (0..<4).map { isSame || $0 % 2 == 0 ? row / 10 % 2 : 1 - row / 10 % 2 }
          let kind = isSame ? "same" : "big, other"
          rows += "p\(row)," + bits.map(String.init).joined(separator: ",") + ",\"\(kind)\"\n"
          plain += bits.map(String.init).joined(separator: ",") + "\n"
          labels += kind + "\n"
        }
        try rows.write(toFile: "\(folder)/\(name).csv", atomically: true, encoding: .utf8)
        try plain.write(toFile: "\(folder)/\(name)-bits.csv", atomically: true, encoding: .utf8)
        try labels.write(toFile: "\(folder)/\(name)-labels.txt", atomically: true, encoding: .utf8)
      }
      try body(folder)
    }
  }

  private func run(_ line: String, _ folder: String) throws -> DensityProgram.Result {
    try DensityProgram.finish(DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
  }

  @Test(
    "a column of labels: training, classes of rows, samples of a class",
    arguments: [
      "--model nade --hidden 8 --epochs 30 --batch 10 --rate 0.03",
      "--model nade --hidden 8 --epochs 30 --batch 10 --rate 0.03 --discrimination 2",
      "--model made --hidden 9 --epochs 30 --batch 10 --rate 0.03 --per-class", "--model chow-liu",
    ])
  func column(_ model: String) throws {
    try withTables { folder in
      let trained = try run(
        "train --data train.csv --test test.csv --ignore id --labels kind \(model) --run runs/kinds", folder)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(
        trained.errors.contains("2 classes: big, other (") && trained.output.contains("test error 0.00 %"))
      #expect(trained.output.contains("LABELLED: 4 variables, 2 classes"))

      let measured = try run(
        "classify runs/kinds/best.safetensors test.csv --ignore id --labels kind --json", folder)
      #expect(measured.status == 0, "\(measured.errors)")
      let json = try DensityProgram.json(measured.output)
      #expect(json["rows"]?.number == 60 && json["errors"]?.number == 0)
      let text = try run(
        "classify runs/kinds/best.safetensors test.csv --ignore id --labels kind --reliability bars.png -o rows.csv",
        folder)
      #expect(
        text.status == 0 && text.output.contains("error 0.00 %") && text.output.contains("big, other |"))
      #expect(try AtomicFile.read(folder + "/bars.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
      let rows = try String(contentsOfFile: folder + "/rows.csv", encoding: .utf8).split(separator: "\n")
      #expect(rows.count == 61 && rows[0] == "class,\"p(big, other)\",p(same)" && rows[1].hasPrefix("same,"))

      let unlabelled = try run("classify runs/kinds/best.safetensors test-bits.csv", folder)
      #expect(unlabelled.output.split(separator: "\n").count == 61)
      let object = try DensityProgram.json(
        try run("classify runs/kinds/best.safetensors test-bits.csv --json", folder).output)
      guard case .array(let answers) = object["answers"] else {
        Issue.record("no answers")
        return
      }
      #expect(answers.count == 60 && answers[0]["row"]?.number == 1 && object["rows"]?.number == 60)
      let written = try run(
        "classify runs/kinds/best.safetensors test-bits.csv --json -o classes.csv", folder)
      #expect(try DensityProgram.json(written.output)["output"]?.string == "classes.csv")
      #expect(try AtomicFile.read(folder + "/classes.csv") == Array(unlabelled.output.utf8))
      #expect(try run("evaluate runs/kinds/best.safetensors test-bits.csv", folder).output.contains("NLL"))
      let samples = try run("sample runs/kinds/best.safetensors --class same -n 50 -o -", folder)
      let drawn = samples.output.split(separator: "\n").dropFirst()
      // By fair coins it would be 6, and 20 once in a million times.
      #expect(drawn.count == 50 && drawn.count { $0 == "0,0,0,0" || $0 == "1,1,1,1" } > 20)
      let each = try run("sample runs/kinds/best.safetensors --each-class -n 3 -o -", folder)
      #expect(each.output.split(separator: "\n").count == 7)
      #expect(try run("info runs/kinds/best.safetensors", folder).status == 0)
    }
  }

  @Test("a file of labels beside tables of bits, and a run that goes on")
  func files() throws {
    try withTables { folder in
      let line =
        "train --data train-bits.csv --test test-bits.csv --labels train-labels.txt --test-labels test-labels.txt "
        + "--hidden 8 --batch 10 --run runs/kinds"
      #expect(try run(line + " --epochs 3", folder).status == 0)
      let more = try run("train --resume --run runs/kinds --epochs 30", folder)
      #expect(more.status == 0 && more.output.contains("test error 0.00 %"), "\(more.errors)")
      let measured = try run(
        "classify runs/kinds/best.safetensors test-bits.csv --labels test-labels.txt", folder)
      #expect(measured.status == 0 && measured.output.contains("error 0.00 %"))
    }
  }

  @Test("each class begins at a checkpoint of all rows; a run that goes on finds it again")
  func fromCheckpoint() throws {
    try withTables { folder in
      let all = "train --data train-bits.csv --hidden 8 --batch 10 --epochs 3 --members 2 --run runs/all"
      #expect(try run(all, folder).status == 0)
      let line =
        "train --data train-bits.csv --labels train-labels.txt --per-class --from runs/all/best.safetensors --batch 10"
      let begun = try run(line + " --epochs 3 --run runs/kinds", folder)
      #expect(begun.status == 0 && begun.errors.contains("of 4, class"), "\(begun.errors)")
      let more = try run("train --resume --run runs/kinds --epochs 30", folder)
      #expect(more.status == 0 && more.output.contains("error 0.00 %"), "\(more.errors)")
      for (words, problem) in [
        (" --hidden 9", "--hidden does not go with --from"),
        (" --model made", "--model does not go with --from"),
      ] {
        let refused = try run(line + words + " --run r", folder)
        #expect(refused.status != 0 && refused.errors.contains(problem), "\(refused.errors)")
      }
      let shared = try run(line.replacingOccurrences(of: "--per-class ", with: "") + " --run r", folder)
      #expect(shared.status != 0 && shared.errors.contains("say --per-class too"))
      #expect(!FileManager.default.fileExists(atPath: folder + "/r"))
    }
  }

  @Test(
    "what cannot be is one line and a status",
    arguments: [
      ("train --data train.csv --labels sort --ignore id --run r", "--labels sort: no such column"),
      (
        "train --data train.csv --labels id --ignore kind --hidden 4 --epochs 1 --run r",
        "has no training row left"
      ),
      (
        "train --data train-bits.csv --labels test-labels.txt --run r",
        "expected 200 labels, one a row of train-bits (train), found 60"
      ),
      (
        "train --data train-bits.csv --labels one.txt --run r",
        "expected labels of at least two classes, found \"one\" alone"
      ),
      (
        "train --data train-bits.csv --labels hole.txt --run r",
        "hole.txt: line 3: expected a label, found nothing"
      ),
      (
        "train --data train-bits.csv --labels many.txt --run r",
        "line 1025: expected labels of at most 1024 classes"
      ),
      (
        "train --data train-bits.csv --labels train-labels.txt --model eonade --run r",
        "--per-class trains one for each"
      ),
      ("train --data train-bits.csv --per-class --run r", "--per-class goes with --labels"),
      ("train --data train-bits.csv --discrimination 1 --run r", "--discrimination goes with --labels"),
      (
        "train --data train-bits.csv --labels train-labels.txt --test-labels test-labels.txt --run r",
        "--test-labels goes with --test"
      ),
      (
        "train --data train-bits.csv --labels train-labels.txt --per-class --discrimination 1 --run r",
        "leave out --per-class"
      ),
      (
        "train --data train-bits.csv --labels train-labels.txt --discrimination nan --run r",
        "--discrimination: expected"
      ),
      (
        "train --data train.csv --ignore id,kind --labels b --run r",
        "there is a file of this name, and train.csv has a column of it"
      ),
      ("classify kinds.safetensors", "no table is named"),
      ("train --data gap.csv --labels kind --run r", "cells are missing"),
      ("classify tree.safetensors test-bits.csv", "expected a model of labelled rows"),
      ("classify kinds.safetensors wide.csv", "wide.csv"),
      (
        "classify kinds.safetensors test-bits.csv --labels other.txt",
        "other.txt: line 1: expected a class of the model"
      ),
      ("classify kinds.safetensors test-bits.csv --labels train-labels.txt", "expected 60 labels"),
      ("classify kinds.safetensors test-bits.csv --reliability bars.png", "--reliability needs --labels"),
      ("classify kinds.safetensors test-bits.csv --json -o -", "with --json standard output has one object"),
      ("classify kinds.safetensors gap-bits.csv", "gap-bits.csv: row 1, column 2"),
      ("classify kinds.safetensors test-bits.csv -o kinds.safetensors", "kinds.safetensors"),
      ("sample kinds.safetensors --class cat -o -", "--class: expected a class of kinds.safetensors"),
      ("sample tree.safetensors --each-class -o -", "expected a model of labelled rows"),
    ])
  func refusals(_ line: String, _ complaint: String) throws {
    try withTables { folder in
      let tree = try ChowLiuTree.fit(to: BinaryMatrix([[0, 1, 0, 1], [1, 1, 0, 0]]))
      try Checkpoint(model: tree).write(to: folder + "/tree.safetensors")
      try Checkpoint(model: LabelledDensity(classes: ["same", "big, other"], densities: [tree, tree]))
        .write(to: folder + "/kinds.safetensors")
      for (name, text) in [
        ("one.txt", String(repeating: "one\n", count: 200)), ("hole.txt", "a\nb\n\na\n"),
        ("many.txt", (0..<2000).map { "w\($0)\n" }.joined()), ("wide.csv", "1,0,1,0,1\n"),
        ("b", String(repeating: "x\ny\n", count: 100)), ("other.txt", String(repeating: "cat\n", count: 60)),
        ("gap-bits.csv", "1,,0,1\n0,1,0,1\n"),
        ("gap.csv", "a,b,kind\n1,,x\n0,1,y\n1,1,x\n0,0,y\n"),
      ] { try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8) }
      let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      let result = try run(line, folder)
      #expect(result.status != 0)
      let found = try #require(result.complaint, "\(result.errors)")
      #expect(found.contains(complaint), "\(found)")
      let after = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { $0 != "r" }
      #expect(after == before && !FileManager.default.fileExists(atPath: folder + "/r/best.safetensors"))
    }
  }
}
