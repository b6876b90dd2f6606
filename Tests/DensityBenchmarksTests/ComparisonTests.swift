import DensityBenchmarks
import Foundation
import Testing

@Suite struct ComparisonTests {
  private static let script = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/DensityBenchmarks/Peers/compare.py")

  private static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script.path] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  static let hasPython = (try? python(["--list"]).status) == 0

  /// The comparison asks for rows by their labels: one that is renamed here must be renamed there.
  @Test(.enabled(if: hasPython)) func everyRowComparedIsMeasured() throws {
    let labels = Subject.all(variableCount: 4).flatMap { subject in subject.operations.map(subject.label) }
    let rows = try Self.python(["--list"]).output.split(separator: "\n").map(String.init)
    #expect(rows.count > 15)
    // The rows in bf16 are those of models trained with `--precision bf16`.
    for row in rows where !row.contains("bf16") { #expect(labels.contains(row), "\(row)") }
  }

  @Test(.enabled(if: hasPython)) func whatIsMissingIsSkippedUnlessRequired() throws {
    let arguments = ["--quick", "--only", "no such row", "--bench", "/nowhere"]
    #expect(try Self.python(arguments).status == 0)
    #expect(try Self.python(arguments + ["--require"]).status == 1)
  }
}
