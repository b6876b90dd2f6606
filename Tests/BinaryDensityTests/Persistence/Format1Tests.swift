import BinaryDensity
import Foundation
import Testing

@Suite("Checkpoints of format 1")
struct Format1Tests {
  private static let folder = packageRoot + "/Tests/formats/format1"

  /// The names of the files, each with log p of the rows of `rows.csv` as the program that wrote it printed them.
  static let files: [(name: String, logProbabilities: [Double])] = {
    let lines =
      (try? String(contentsOfFile: folder + "/logprob.txt", encoding: .utf8))?.split(separator: "\n") ?? []
    let fields = lines.map { $0.split(separator: " ") }
    return Dictionary(grouping: fields, by: { String($0[0]) })
      .map { (name: $0, logProbabilities: $1.compactMap { Double($0[1]) }) }.sorted { $0.name < $1.name }
  }()

  @Test("there is one of every family")
  func families() throws {
    let kinds = try Self.files.map {
      try Checkpoint(contentsOf: "\(Self.folder)/\($0.name).safetensors").model.kind
    }
    // Labels and tables of probabilities came with format 2, averages over parents and groups of columns later.
    #expect(
      Set(kinds).union([.labelled, .conditional, .parentAverage, .tabulated, .grouped])
        == Set(ModelKind.allCases))
  }

  @Test("log p is what it was", arguments: files.indices)
  func logProbabilities(index: Int) throws {
    let (name, expected) = Self.files[index]
    let checkpoint = try Checkpoint(contentsOf: "\(Self.folder)/\(name).safetensors")
    let rows = try DataTable.read(Self.folder + "/rows.csv").rows(split: .test)
    let found = checkpoint.model.logProbabilities(of: rows)
    // The accuracy promised, for another processor may round otherwise.
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-6 * abs(b), "\(name)") }
    #expect(found.count == expected.count && found.count == rows.rowCount)
    #expect((checkpoint.training != nil) == (name == "training"))
  }
}
