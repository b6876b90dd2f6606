import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Fitting that is stopped and goes on")
struct FitTests {
  /// Starts a search of some minutes and waits until it has written so many networks.
  private func start(_ folder: String, networks: Int) throws -> DensityProgram.Running {
    try DensityProgram.writeTable(folder + "/the rows.csv", rowCount: 2400, columnCount: 12)
    let running = try DensityProgram.start(["fit", "the rows.csv", "-t", "20s", "-o", "m"], in: folder)
    let deadline = Date() + 50
    while Date() < deadline {
      let text = try? String(contentsOfFile: folder + "/m.search/search.json", encoding: .utf8)
      let record = try text.map(DensityProgram.json)
      if let count = record?["networks"]?.elements?.count, count >= networks { break }
      usleep(2000)
    }
    return running
  }

  private func leaderboard(_ result: DensityProgram.Result) throws -> [String: [Double]] {
    let entries = try #require(DensityProgram.json(result.output)["leaderboard"]?.elements)
    return Dictionary(
      grouping: entries.compactMap { entry in
        entry["validation_nll"]?.number.map { (entry["kind"]?.string ?? "", $0) }
      }, by: \.0
    ).mapValues { $0.map(\.1) }
  }

  /// Killed at any moment, a search goes on with what its folder holds.
  @Test(arguments: [0, 1, 3]) func killed(networks: Int) throws {
    try withTemporaryDirectory { folder in
      let running = try start(folder, networks: networks)
      kill(running.process.processIdentifier, SIGKILL)
      #expect(try DensityProgram.finish(running).status == SIGKILL)
      let record = try DensityProgram.json(
        String(contentsOfFile: folder + "/m.search/search.json", encoding: .utf8))
      let trials = try #require(record["trials"]?.elements).compactMap { $0["nll"]?.number }
      let kept = try #require(record["networks"]?.elements)
      #expect(kept.count >= networks)
      let resumed = try DensityProgram.run(
        "fit", "the rows.csv", "-o", "m", "--resume", "-t", "1s", "--json", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains(": \(trials.count) recipes tried"), "\(resumed.errors)")
      let figures = try leaderboard(resumed)
      #expect(Set(figures["recipe"] ?? []).isSuperset(of: trials))
      let members = kept.filter { $0["is_member"] == .bool(true) }.compactMap { $0["nll"]?.number }
      #expect(Set(figures["member"] ?? []).isSuperset(of: members))
      #expect(try names(in: folder) == ["m", "the rows.csv"])
      // What has ended goes on as well.
      let best = try #require(DensityProgram.json(resumed.output)["validation_nll"]?.number)
      let more = try DensityProgram.run(
        "fit", "the rows.csv", "-o", "m", "--resume", "-t", "1s", "--json", in: folder)
      #expect(more.status == 0, "\(more.errors)")
      #expect(try #require(DensityProgram.json(more.output)["validation_nll"]?.number) <= best + 1e-9)
      #expect(try names(in: folder) == ["m", "the rows.csv"])
    }
  }

