import BinaryDensity
import Foundation

/// Runs an example that was built beside this program, and returns what it printed.
private func run(_ example: String, _ arguments: String...) throws -> String {
  let process = Process()
  process.executableURL = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent(
    example)
  process.arguments = arguments
  let output = Pipe()
  process.standardOutput = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  expect(process.terminationStatus == 0, "\(example) ended with \(process.terminationStatus): \(text)")
  return text
}

/// Runs the examples on data of the repository, in the current folder.
func checkExamples() throws {
  try checkOddRows()
  try checkCompletions()
  try checkTablePress()
}

/// Votes that nobody casts come first.
private func checkOddRows() throws {
  let votes = repositoryFile("Data/house-votes-84.csv")
  let lines = try String(contentsOfFile: votes, encoding: .utf8).split(separator: "\n").map(String.init)
  try (lines.prefix(401).joined(separator: "\n") + "\n").write(
    toFile: "members.csv", atomically: true, encoding: .utf8)
  // For and against the same things: the third and the seventh of the new rows.
  var new = Array(lines[401...])
  new.insert("y,y,n,y,n,n,y,y,n,y,y,n,y,n,n,y,n", at: 2)
  new.insert("n,n,y,n,y,n,y,n,y,n,n,y,n,y,n,n,y", at: 6)
  try ([lines[0]] + new).joined(separator: "\n").write(
    toFile: "strangers.csv", atomically: true, encoding: .utf8)
  let found = try run("OddRows", "members.csv", "strangers.csv", "4").split(separator: "\n")
  expect(found.count == 5, "OddRows printed \(found)")
  let first = Set(found.dropFirst().prefix(2).map { $0.prefix { $0 != "," } })
  expect(first == ["3", "7"], "OddRows found \(found)")
}

/// Pictures as high as they should be, and a log p that is exact.
private func checkCompletions() throws {
  let text = try run("Completions", repositoryFile("Data/mnist"), "2")
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  expect(lines.count == 2 * 14 + 3 && text.contains("draws are exact"), "Completions printed \(text)")
  expect(lines[0].count == 5 * 28 + 4, "a line has \(lines[0].count) characters")
  // What is not known is a dot, and only in the second picture of five.
  let below = Array(lines[10])
  expect(below[29..<57].allSatisfy { $0 == "·" } && !below[58...].contains("·"), "the line is \(lines[10])")
}

/// What is compressed comes back, byte by byte.
private func checkTablePress() throws {
  let digits = try DataSplits.mnist(directory: repositoryFile("Data/mnist"))
  guard let test = digits.test else { return expect(false, "MNIST has no test digits") }
  try TableFile(path: "learn.npy").write(digits.train.rows(0..<10_000))
  try TableFile(path: "digits.csv").write(test.rows(0..<1000))
  _ = try run("TablePress", "learn", "learn.npy", "tree.safetensors")
  let said = try run("TablePress", "compress", "tree.safetensors", "digits.csv", "digits.bdr")
  expect(said.contains("times as many"), "TablePress printed \(said)")
  _ = try run("TablePress", "decompress", "tree.safetensors", "digits.bdr", "again.csv")
  let files = try ["digits.csv", "again.csv"].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
  expect(files[0] == files[1], "the table came back otherwise")
}
