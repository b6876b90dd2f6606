import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("density pack")
struct PackTests {
  /// A table of 700 rows of three named columns, of which the first two are the row's number modulo four.
  private func withTable(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let rows = (0..<700).map { "\($0 & 1),\($0 >> 1 & 1),\($0 % 3 == 0 ? 1 : 0)\n" }
      try ("a,b,c\n" + rows.joined()).write(toFile: folder + "/t.csv", atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  @Test("a packed table is read as any other, and in parts from their first rows")
  func packed() throws {
    try withTable { folder in
      let result = try DensityProgram.run("pack", "t.csv", "-o", "t.bits", in: folder)
      #expect(result.status == 0 && result.errors.hasSuffix("700 rows in t.bits\n"), "\(result.errors)")
      let csv = try String(contentsOfFile: folder + "/t.csv", encoding: .utf8)
      for command in ["convert t.bits -", "convert - - <t.bits", "convert - - --columns a,b,c <t.bits"] {
        let back = try DensityProgram.shell("density \(command)", in: folder)
        #expect(back.status == 0 && back.output == csv, "\(back.errors)")
      }
      let fit = try DensityProgram.run(
        "train", "--model", "chow-liu", "--data", "t.bits", "--run", "r", in: folder)
      #expect(fit.status == 0, "\(fit.errors)")
      let model = "r/best.safetensors"
      func output(_ line: String) throws -> String {
        let result = try DensityProgram.shell("density \(line)", in: folder)
        #expect(result.status == 0, "\(result.errors)")
        return result.output
      }
      let all = try output("logprob \(model) t.csv")
      #expect(try output("logprob \(model) t.bits") == all)
      for part in 1...3 { _ = try output("logprob \(model) t.bits --shard \(part)/3 -o p\(part).txt") }
      #expect(try output("merge p1.txt p2.txt p3.txt -o all.txt && cat all.txt") == all)
    }
  }

  @Test("a shuffled table has the same rows")
  func shuffled() throws {
    try withTable { folder in
      for (name, seed) in [("s", "1"), ("again", "1"), ("other", "2")] {
        let result = try DensityProgram.run(
          "pack", "t.csv", "-o", "\(name).bits", "--shuffle", "--seed", seed, in: folder)
        #expect(result.status == 0, "\(result.errors)")
      }
      let files = try ["s", "again", "other"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0).bits"))
      }
      #expect(files[0] == files[1] && files[0] != files[2] && files[0].count == files[2].count)
      let line = "density convert s.bits - | tail -n +2"
      let sorted = try DensityProgram.shell("\(line) | sort; tail -n +2 t.csv | sort", in: folder).output
      let lines = sorted.split(separator: "\n")
      #expect(lines.count == 1400 && lines.prefix(700) == lines.suffix(700))
      #expect(try DensityProgram.shell(line, in: folder).output.split(separator: "\n") != lines.suffix(700))
    }
  }

  @Test("missing cells are kept, shuffled or not", arguments: ["", "--shuffle"])
  func missing(option: String) throws {
    try withTable { folder in
      try "a,b\n1,\n,0\n1,1\n".write(toFile: folder + "/m.csv", atomically: true, encoding: .utf8)
      let line = "density pack m.csv -o m.bits \(option) 2>/dev/null && density convert m.bits - | sort"
      #expect(try DensityProgram.shell(line, in: folder).output == ",0\n1,\n1,1\na,b\n")
    }
  }

  @Test("damage is named, and left out on demand; bad demands are refused")
  func refusals() throws {
    try withTable { folder in
      #expect(try DensityProgram.run("pack", "t.csv", "-o", "t.bits", in: folder).status == 0)
      let url = URL(fileURLWithPath: folder + "/t.bits")
      var bytes = try Data(contentsOf: url)
      // The last of 512 rows of the first of two blocks.
      // Behind the rows stand the counts of three columns, and five checks.
      bytes[bytes.count - 4 * 5 - 8 * 3 - 8 * (700 - 511)] ^= 1
      try bytes.write(to: url)
      let damaged = try DensityProgram.run("convert", "t.bits", "out.csv", in: folder)
      #expect(damaged.status == 65 && damaged.errors.contains("block 1 of 2: expected rows 1 to 512"))
      #expect(!FileManager.default.fileExists(atPath: folder + "/out.csv"))
      let rest = try DensityProgram.run("convert", "t.bits", "out.csv", "--skip-damaged", in: folder)
      #expect(rest.status == 0 && rest.errors.contains("512 rows in damaged blocks left out"))
      #expect(rest.errors.hasSuffix("188 rows in out.csv\n"))
      let model = try DensityProgram.run(
        "train", "--model", "bernoulli", "--data", "t.csv", "--run", "r", in: folder)
      #expect(model.status == 0)
      let part = try DensityProgram.run(
        "logprob", "r/best.safetensors", "t.bits", "--skip-damaged", "--shard", "1/2", "-o", "p.txt",
        in: folder)
      #expect(part.status == 64 && part.errors.contains("goes without --shard"))
      let lines = [
        ("t.csv -o -", 64, "ends in .bits"), ("t.csv", 64, "-o says where to write"),
        ("t.csv -o t.npy", 64, "ends in .bits"),
        ("t.csv -o t.bits --seed 3", 64, "--seed is for --shuffle"),
        ("none.csv -o x.bits", 66, "no such file"),
        ("t.bits -o t.bits", 73, "the same file as the input"),
        ("t.bits -o x.bits --format csv", 64, "--format"),
      ]
      for (line, status, words) in lines {
        let result = try DensityProgram.shell("density pack \(line)", in: folder)
        #expect(result.status == status && result.errors.contains(words), "\(line): \(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/x.bits"))
      }
    }
  }
}
