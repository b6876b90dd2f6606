import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Whole files")
struct AtomicFileTests {
  @Test(
    "What is written is read, and nothing else is left in the folder", arguments: [0, 1, 4096, 1_000_003])
  func roundTrip(count: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/file"
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try AtomicFile.write([1, 2, 3], to: path)
      try AtomicFile.write(bytes, to: path)
      #expect(try AtomicFile.read(path) == bytes)
      #expect(try names(in: directory) == ["file"])
    }
  }

  @Test("A file that is missing, and a folder, are told apart")
  func unreadable() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/none"
      #expect(throws: DensityError.missingFile(path: path)) { try AtomicFile.read(path) }
      #expect(throws: DensityError.unreadable(path: directory, reason: "Is a directory")) {
        try AtomicFile.read(directory)
      }
    }
  }

  @Test("A missing folder is an error until it is made")
  func missingDirectory() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/a/b/file"
      #expect(throws: DensityError.unwritable(path: path, reason: "there is no folder \(directory)/a/b")) {
        try AtomicFile.write([1], to: path)
      }
      #expect(try names(in: directory) == [])
      try AtomicFile.createDirectory(directory + "/a/b")
      try AtomicFile.createDirectory(directory + "/a/b")
      try AtomicFile.write([1], to: path)
      #expect(try AtomicFile.read(path) == [1])
      #expect(throws: DensityError.unwritable(path: path + "/c", reason: "Not a directory")) {
        try AtomicFile.createDirectory(path + "/c")
      }
    }
  }

  @Test("A name that cannot be taken leaves no temporary file")
  func renamingFails() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/folder"
      try AtomicFile.createDirectory(path)
      try AtomicFile.write([1], to: path + "/inside")
      #expect(throws: DensityError.self) { try AtomicFile.write([2], to: path) }
      #expect(try names(in: directory) == ["folder"])
      #expect(try AtomicFile.read(path + "/inside") == [1])
    }
  }

  @Test("A write that breaks off leaves the old file and no temporary one")
  func writingFails() async {
    // In a process of its own, whose files may not grow beyond a thousand bytes.
    await #expect(processExitsWith: .success) {
      try withTemporaryDirectory { directory in
        let path = directory + "/file"
        try AtomicFile.write([1, 2, 3], to: path)
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
        #if canImport(Glibc)
          let status = setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        #else
          let status = setrlimit(RLIMIT_FSIZE, &limit)
        #endif
        precondition(status == 0)
        do {
          try AtomicFile.write(Array(repeating: 7, count: 5000), to: path)
          preconditionFailure("written beyond the limit")
        } catch DensityError.unwritable(path, _) {
          let contents = try AtomicFile.read(path)
          let left = try names(in: directory)
          precondition(contents == [1, 2, 3] && left == ["file"])
        }
      }
    }
  }

  @Test("Permissions and symbolic links stay")
  func permissionsAndLinks() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/file"
      let link = directory + "/link"
      try AtomicFile.write([1], to: path)
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "file")
      try AtomicFile.write([2], to: link)
      #expect(try AtomicFile.read(path) == [2])
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "file")
      let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(permissions == 0o640)
    }
  }

  @Test("A device is written, not replaced")
  func device() throws {
    try AtomicFile.write([1, 2, 3], to: "/dev/null")
    #expect(try AtomicFile.read("/dev/null") == [])
    #if os(Linux)
      #expect(throws: DensityError.unwritable(path: "/dev/full", reason: "No space left on device")) {
        try AtomicFile.write([1], to: "/dev/full")
      }
    #endif
  }
}

@Suite("Line logs")
struct LineLogTests {
  @Test("Lines are appended to what is kept")
  func append() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/history.jsonl"
      var log = try LineLog(path: path)
      for line in ["one", "", "zwölf"] { try log.append(line) }
      #expect(try AtomicFile.read(path) == Array("one\n\nzwölf\n".utf8))
      log = try LineLog(path: path, keepingFirst: 2)
      try log.append("three")
      #expect(try AtomicFile.read(path) == Array("one\n\nthree\n".utf8))
      _ = try LineLog(path: path)
      #expect(try AtomicFile.read(path) == [])
    }
  }

  @Test("A last line without its end is dropped", arguments: [1, 2, 3, 100])
  func incompleteLine(kept: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/history.jsonl"
      try AtomicFile.write(Array("one\ntwo\nthr".utf8), to: path)
      _ = try LineLog(path: path, keepingFirst: kept)
      #expect(try AtomicFile.read(path) == Array((kept == 1 ? "one\n" : "one\ntwo\n").utf8))
    }
  }

  @Test("A path that cannot be written is an error; a device is none")
  func unwritable() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/none/history.jsonl"
      #expect(throws: DensityError.unwritable(path: path, reason: "No such file or directory")) {
        try LineLog(path: path)
      }
    }
    try LineLog(path: "/dev/null").append("lost")
  }

  @Test("A line break within a line is a broken contract")
  func lineBreak() async {
    await #expect(processExitsWith: .failure) { try LineLog(path: "/dev/null").append("two\nlines") }
  }
}

@Suite("Temporary files")
struct TemporaryFileTests {
  /// The name that a process gives to the file it is writing.
  private func name(process: Int32) throws -> String {
    let tag = TemporaryFiles.newTag()
    let parts = tag.split(separator: "-").map(String.init)
    try #require(parts.count == 3 && parts[1] == String(getpid()))
    return ".rows.csv.\(parts[0])-\(process)-\(parts[2])"
  }

  @Test func whatAKilledProcessHasLeftIsRemoved() throws {
    try withTemporaryDirectory { path in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "exit 0"]
      try process.run()
      process.waitUntilExit()
      let dead = try name(process: process.processIdentifier)
      let alive = try name(process: getpid())
      let foreign = ".rows.csv.0badbeef-\(process.processIdentifier)-abc.tmp"
      let others = [".rows.csv.tmp", "rows-1-2.tmp", ".vimrc.swp", "t.csv"]
      for name in [dead, alive, foreign] + others {
        try Data().write(to: URL(fileURLWithPath: path + "/" + name))
      }
      try AtomicFile.write([1], to: path + "/new")
      #expect(try names(in: path) == ([alive, foreign, "new"] + others).sorted())
    }
  }
}