  /// After an interrupt, at whatever moment, there is a file, and a line to be typed that goes on.
  @Test(arguments: [0, 1, 2, 4]) func interrupted(networks: Int) throws {
    try withTemporaryDirectory { folder in
      let running = try start(folder, networks: networks)
      let start = ContinuousClock.now
      kill(running.process.processIdentifier, SIGINT)
      let result = try DensityProgram.finish(running)
      // The machine may be busy; alone it takes less than a second.
      #expect(.now - start < .seconds(5))
      #expect(result.status == 130, "\(result.errors)")
      #expect(try Checkpoint(contentsOf: folder + "/m").model.variableCount == 12)
      let line = try #require(
        result.errors.split(separator: "Go on with: ").last?.split(separator: "\n").first)
      #expect(line == "density fit 'the rows.csv' -o m --resume")
      let resumed = try DensityProgram.shell(line + " -t 0", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try names(in: folder) == ["m", "the rows.csv"])
    }
  }

  @Test func whatDiffersIsSaid() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/a.csv", rowCount: 2100)
      try DensityProgram.writeTable(folder + "/b.csv", rowCount: 2090)
      #expect(try DensityProgram.run("fit", "a.csv", "-t", "0", "-o", "m", in: folder).status == 0)
      let before = try AtomicFile.read(folder + "/m")
      func complaint(_ arguments: String...) throws -> String? {
        let result = try DensityProgram.finish(
          DensityProgram.start(["fit", "--resume", "-t", "0"] + arguments, in: folder))
        #expect(result.status == 65 || result.status == 66, "\(result.errors)")
        return result.complaint
      }
      #expect(
        try complaint("b.csv", "-o", "m")
          == "density: m: expected the table that the search began with, 1890 training rows, found 1881; "
          + "without --resume a new search begins")
      #expect(
        try complaint("a.csv", "-o", "m", "--seed", "4")
          == "density: m: expected the seed that the search began with, 0, found 4; without --resume a new "
          + "search begins")
      #expect(
        try complaint("a.csv", "-o", "n")
          == "density: n: cannot be read: there is no search to go on with, neither here nor in n.search; leave "
          + "--resume out to begin one")
      try FileManager.default.createDirectory(atPath: folder + "/d.search", withIntermediateDirectories: true)
      #expect(try complaint("a.csv", "-o", "d") == "density: d.search/search.json: no such file")
      try "{\"seed\": 0".write(toFile: folder + "/d.search/search.json", atomically: true, encoding: .utf8)
      #expect(
        try complaint("a.csv", "-o", "d")
          == "density: d.search/search.json: search: expected the record of a search, found "
          + "\"{\\\"seed\\\": 0\"; leave --resume out to begin anew")
      #expect(try AtomicFile.read(folder + "/m") == before)
    }
  }

  /// What is printed is short, and --verbose has all.
  @Test func whatMatters() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/a.csv", rowCount: 2100)
      let short = try DensityProgram.run("fit", "a.csv", "-t", "1s", "-o", "m", in: folder)
      #expect(short.status == 0, "\(short.errors)")
      #expect(short.errors.contains("a: 1890 training, 210 validation, 0 test rows of 6 variables"))
      let lines = short.output.split(separator: "\n")
      // The table of what could be kept has a heading and at most four lines.
      let choices = lines.drop { !$0.contains("could be kept") }.prefix { !$0.hasPrefix("validation NLL 0") }
        .prefix { $0.contains("could be kept") || $0.first == " " }
      #expect((2...5).contains(choices.count) && choices.contains { $0.contains(" > ") }, "\(short.output)")
      #expect(
        lines.count - choices.count <= 15 && short.output.contains("see --verbose"), "\(short.output)")
      #expect(short.output.contains(" nats on 210 held-out rows, which chose it"))
      #expect(short.output.contains(" below the best "))
      #expect(
        lines.last
          == "next   density evaluate m HELD-OUT-TABLE; or density fit a.csv -o m --resume --budget 1h")
      let long = try DensityProgram.run(
        "fit", "a.csv", "--resume", "-t", "0", "-o", "m", "--verbose", in: folder)
      #expect(long.status == 0, "\(long.errors)")
      #expect(!long.output.contains("see --verbose"))
      let all = long.output.split(separator: "\n")
      #expect(all.count > lines.count)
      // What is gained over the best baseline is said, if that is something.
      let names = ["independent Bernoullis", "Chow-Liu tree", "mixture of 30 Bernoullis"]
      let baselines = all.filter { line in
        names.contains { line.hasSuffix("  \($0)") || line.hasSuffix("  > \($0)") }
      }
      .compactMap { $0.split(separator: " ").first.flatMap { Double($0) } }
      let figures = try #require(all.first { $0.contains(" held-out rows, which chose it") })
      let found = try #require(figures.split(separator: " ").compactMap { Double($0) }.first)
      let reason = try #require(all.first { $0.hasPrefix("gain   ") })
      let gain = try #require(baselines.min()) - found
      #expect(gain > -1e-9 && baselines.count == 3)
      #expect(gain < 0.0005 || reason.contains("below the best baseline ("), "\(reason)")
    }
  }

  /// What a smaller file has no room for stays beside it.
  ///
  /// The table is a Markov chain, so the tree that is counted first is 7 nats better than independent columns, which are
  /// all that 300 bytes hold: how far the search gets in its time does not matter.
  @Test func aSmallerFileDoesNotTakeTheBetterOnesPlace() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/a.csv", rowCount: 2400, columnCount: 24)
      let found = try DensityProgram.run("fit", "a.csv", "-t", "2s", "-o", "m", in: folder)
      #expect(found.status == 0, "\(found.errors)")
      let before = try AtomicFile.read(folder + "/m")
      let small = try DensityProgram.run(
        "fit", "a.csv", "-t", "1s", "--resume", "--size", "300B", "-o", "m", in: folder)
      #expect(small.status == 0 && small.errors.contains("kept the earlier file as m~1"), "\(small.errors)")
      #expect(try AtomicFile.read(folder + "/m~1") == before)
    }
  }

  /// Of few rows each is held out; such a search is soon over, and there is nothing to go on with.
  @Test func fewRows() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/a.csv", rowCount: 120)
      let found = try DensityProgram.run("fit", "a.csv", "-t", "1s", "-o", "m", in: folder)
      #expect(found.status == 0, "\(found.errors)")
      #expect(found.errors.contains("a: 120 rows of 6 variables, each held out in turn, in 15 folds"))
      #expect(found.output.contains(" nats on 120 held-out rows, which chose it"))
      #expect(found.output.split(separator: "\n").last == "next   density evaluate m HELD-OUT-TABLE")
      #expect(try names(in: folder) == ["a.csv", "m"])
      // Whatever a fit on few rows is made of, the other commands take it.
      #expect(try DensityProgram.run("info", "m", in: folder).status == 0)
      #expect(try DensityProgram.run("evaluate", "m", "a.csv", in: folder).status == 0)
      #expect(try DensityProgram.run("sample", "m", "-n", "3", "-o", "-", in: folder).status == 0)
      let resumed = try DensityProgram.run("fit", "a.csv", "--resume", "-o", "m", in: folder)
      #expect(resumed.status == 65 && resumed.complaint?.contains("as of few rows") == true)
      // A single row is what its cells are.
      try "a,b,c\n1,0,1\n".write(toFile: folder + "/one.csv", atomically: true, encoding: .utf8)
      let one = try DensityProgram.run("fit", "one.csv", "-t", "1s", "-o", "n", in: folder)
      #expect(
        one.status == 0 && one.errors.contains("a single row leaves none to choose by"), "\(one.errors)")
      #expect(one.output.contains("0.8630") && !one.output.contains("inf"), "\(one.output)")
    }
  }
}
