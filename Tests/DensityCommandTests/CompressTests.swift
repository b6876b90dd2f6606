import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density compress and density decompress")
struct CompressTests {
  private static let table =
    "age,smoker,runner\n" + (0..<60).map { "\($0 % 2),\($0 % 3 / 2),\($0 % 5 / 4)\n" }.joined()

  /// Runs a test in a folder with a table and models of its columns: one with their names, and one without.
  private func withModel(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try Self.table.write(toFile: folder + "/t.csv", atomically: true, encoding: .utf8)
      let tree = try ChowLiuTree.fit(
        to: BinaryMatrix(rowCount: 60, columnCount: 3) { [$0 % 2, $0 % 3 / 2, $0 % 5 / 4][$1] == 1 })
      try Checkpoint(model: tree).write(to: folder + "/plain.safetensors")
      try Checkpoint(model: tree, columnNames: ["smoker", "age", "runner"])
        .write(to: folder + "/named.safetensors")
      try body(folder)
    }
  }

  @Test("the table comes back with its names", arguments: ["plain", "named"])
  func roundTrip(model: String) throws {
    try withModel { folder in
      let result = try DensityProgram.run(
        "compress", "\(model).safetensors", "t.csv", "-o", "t.bdr", "--json", in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let figures = try DensityProgram.json(result.output)
      let size = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.bdr")).count
      #expect(figures["rows"] == .integer(60) && figures["bytes"] == .integer(size))
      let back = try DensityProgram.run("decompress", "\(model).safetensors", "t.bdr", "-o", "-", in: folder)
      #expect(back.status == 0 && back.errors.isEmpty)
      if model == "plain" {
        #expect(back.output == Self.table)
      } else {
        // The columns in the model's order.
        #expect(back.output.hasPrefix("smoker,age,runner\n0,0,0\n0,1,0\n1,0,0\n"))
      }
    }
  }

  @Test("from pipe to pipe")
  func pipes() throws {
    try withModel { folder in
      let result = try DensityProgram.shell(
        "density compress plain.safetensors - -o - <t.csv >t.bdr && density decompress plain.safetensors - -o - <t.bdr",
        in: folder)
      #expect(result.status == 0 && result.output == Self.table, "\(result)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/-"))
    }
  }

  @Test("files one after another are read as one, and what is no such file after them is refused")
  func joined() throws {
    try withModel { folder in
      let result = try DensityProgram.shell(
        "density compress plain.safetensors t.csv -o a.bdr && cat a.bdr a.bdr >b.bdr && "
          + "density decompress plain.safetensors b.bdr -o b.npy && density decompress plain.safetensors b.bdr -o -",
        in: folder)
      let rows = Self.table.drop { $0 != "\n" }.dropFirst()
      #expect(result.status == 0 && result.output == Self.table + rows, "\(result)")
      #expect(try DataTable.read(folder + "/b.npy").rowCount == 120)
      let size = try AtomicFile.read(folder + "/a.bdr").count
      for (end, complaint) in [
        ("echo more", "b.bdr: byte \(size): expected the letters BDRC of compressed rows, found other bytes"),
        ("head -c 40 a.bdr", "the file is damaged or cut"),
      ] {
        let broken = try DensityProgram.shell(
          "{ cat a.bdr; \(end); } >b.bdr; density decompress plain.safetensors b.bdr -o c.csv", in: folder)
        #expect(broken.status == 65 && broken.onlyLine?.contains(complaint) == true, "\(broken)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/c.csv"))
      }
    }
  }

  @Test("every format that tables are written in", arguments: ["csv", "npy", "idx.gz", "svm", "dat", "png"])
  func formats(end: String) throws {
    try withModel { folder in
      let line = "density compress plain.safetensors t.csv -o t.bdr --threads 1"
      #expect(try DensityProgram.shell(line, in: folder).status == 0)
      let result = try DensityProgram.run(
        "decompress", "plain.safetensors", "t.bdr", "-o", "t2.\(end)", "--threads", "2", in: folder)
      #expect(result.status == 0 && result.errors.hasSuffix("60 rows in t2.\(end)\n"), "\(result.errors)")
      let convert = try DensityProgram.run("convert", "t.csv", "t3.\(end)", in: folder)
      #expect(convert.status == 0)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: folder + "/t2.\(end)"))
          == Data(contentsOf: URL(fileURLWithPath: folder + "/t3.\(end)")))
    }
  }

  @Test("what cannot be done is one line, and leaves nothing")
  func errors() throws {
    try withModel { folder in
      try "age,smoker,runner\n1,,0\n".write(toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      let other = try ChowLiuTree.fit(to: BinaryMatrix(rowCount: 9, columnCount: 3) { $0 % 2 == $1 % 2 })
      try Checkpoint(model: other).write(to: folder + "/other.safetensors")
      #expect(
        try DensityProgram.run("compress", "plain.safetensors", "t.csv", "-o", "t.bdr", in: folder).status
          == 0)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/t.bdr"))
      try bytes.dropLast(9).write(to: URL(fileURLWithPath: folder + "/cut.bdr"))
      let before = try names(in: folder)
      let cases: [(line: String, status: Int32, complaint: String)] = [
        (
          "compress plain.safetensors gaps.csv -o out.bdr", 65,
          "density: gaps.csv: row 1, column 2 (\"smoker\"): expected 0 or 1, found nothing (1 cell is missing); "
            + "density impute fills them in"
        ),
        ("decompress other.safetensors t.bdr -o out.csv", 65, "expected rows that this model compressed"),
        ("decompress plain.safetensors cut.bdr -o out.csv", 65, "the file is damaged or cut"),
        ("decompress plain.safetensors t.csv -o out.csv", 65, "expected the letters BDRC"),
        ("decompress plain.safetensors t.bdr -o out.xyz", 73, "the name must end in"),
        ("sample plain.safetensors -o out.jpg", 73, "or in .bits, or in .png"),
        ("decompress plain.safetensors t.bdr -o t.bdr", 73, "t.bdr"),
        ("compress plain.safetensors t.csv", 64, "--output"),
        ("decompress plain.safetensors nothing.bdr -o out.csv", 66, "nothing.bdr: no such file"),
      ]
      for (line, status, complaint) in cases {
        let result = try DensityProgram.shell("density " + line, in: folder)
        #expect(result.status == status && result.output.isEmpty, "\(line): \(result.status)")
        #expect(result.complaint?.contains(complaint) == true, "\(line): \(result.errors)")
        #expect(try names(in: folder) == before, "\(line)")
      }
    }
  }
}
