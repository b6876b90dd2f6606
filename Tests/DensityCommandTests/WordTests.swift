import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Words for off and on")
struct WordTests {
  private func run(_ line: String, _ folder: String) throws -> DensityProgram.Result {
    try DensityProgram.finish(DensityProgram.start(line.split(separator: " ").map(String.init), in: folder))
  }

  @Test("rows of a model of a table with words of its own are written in these, so that it can read them")
  func words() throws {
    try withTemporaryDirectory { folder in
      let rows = BinaryMatrix(rowCount: 60, columnCount: 3) { ($0 * (3 + $1) + $1) % 5 < 3 }
      var text = "a,b,c\n"
      for row in 0..<60 {
        text += rows[row: row].map { $0 ? "lebt" : "ist tot" }.joined(separator: ",") + "\n"
      }
      try text.write(toFile: folder + "/t.csv", atomically: true, encoding: .utf8)
      let trained = try DensityProgram.run(
        "train", "t.csv", "--values", "ist tot,lebt", "--model", "nade", "--epochs", "1", "--run", "r",
        in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let model = "r/best.safetensors"

      let drawn = try run("sample \(model) -n 40 -o -", folder).output
      #expect(drawn.hasPrefix("a,b,c\n") && drawn.contains("lebt") && drawn.contains("ist tot"))
      #expect(try run("sample \(model) -n 40 -o s.csv", folder).status == 0)
      #expect(try String(contentsOfFile: folder + "/s.csv", encoding: .utf8) == drawn)
      #expect(try run("evaluate \(model) s.csv", folder).output.contains("40 rows"))
      #expect(try run("sample \(model) -n 40 -o s.npy", folder).status == 0)
      var options = TableOptions()
      options.values = TableOptions.Values(off: "ist tot", on: "lebt")
      let read = try DataTable.read(folder + "/s.csv", options).rows(split: .test)
      #expect(try DataTable.read(folder + "/s.npy").rows(split: .test) == read)

      #expect(try run("sample \(model) -n 9 --distinct -o -", folder).output.contains(",lebt"))
      #expect(try run("mode \(model) -n 3 -o m.csv", folder).status == 0)
      #expect(try run("evaluate \(model) m.csv", folder).output.contains("3 rows"))
      #expect(try run("compress \(model) t.csv -o t.bdr", folder).status == 0)
      #expect(try run("decompress \(model) t.bdr -o back.csv", folder).status == 0)
      #expect(try String(contentsOfFile: folder + "/back.csv", encoding: .utf8) == text)
      for part in 1...2 {
        #expect(try run("sample \(model) -n 40 --shard \(part)/2 -o p\(part).csv", folder).status == 0)
      }
      #expect(try run("merge p1.csv p2.csv -o merged.csv", folder).status == 0)
      #expect(try run("evaluate \(model) merged.csv", folder).output.contains("40 rows"))
    }
  }

  @Test(
    "words with quotes and commas come back",
    arguments: [("6\"", "5\""), ("\"a\"", "b, \"c\""), ("a,b", "\"")])
  func quotes(_ off: String, _ on: String) throws {
    try withTemporaryDirectory { folder in
      var checkpoint = Checkpoint(
        model: IndependentBernoulli(logits: Matrix(rowCount: 1, columnCount: 3, elements: [0, 1, -1])))
      checkpoint.columnNames = ["x", "y", "z"]
      checkpoint.reading = TableReading(values: TableOptions.Values(off: off, on: on))
      try checkpoint.write(to: folder + "/m.safetensors")
      for name in ["s.csv", "s.npy"] {
        #expect(try run("sample m.safetensors -n 20 -o \(name)", folder).status == 0)
      }
      var options = TableOptions()
      options.values = TableOptions.Values(off: off, on: on)
      let rows = try DataTable.read(folder + "/s.npy").rows(split: .test)
      #expect(try DataTable.read(folder + "/s.csv", options).rows(split: .test) == rows)
      #expect(try run("evaluate m.safetensors s.csv", folder).output.contains("20 rows"))
    }
  }
}
