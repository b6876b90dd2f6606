import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Work in parts, put together again")
struct ShardTests {
  /// A folder with a table in three formats, one with missing cells, and two models.
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      var generator = Philox(seed: 6)
      let rows = BinaryMatrix(rowCount: 301, columnCount: 6) { _, _ in Bool.random(using: &generator) }
      for name in ["t.csv", "t.npy", "t.npy.gz"] { try TableFile(path: folder + "/" + name).write(rows) }
      let known = BinaryMatrix(rowCount: 301, columnCount: 6) { _, _ in
        Int.random(in: 0..<10, using: &generator) > 0
      }
      let gaps = try TableFile(path: folder + "/gaps.csv")
      try gaps.writing(TableWriter.Shape(columnCount: 6)) { (writer) throws(DensityError) in
        try writer.write(PartialRows(values: rows, known: known))
      }
      for (name, seed) in [("m", 1), ("other", 2)] as [(String, UInt64)] {
        try Checkpoint(model: FVSBN(FVSBN.Configuration(variableCount: 6, seed: seed), seed: seed))
          .write(to: "\(folder)/\(name).safetensors")
      }
      try body(folder)
    }
  }

  private func shell(_ line: String, in folder: String) throws -> DensityProgram.Result {
    try DensityProgram.shell(line, in: folder)
  }

  @Test(
    "the figures of all parts are those of one run", arguments: ["t.csv", "t.npy", "t.npy.gz", "gaps.csv"])
  func figures(table: String) throws {
    try withFiles { folder in
      let against = table == "gaps.csv" ? "" : "--against other.safetensors --reference"
      let whole = try shell("density evaluate m.safetensors \(table) --json \(against)", in: folder)
      let merged = try shell(
        "for i in 1 2 3 4 5 6 7; do density evaluate m.safetensors \(table) --json \(against) --shard $i/7 >$i.json"
          + " || exit 1; done; density merge [1-7].json --json && density merge 7.json [1-6].json", in: folder
      )
      #expect(merged.status == 0, "\(merged)")
      let end = try #require(merged.output.range(of: "\n}\n"))
      #expect(merged.output.hasPrefix("{\n  \"command\": \"merge\",\n  \"version\": "))
      let (a, b) = try (
        DensityProgram.json(whole.output), DensityProgram.json(String(merged.output[..<end.upperBound]))
      )
      for key in [
        "model", "parameters", "rows", "nll", "standard_error", "bits_per_variable", "of_known_cells",
        "estimated",
        "against", "difference", "difference_standard_error", "largest_difference",
      ] {
        #expect(a[key] == b[key], "\(key)")
      }
      #expect(b["parts"] == .integer(7))
      let text = try shell("density evaluate m.safetensors \(table) \(against)", in: folder).output
      for line in merged.output[end.upperBound...].split(separator: "\n") {
        #expect(text.contains(line), "\(line)")
      }
    }
  }

  @Test("files of all parts are those of one run", arguments: ["t.csv", "t.npy", "t.npy.gz"])
  func files(table: String) throws {
    try withFiles { folder in
      for (line, end) in [
        ("logprob m.safetensors \(table)", "npy"), ("logprob m.safetensors \(table)", "txt"),
        ("logprob m.safetensors \(table)", "idx.gz"),
        // A table is not its own reference.
        ("score m.safetensors \(table) --reference r.npy", "csv"),
      ] {
        let result = try shell(
          "cp t.npy r.npy; rm -f p-*; density \(line) -o whole.\(end) && for i in 3 1 2; do "
            + "density \(line) -o p-$i.\(end) --shard $i/3 || exit 1; done; density merge p-* -o all.\(end)",
          in: folder)
        #expect(result.status == 0, "\(result)")
        #expect(
          try AtomicFile.read("\(folder)/whole.\(end)") == AtomicFile.read("\(folder)/all.\(end)"), "\(line)")
      }
      let compressed = try shell(
        "rm -f p-*; for i in 2 1; do density compress m.safetensors \(table) -o p-$i.bdr --shard $i/2 || exit 1; done; "
          + "density merge p-* -o all.bdr && density decompress m.safetensors all.bdr -o back.npy && "
          + "cmp back.npy t.npy",
        in: folder)
      #expect(compressed.status == 0, "\(compressed)")
    }
  }

  @Test func drawsOfPartsDiffer() throws {
    try withFiles { folder in
      let result = try shell(
        "for i in 1 2 3; do density sample m.safetensors -n 200 -s 5 -o p-$i.csv --shard $i/3 || exit 1; done; "
          + "density merge p-* -o all.csv",
        in: folder)
      #expect(result.status == 0, "\(result)")
      let all = try DataTable.read(folder + "/all.csv").rows(split: .train)
      #expect(all.rowCount == 200)
      let parts = try (1...3).map { try DataTable.read("\(folder)/p-\($0).csv").rows(split: .train) }
      #expect(
        parts.map(\.rowCount) == [66, 67, 67] && BinaryMatrix(concatenating: parts, columnCount: 6) == all)
      #expect(parts[1] != parts[2] && parts[0] != parts[1].rows(0..<66))
    }
  }

  @Test("numbers that no part can have are refused, and so are other files under a name")
  func edited() throws {
    try withFiles { folder in
      let made = try shell(
        "for i in 1 2; do density evaluate m.safetensors t.csv --json --shard $i/2 --against other.safetensors >$i.json "
          + "|| exit 1; done; cp m.safetensors other.safetensors; density evaluate m.safetensors t.csv --json "
          + "--shard 2/2 --against other.safetensors >other.json",
        in: folder)
      #expect(made.status == 0, "\(made)")
      let text = try String(contentsOfFile: folder + "/2.json", encoding: .utf8)
      let rows = "\"rows\": 151,\n    \"cells\": 906"
      for (old, new) in [
        (rows, "\"rows\": 9223372036854775807,\n    \"cells\": 906"),
        (rows, "\"rows\": 1,\n    \"cells\": 6"),
        ("\"cells\": 906", "\"cells\": 9223372036854775807"), ("\"cells\": 906", "\"cells\": -1"),
        ("\"squares\": [\n", "\"squares\": [\n1e308,\n"), ("\"sum\": [\n", "\"sum\": [\n-1e308,\n"),
      ] {
        #expect(text.contains(old))
        try text.replacing(old, with: new).write(
          toFile: folder + "/edited.json", atomically: true, encoding: .utf8)
        let result = try shell("density merge 1.json edited.json", in: folder)
        #expect(
          result.status == 65 && result.onlyLine?.contains("expected sums of 151 rows") == true, "\(result)")
      }
      let other = try shell("density merge 1.json other.json", in: folder)
      #expect(other.status == 65 && other.onlyLine?.contains("the options --against=") == true, "\(other)")
    }
  }

  @Test("what does not belong together is refused, and nothing is written")
  func refusals() throws {
    try withFiles { folder in
      let made = try shell(
        "part() { density logprob $1 $2 --shard $3 -o $4; }; part m.safetensors t.csv 1/3 a.npy && "
          + "part m.safetensors t.csv 2/3 b.npy && part m.safetensors t.csv 3/3 c.npy && "
          + "part other.safetensors t.csv 3/3 model.npy && part m.safetensors t.npy 3/3 table.npy && "
          + "part m.safetensors t.csv 3/4 count.npy && density logprob m.safetensors t.csv -o none.npy && "
          + "density evaluate m.safetensors t.csv --json --shard 3/3 >figures.json && cp c.npy damaged.npy && "
          + "cp c.npy.shard damaged.npy.shard && printf x >>damaged.npy && cp c.npy again.npy && "
          + "cp c.npy.shard again.npy.shard && cp c.npy null.npy && cp c.npy.shard gone.npy.shard && "
          + "sed 's/\"output\": .*/\"output\": null/' c.npy.shard >null.npy.shard && echo '{1}' >text.json && "
          + "mkfifo pipe",
        in: folder)
      #expect(made.status == 0, "\(made)")
      for (parts, complaint) in [
        ("a.npy b.npy", "a.npy: expected all 3 parts, found none of number 3"),
        ("a.npy b.npy a.npy c.npy", "a.npy: expected each part once, found part 1/3 twice"),
        ("a.npy b.npy c.npy again.npy", "found part 3/3 again, which is also c.npy"),
        ("a.npy b.npy.shard gone.npy.shard", "gone.npy: no such file"),
        ("a.npy b.npy text.json", "text.json: byte"),
        ("a.npy b.npy null.npy", "null.npy.shard: byte 0: expected the record of a part"),
        ("a.npy b.npy model.npy", "model.npy: expected the model"),
        ("a.npy b.npy table.npy", "table.npy: expected the table"),
        ("a.npy b.npy count.npy", "count.npy: expected one of 3 parts, as in a.npy, found one of 4"),
        ("a.npy b.npy none.npy", "no record none.npy.shard: the part is not done"),
        ("a.npy b.npy figures.json", "figures.json: expected a part of 'density logprob', as in a.npy"),
        ("a.npy b.npy damaged.npy", "damaged.npy: expected"),
        ("a.npy b.npy nowhere.npy", "nowhere.npy: no such file"),
      ] {
        let result = try shell("density merge \(parts) -o all.npy", in: folder)
        #expect(result.status != 0 && result.onlyLine?.contains(complaint) == true, "\(parts): \(result)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/all.npy"))
      }
      for (line, complaint) in [
        ("logprob m.safetensors t.csv --shard 4/3 -o x.npy", "a part and how many there are, such as 3/64"),
        ("logprob m.safetensors t.csv --shard 1/302 -o x.npy", "301 rows make at most 301 parts"),
        ("logprob m.safetensors - --shard 1/2 -o x.npy <t.csv", "standard input can be read once only"),
        ("logprob m.safetensors t.csv --shard 1/2", "--shard needs --output"),
        ("logprob m.safetensors t.csv --shard 1/2 -o /dev/null", "--shard needs --output with a file"),
        ("logprob m.safetensors pipe --shard 1/2 -o x.npy", "pipe can be read once only"),
        ("sample m.safetensors --shard 1/2 -o x.dat", "a form that says how many columns"),
        ("sample m.safetensors --shard 1/2 -o x.png", "parts are rows"),
        ("evaluate m.safetensors t.csv --shard 1/2", "--shard needs --json"),
        ("score m.safetensors t.csv -r t.npy --shard 1/2 --top 3 -o x.csv", "has no report"),
        ("compress m.safetensors t.csv --shard 1/2 -o -", "--shard needs --output"),
        ("sample m.safetensors --shard 1/2", "--shard needs --output"),
        ("sample m.safetensors --shard 1/2 -o x.csv --distinct", "--distinct is for all rows at once"),
        ("merge a.npy b.npy c.npy", "missing option --output"),
        ("merge a.npy b.npy c.npy -o x.npy --json", "--json is for figures"),
        ("merge a.npy b.npy c.npy -o a.npy", "the same file as the input a.npy"),
        ("merge a.npy b.npy c.npy -o a.npy.shard", "the same file as the input a.npy.shard"),
        ("merge a.npy b.npy c.npy -o x.svm", "x.svm: cannot be written"),
      ] {
        let result = try shell("density \(line)", in: folder)
        #expect(result.status != 0 && result.complaint?.contains(complaint) == true, "\(line): \(result)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/x.npy"))
      }
    }
  }
}
