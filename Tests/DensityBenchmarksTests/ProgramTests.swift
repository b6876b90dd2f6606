import BinaryDensity
import Foundation
import Testing

/// The built program, run as a person would run it.
@Suite struct ProgramTests {
  private static let program: URL = {
    // The test bundle, or the program that runs it, stands among the products or in a folder below them.
    for argument in CommandLine.arguments {
      var url = URL(fileURLWithPath: argument).resolvingSymlinksInPath()
      for _ in 0..<5 {
        url.deleteLastPathComponent()
        let program = url.appendingPathComponent("density-bench")
        if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      }
    }
    return URL(fileURLWithPath: "/nowhere")
  }()

  private func run(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = Self.program
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: text, as: UTF8.self),
      String(decoding: complaint, as: UTF8.self)
    )
  }

  #if DEBUG
    @Test func aDebugBuildIsRefused() throws {
      let result = try run("--help")
      #expect(result.status == 64 && result.errors.contains("debug build"))
    }
  #else
    @Test func jsonHasMachinePeaksAndFigures() throws {
      let result = try run(
        "--json", "--only", "FVSBN train", "--threads", "1,2", "--seconds", "0.01", "--repetitions", "2",
        "--data", "/nowhere")
      #expect(result.status == 0 && result.errors.isEmpty)
      let document = try JSONValue(parsing: Array(result.output.utf8)[...], path: "output")
      #expect(document["machine"]?["cache_bytes"]?["L2"]?.integer ?? 0 > 0)
      #expect(document["data"]?["name"]?.string == "random")
      let peaks = try #require(document["peaks"]?.elements)
      #expect(peaks.map { $0["threads"]?.integer } == [1, 2])
      for peak in peaks {
        #expect(peak["flops_per_second"]?.number ?? 0 > 1e8)
        let levels = peak["streams"]?.elements?.map { $0["level"]?.string }
        #expect(levels == ["L2", "L3", "memory"])
      }
      let figures = try #require(document["figures"]?.elements)
      #expect(figures.map { $0["threads"]?.integer } == [1, 2])
      for figure in figures {
        #expect(figure["model"]?.string == "FVSBN" && figure["operation"]?.string == "train")
        #expect(figure["batch"]?.integer == 100 && figure["measurements"]?.integer == 2)
        let rates = ["min", "median", "max"].map { figure["rows_per_second"]?[$0]?.number ?? 0 }
        #expect(rates[0] > 0 && rates == rates.sorted())
        // On a machine that has other work, either may have been measured at the better moment.
        let share = figure["share_of_floor"]?.number ?? 0
        let floor = figure["floor_seconds_per_row"]?.number ?? 0
        #expect(share > 0 && abs(share - floor * rates[1]) < 1e-6 * share)
      }
    }

    @Test func theTableHasALineForEachNumberOfThreads() throws {
      let result = try run(
        "--only", "fvsbn LOG P", "--threads", "1,2", "--seconds", "0.01", "--repetitions", "1", "--data",
        "/nowhere")
      let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("FVSBN  ") }
      #expect(result.status == 0 && lines.count == 2)
    }

    @Test func figuresAreListed() throws {
      let result = try run("--list", "--only", "eonade", "--data", "/nowhere")
      let lines = result.output.split(separator: "\n")
      #expect(result.status == 0 && lines.count == 14 && lines.first == "EoNADE [500] 4 orders train")
    }

    /// One measurement for each line read, with as many threads as it says.
    @Test func aFigureIsServed() throws {
      let process = Process()
      process.executableURL = Self.program
      process.arguments = ["--serve", "FVSBN log p", "--seconds", "0.01", "--pin", "0", "--data", "/nowhere"]
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      input.fileHandleForWriting.write(Data("1\n2\n1\n".utf8))
      try input.fileHandleForWriting.close()
      let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        .split(separator: "\n")
      process.waitUntilExit()
      #expect(process.terminationStatus == 0 && lines.count == 4 && lines.first == "FVSBN log p")
      #expect(lines.dropFirst().allSatisfy { Double($0) ?? 0 > 0 })
    }

    /// The program compared with itself: whether it passes is a matter of noise, what it prints is not.
    @Test func twoBuildsAreCompared() throws {
      let result = try run(
        "--against", Self.program.path, "--only", "FVSBN log p", "--pairs", "6", "--seconds", "0.01",
        "--threads",
        "1,2", "--data", "/nowhere", "--json")
      let document = try JSONValue(parsing: Array(result.output.utf8)[...], path: "output")
      let trials = try #require(document["first_run"]?.elements)
      #expect(trials.map { $0["threads"]?.integer } == [1, 2])
      for trial in trials {
        #expect(trial["figure"]?.string == "FVSBN log p" && trial["old_rows_per_second"]?.number ?? 0 > 0)
        for ratios in ["new_to_old", "old_to_old"] {
          let numbers = ["lower", "median", "upper"].map { trial[ratios]?[$0]?.number ?? 0 }
          #expect(numbers[0] > 0 && numbers == numbers.sorted())
        }
      }
      // The mean of one figure's medians is that median, and decides.
      let mean = document["geometric_mean"]?.number ?? 0
      #expect(abs(mean - (trials[0]["new_to_old"]?["median"]?.number ?? 0)) < 1e-9)
      #expect(document["verdict"]?.string?.hasPrefix(result.status == 0 ? "passed" : "failed") == true)
      #expect(result.status == 0 || result.status == 1)
      if mean < 0.99 { #expect(result.status == 1) }
    }

    @Test func whatIsNoBenchmarkIsNotComparedWith() throws {
      for program in ["/nowhere/density-bench", "/bin/sh"] {
        let result = try run("--against", program, "--only", "FVSBN", "--data", "/nowhere")
        let lines = result.errors.split(separator: "\n")
        #expect(result.status == 70 && lines.last?.hasPrefix("density-bench: \(program): ") == true)
      }
    }

    @Test(arguments: [
      ["--pairs", "20"], ["--against", "/bin/sh", "--threads", "2"],
      ["--against", "/bin/sh", "--pairs", "5"],
      ["--against", "/bin/sh", "--growth"], ["--serve", "FVSBN", "--data", "/nowhere"], ["--pin", "0"],
      ["--serve", "FVSBN train", "--json"],
      ["--only", "no such model"], ["--threads", "0"], ["--plot", "plot.svg"],
      ["--growth", "--only", "NADE"], ["--growth", "--threads", "2"], ["--seconds", "0"], ["--nonsense"],
    ])
    func whatCannotBeMeantIsRefused(arguments: [String]) throws {
      let process = Process()
      process.executableURL = Self.program
      process.arguments = arguments
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 64)
    }
  #endif
}
