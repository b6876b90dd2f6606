import Foundation

/// Another process of this program, or of an earlier build of it, that measures one figure when asked (see `Server`).
final class ServingProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let program: String
  private let label: String
  /// What has been read and not yet used.
  private var buffer: [UInt8] = []

  /// Starts a copy of the program, which prepares the figure; the copy is gone with the process.
  init(program: String, label: String, options: [String]) throws {
    (self.program, self.label) = (program, label)
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("density-bench-\(UUID())")
    do {
      try FileManager.default.copyItem(at: URL(fileURLWithPath: program), to: copy)
    } catch {
      throw ComparisonError("\(program): cannot be copied to \(copy.path): \(error.localizedDescription)")
    }
    // The system keeps the file, without its name, for as long as it runs.
    defer { try? FileManager.default.removeItem(at: copy) }
    process.executableURL = copy
    process.arguments = ["--serve", label] + options
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  /// Waits until the figure is prepared.
  func waitUntilReady() throws {
    guard try line() == label else { throw failure }
  }

  /// Returns the rows a second of one measurement.
  func rate(threadCount: Int) throws -> Double {
    do {
      try input.fileHandleForWriting.write(contentsOf: Data("\(threadCount)\n".utf8))
    } catch {
      throw failure
    }
    guard let line = try line(), let rate = Double(line), rate.isFinite, rate > 0 else { throw failure }
    return rate
  }

  /// Ends the process, by the end of its input: a signal may be blocked where this program was started.
  func end() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private var failure: ComparisonError {
    ComparisonError("\(program): gave no measurement of '\(label)'")
  }

  /// Returns the next line, or nil at the end of the output.
  private func line() throws -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeSubrange(...end) }
        return String(decoding: buffer[..<end], as: UTF8.self)
      }
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { return nil }
      buffer += data
    }
  }
}

/// Another build could not be measured: one line that says so.
struct ComparisonError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
