import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("The command keeps the files that it finds")
struct FileTests {
  /// A table, a folder, and a small model.
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 60)
      try AtomicFile.createDirectory(folder + "/folder")
      try Checkpoint(model: FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1))
        .write(to: folder + "/m.safetensors")
      let (files, url) = (FileManager.default, URL(fileURLWithPath: folder))
      try files.createSymbolicLink(
        at: url.appending(path: "link.csv"), withDestinationURL: url.appending(path: "t.csv"))
      try files.linkItem(atPath: folder + "/m.safetensors", toPath: folder + "/m.csv")
      try body(folder)
    }
  }

  @Test(arguments: [
    "logprob m.safetensors t.csv -o t.csv", "logprob m.safetensors t.csv -o ./folder/../t.csv",
    "logprob m.safetensors t.csv -o link.csv", "logprob m.safetensors link.csv -o t.csv",
    "logprob m.safetensors t.csv -o m.csv", "logprob m.safetensors -d t.csv -o t.csv",
    "logprob m.safetensors - -o t.csv <t.csv", "sample m.safetensors -o m.csv",
    "sample m.csv -o ./m.csv", "sample m.safetensors -o a.csv --logprob m.csv",
    "fit t.csv -o t.csv -t 0", "fit t.csv -o link.csv -t 0", "fit m.csv --validation t.csv -o t.csv -t 0",
    "fit m.csv --test t.csv -o t.csv -t 0", "export m.safetensors -o m.safetensors",
    "export m.safetensors -o m.csv", "import m.safetensors -o m.safetensors",
  ])
  func anInputIsNeverTheOutput(_ line: String) throws {
    try withFiles { folder in
      let before = try names(in: folder)
      let contents = try ["t.csv", "m.safetensors"].map { try AtomicFile.read(folder + "/" + $0) }
      let result = try DensityProgram.shell("density " + line, in: folder)
      #expect(result.status == 73 && result.output.isEmpty)
      let complaint = try #require(result.onlyLine, "\(result.errors)")
      #expect(complaint.contains("is the same file as the input"), "\(complaint)")
      #expect(try names(in: folder) == before)
      #expect(try ["t.csv", "m.safetensors"].map { try AtomicFile.read(folder + "/" + $0) } == contents)
    }
  }

  /// What cannot be written is found out before there is a result to lose.
  @Test(arguments: [
    "fit t.csv -t 1h -o folder", "fit t.csv -t 1h -o new/", "fit t.csv -t 1h -o none/a.safetensors",
    "sample m.safetensors -o a.csv --logprob none/b.csv", "sample m.safetensors -o folder/../none/a.png",
    "export m.safetensors -o folder", "import m.safetensors -o folder",
    "train -d t.csv --run t.csv", "sample m.safetensors -o /dev/null/a.csv",
  ])
  func anOutputIsTriedBeforeTheWork(_ line: String) throws {
    try withFiles { folder in
      let before = try names(in: folder)
      let result = try DensityProgram.shell("density " + line, in: folder)
      #expect(result.status == 73, "\(result.errors)")
      #expect(result.onlyLine?.contains("cannot be written") == true, "\(result.errors)")
      #expect(try names(in: folder) == before)
    }
  }

  @Test func outputAndScoresAreTwoFiles() throws {
    try withFiles { folder in
      let result = try DensityProgram.run(
        "sample", "m.safetensors", "-o", "a.csv", "--logprob", "folder/../a.csv", in: folder)
      #expect(result.status == 64 && result.onlyLine?.contains("same file") == true, "\(result.errors)")
    }
  }

  @Test func aSecondFitKeepsTheFirst() throws {
    try withFiles { folder in
      func fit(_ arguments: String...) throws -> String {
        let table = FileManager.default.fileExists(atPath: folder + "/many.csv") ? "many.csv" : "t.csv"
        let result = try DensityProgram.finish(
          DensityProgram.start(["fit", table, "-t", "0"] + arguments, in: folder))
        #expect(result.status == 0, "\(result.errors)")
        return result.errors
      }
      _ = try fit()
      let first = try AtomicFile.read(folder + "/fit.safetensors")
      #expect(try fit("-s", "1").contains("kept the earlier file as") == true)
      #expect(try AtomicFile.read(folder + "/fit.safetensors~1") == first)
      // What is no checkpoint is kept as well; a link goes on pointing to what is new.
      try AtomicFile.write([1, 2, 3], to: folder + "/mine")
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link", withDestinationPath: folder + "/mine")
      #expect(try fit("-o", "link").contains("/mine~1"))
      #expect(try AtomicFile.read(folder + "/mine~1") == [1, 2, 3])
      #expect(try Checkpoint(contentsOf: folder + "/mine").model.variableCount == 6)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link").hasSuffix("/mine"))
      // So is what a killed search has left; one on few rows leaves nothing.
      try DensityProgram.writeTable(folder + "/many.csv", rowCount: 2100)
      try FileManager.default.createDirectory(atPath: folder + "/a.search", withIntermediateDirectories: true)
      try AtomicFile.write([4], to: folder + "/a.search/search.json")
      #expect(try fit("-o", "a").contains("a.search~1"))
      #expect(try AtomicFile.read(folder + "/a.search~1/search.json") == [4])
    }
  }

  @Test func aRunInTheFolderOfTheDataMovesItsOwnFilesOnly() throws {
    try withFiles { folder in
      for number in 0...1 {
        let result = try DensityProgram.run(
          "train", "-m", "chow-liu", "-d", "t.csv", "--run", ".", in: folder)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("kept the earlier run as ./earlier~1") == (number == 1))
      }
      let left = try names(in: folder)
      #expect(
        left == [
          "best.safetensors", "earlier~1", "folder", "link.csv", "m.csv", "m.safetensors", "run.json",
          "samples.png", "t.csv",
        ])
      #expect(try names(in: folder + "/earlier~1") == ["best.safetensors", "run.json", "samples.png"])
    }
  }

  /// A folder has one run at a time, one that goes on included; the lock goes with the process, however that ends.
  @Test func aSecondRunInTheSameFolderIsRefused() throws {
    try withFiles { folder in
      let settings = ["train", "-d", "t.csv", "--hidden", "100", "--run", "run"]
      let first = try DensityProgram.start(settings + ["-e", "1000000"], in: folder)
      let deadline = Date() + 30
      while !FileManager.default.fileExists(atPath: folder + "/run/last.safetensors"), Date() < deadline {
        usleep(5000)
      }
      for arguments in [
        settings + ["-e", "1"], ["train", "--resume", "--run", "folder/../run", "-d", "t.csv"],
        ["train", "-m", "chow-liu", "-d", "t.csv", "--run", "run"],
        settings + ["-e", "1", "--members", "2"],
      ] {
        let second = try DensityProgram.finish(DensityProgram.start(arguments, in: folder))
        #expect(second.status == 73)
        #expect(second.onlyLine?.contains("another process is at work") == true, "\(second.errors)")
      }
      #expect(try !names(in: folder).contains("run~1"))
      kill(first.process.processIdentifier, SIGKILL)
      _ = try DensityProgram.finish(first)
      let after = try DensityProgram.finish(DensityProgram.start(settings + ["-e", "1"], in: folder))
      #expect(after.status == 0, "\(after.errors)")
      #expect(try !names(in: folder + "/run").contains(".lock"))
    }
  }
}
