import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density convert and density describe")
struct ConvertTests {
  /// Runs a test in a folder with a table of some names and rows.
  private func withTable(
    _ names: [String] = ["a", "b c", "d"], _ rows: String = "1,0,1\n0,0,0\n0,1,1\n",
    _ body: (_ folder: String) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let attributes = names.map { "@attribute '\($0)' {0,1}\n" }.joined()
      let text = "@relation r\n\(attributes)@data\n\(rows)"
      try text.write(toFile: folder + "/t.arff", atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  @Test(
    "every format comes back", arguments: ["npy", "idx", "svm", "dat", "csv.gz", "npy.gz", "svm.gz", "bits"])
  func formats(end: String) throws {
    try withTable { folder in
      let result = try DensityProgram.run("convert", "t.arff", "t2.\(end)", in: folder)
      #expect(result.status == 0 && result.output.isEmpty)
      #expect(result.errors.contains("t.arff: ") && result.errors.hasSuffix("3 rows in t2.\(end)\n"))
      let back = try DensityProgram.run("convert", "t2.\(end)", "-", in: folder)
      #expect(back.status == 0 && back.output.hasSuffix("1,0,1\n0,0,0\n0,1,1\n"), "\(back.errors)")
    }
  }

  @Test func pipesAndPictures() throws {
    try withTable { folder in
      let result = try DensityProgram.shell("density convert - - --columns d,a <t.arff", in: folder)
      #expect(result.status == 0 && result.output == "d,a\n1,1\n0,0\n1,0\n")
      #expect(try DensityProgram.run("convert", "t.arff", "t.pbm", "--image", "1x3", in: folder).status == 0)
      let pbm = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.pbm"))
      let header = Array("P4\n3 1\n".utf8)
      #expect(Array(pbm) == header + [0b1010_0000] + header + [0] + header + [0b0110_0000])
      #expect(try DensityProgram.run("convert", "t.arff", "t.png", in: folder).status == 0)
      let png = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.png"))
      #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    }
  }

  @Test func refusals() throws {
    try withTable { folder in
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link.csv", withDestinationPath: folder + "/t.arff")
      let lines = [
        ("t.arff t.arff", 73, "t.arff: cannot be written"),
        ("t.arff link.csv", 73, "link.csv: cannot be written"),
        ("t.arff t.xyz", 73, "the name must end in"), ("t.arff t.jpg", 73, "or in .bits, or in .png"),
        ("t.arff t.pbm", 73, "no picture"),
        ("none.csv t.npy", 66, "none.csv: no such file"),
        ("t.arff none/t.npy", 73, "there is no folder none"),
        ("t.arff t.npy --ignore nobody", 64, "no such column"), ("t.arff", 64, "missing argument <output>"),
        ("t.arff t.bits.gz", 73, "which .gz does not allow"),
        ("t.arff t.npy --magnify 2", 64, "--magnify is for a .png"),
      ]
      for (line, status, words) in lines {
        let result = try DensityProgram.shell("density convert \(line)", in: folder)
        let complaint = try #require(result.complaint, "\(line): \(result.errors)")
        #expect(result.status == status && complaint.contains(words), "\(line): \(complaint)")
      }
      #expect(try names(in: folder) == ["link.csv", "t.arff"])
      #expect(try DataTable.read(folder + "/t.arff").rowCount == 3)
      try "1,0\n0,2\n".write(toFile: folder + "/bad.csv", atomically: true, encoding: .utf8)
      #expect(try DensityProgram.run("convert", "bad.csv", "out.svm", in: folder).status == 65)
      #expect(try names(in: folder) == ["bad.csv", "link.csv", "t.arff"])
    }
  }

  @Test func greyLevelsBecomeBits() throws {
    try withTemporaryDirectory { folder in
      let array = IDXArray(dimensions: [2, 1, 3], elements: .uint8([0, 200, 255, 100, 128, 127]))
      try array.write(to: folder + "/t.idx")
      let line = "density convert t.idx - --binarize threshold"
      #expect(try DensityProgram.shell(line, in: folder).output == "0,1,1\n0,1,0\n")
      #expect(
        try DensityProgram.shell("density convert t.idx t.npy --binarize threshold", in: folder).status == 0)
      let table = try DataTable.read(folder + "/t.npy")
      #expect(table.imageShape == ImageShape(height: 1, width: 3))
      #expect(table.contents == .bits(BinaryMatrix([[0, 1, 1], [0, 1, 0]])))
    }
  }

  @Test func describes() throws {
    try withTable(["a", "b", "c", "d"], "1,1,0,1\n0,0,0,1\n1,1,0,0\n1,1,0,1\n") { folder in
      let result = try DensityProgram.run("describe", "t.arff", in: folder)
      #expect(result.status == 0 && result.errors.isEmpty)
      for line in [
        "shape           4 rows × 4 columns",
        "ones            56.25 % of all cells; by column least 0.00 % (\"c\"), median 75.00 %, most 75.00 % (\"d\")",
        "constant        1 always 0: \"c\"", "equal columns   1: \"a\" = \"b\"",
        "equal rows      1 equal an earlier row; 3 are different", "missing cells   none",
        "                0.5623  \"a\", \"b\"", "                0.0849  \"a\", \"d\"",
      ] {
        #expect(result.output.contains(line + "\n"), "\(line) is not in\n\(result.output)")
      }
      let json = try DensityProgram.json(
        DensityProgram.run("describe", "t.arff", "--json", "--pairs", "1", in: folder).output)
      #expect(json["rows"] == 4 && json["columns"] == 4 && json["equal_rows"] == 1)
      #expect(json["ones"] == [3, 3, 0, 3] && json["missing"] == [0, 0, 0, 0])
      #expect(json["equal_columns"] == [[1, 2]] && json["constant"] == [["column": 3, "value": 0]])
      #expect(json["pairs"]?.elements?.count == 1)
      #expect(json["pairs"]?.elements?.first?["columns"] == [1, 2])
    }
  }

  @Test(
    "the median share of ones is the mean of the two in the middle",
    arguments: [
      (["a", "b"], "1,0\n1,0\n1,1\n1,0\n", "62.50"),
      (["a", "b", "c"], "1,0,1\n1,0,0\n1,1,1\n1,0,0\n", "50.00"),
      (["a", "b", "c", "d"], "1,0,1,0\n1,0,0,0\n1,1,1,0\n1,0,0,0\n", "37.50"),
      (["a"], "1\n0\n0\n0\n", "25.00"),
    ])
  func describesMedian(names: [String], rows: String, median: String) throws {
    try withTable(names, rows) { folder in
      let result = try DensityProgram.run("describe", "t.arff", in: folder)
      #expect(result.output.contains(", median \(median) %, "), "\(result.output)")
    }
  }

  @Test func greyLevelsOfAPipeBecomeBits() throws {
    try withTemporaryDirectory { folder in
      // More rows than a block holds.
      let levels = [UInt8](repeating: 1, count: 2 * 65_536) + [255, 255]
      try IDXArray(dimensions: [65_537, 1, 2], elements: .uint8(levels)).write(to: folder + "/t.idx")
      for (input, pipe) in [("t.idx", ""), ("-", "cat t.idx | ")] {
        let result = try DensityProgram.shell(
          "\(pipe)density convert \(input) - --binarize threshold | sort | uniq -c | tr -s ' '", in: folder)
        #expect(result.output == " 65536 0,0\n 1 1,1\n", "\(result)")
      }
    }
  }

  @Test("words are refused for a table that has none")
  func wordsOfATableWithout() throws {
    try withTemporaryDirectory { folder in
      try "1:1\n2:1\n".write(toFile: folder + "/a.svm", atomically: true, encoding: .utf8)
      for option in ["--values 1,0", "--values no,yes", "--missing 9"] {
        let result = try DensityProgram.shell("density convert a.svm - \(option)", in: folder)
        #expect(
          result.status == 64
            && result.complaint?.contains("\(option): a.svm (svmlight) says itself which cells are on")
              == true,
          "\(result)")
      }
      let result = try DensityProgram.shell("density convert a.svm - --values 0,1", in: folder)
      #expect(result.output == "1,0\n0,1\n")
      // Beside a table that has words they are that one's, whichever comes first.
      try "a,b\nno,yes\nyes,?\n".write(toFile: folder + "/b.csv", atomically: true, encoding: .utf8)
      for tables in ["a.svm --validation b.csv", "b.csv --validation a.svm"] {
        let trained = try DensityProgram.shell(
          "density train \(tables) --values no,yes --missing 9 -m bernoulli --run r", in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
      }
    }
  }

  @Test func describesMissingCells() throws {
    try withTable(["a", "b"], "1,?\n0,?\n?,1\n") { folder in
      let result = try DensityProgram.run("describe", "t.arff", in: folder)
      #expect(result.output.contains("missing cells   3, in 2: \"b\" 2, \"a\" 1\n"))
      let csv = try DensityProgram.run("convert", "t.arff", "-", in: folder)
      #expect(csv.output == "a,b\n1,\n0,\n,1\n")
      let refused = try DensityProgram.run("convert", "t.arff", "t.svm", in: folder)
      #expect(refused.status == 73 && refused.complaint?.contains("row 1, column 2 is missing") == true)
    }
  }
}
