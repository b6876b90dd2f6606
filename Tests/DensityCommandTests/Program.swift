import BinaryDensity
import Foundation
import Testing
import _TestSupport

/// The built command, run as a person would run it.
enum DensityProgram {
  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// The error a person sees: the last line, the only one that begins with the program's name.
    var complaint: String? {
      let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
      // What follows the last line break is empty.
      guard lines.count >= 2, lines.last == "", lines[lines.count - 2].hasPrefix("density: "),
        lines.filter({ $0.hasPrefix("density: ") }).count == 1
      else { return nil }
      return String(lines[lines.count - 2])
    }

    /// The same where there is nothing else on standard error.
    var onlyLine: String? { complaint.flatMap { errors == $0 + "\n" ? $0 : nil } }
  }

  /// The folder with the products of the build that these tests are part of.
  static let folder: URL = {
    // The test bundle, or the program that runs it, stands among the products or in a folder below them.
    for argument in [CommandLine.arguments[0]] + CommandLine.arguments {
      var url = URL(fileURLWithPath: argument).resolvingSymlinksInPath()
      for _ in 0..<5 {
        url.deleteLastPathComponent()
        if FileManager.default.isExecutableFile(atPath: url.appendingPathComponent("density").path) {
          return url
        }
      }
    }
    return URL(fileURLWithPath: "/nowhere")
  }()

  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Runs the command to its end, or for a minute at most.
  static func run(_ arguments: String..., input: String? = nil, in directory: String? = nil) throws -> Result
  {
    let running = try start(arguments, input: input, in: directory)
    return try finish(running)
  }

  /// Runs a line of the shell in which `density` is the built command.
  static func shell(_ line: String, in directory: String) throws -> Result {
    let function = "density() { '\(folder.path)/density' \"$@\"; }; "
    return try finish(
      start(["-c", function + line], of: URL(fileURLWithPath: "/bin/sh"), in: directory))
  }

  struct Running {
    let process: Process
    let output: URL
    let errors: URL
  }

  /// Starts the command or another; its output goes to files, so that no full pipe can stop it.
  static func start(
    _ arguments: [String], of executable: URL = folder.appendingPathComponent("density"),
    input: String? = nil, in directory: String? = nil
  ) throws -> Running {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let base = FileManager.default.temporaryDirectory.appendingPathComponent("density-" + UUID().uuidString)
    let output = base.appendingPathExtension("out")
    let errors = base.appendingPathExtension("err")
    for url in [output, errors] { try Data().write(to: url) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    if let input {
      let pipe = Pipe()
      process.standardInput = pipe
      try process.run()
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    } else {
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }
    return Running(process: process, output: output, errors: errors)
  }

  static func finish(_ running: Running) throws -> Result {
    let deadline = Date() + 60
    while running.process.isRunning && Date() < deadline { usleep(5000) }
    if running.process.isRunning {
      kill(running.process.processIdentifier, SIGKILL)
      Issue.record("the command has not ended within a minute")
    }
    running.process.waitUntilExit()
    defer { for url in [running.output, running.errors] { try? FileManager.default.removeItem(at: url) } }
    return Result(
      status: running.process.terminationStatus,
      output: try String(contentsOf: running.output, encoding: .utf8),
      errors: try String(contentsOf: running.errors, encoding: .utf8))
  }

  /// Writes a table of `rowCount` rows of six variables, each but the first repeating the one before it
  /// mostly.
  static func writeTable(_ path: String, rowCount: Int, columnCount: Int = 6) throws {
    var state: UInt32 = 12345
    func next() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 16
    }
    var text = ""
    for _ in 0..<rowCount {
      var bit = next() % 2
      let row = (0..<columnCount).map { _ in
        if next() % 8 == 0 { bit = 1 - bit }
        return String(bit)
      }
      text += row.joined(separator: ",") + "\n"
    }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  static func json(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8)[...], path: "output")
  }
}
