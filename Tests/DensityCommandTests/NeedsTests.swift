import Foundation
import Testing
import _TestSupport

/// What `make` says before a build for which something is missing, with toolchains that are scripts.
@Suite("What a build needs")
struct NeedsTests {
  /// Runs the check twice in a copy, with a toolchain whose command says this, or is not there, and whose clang does that.
  private func needs(swift: String?, clang: String = "exit 0") throws -> DensityProgram.Result {
    try withTemporaryDirectory { folder in
      let (root, files) = (DensityProgram.packageRoot.path, FileManager.default)
      for name in ["Package.swift", ".make"] {
        try files.copyItem(atPath: "\(root)/\(name)", toPath: "\(folder)/\(name)")
      }
      // Of another name than that of a toolchain that is elsewhere on the path.
      for (name, script) in [("toolchain", swift.map { "echo '\($0)'" }), ("clang", clang)] {
        guard let script else { continue }
        try "#!/bin/sh\n\(script)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
      }
      return try DensityProgram.shell(
        "unset CC; export SWIFT=\"$PWD/toolchain\"; sh .make/needs.sh && sh .make/needs.sh", in: folder)
    }
  }

  @Test(
    "a toolchain that will do: nothing is said, also when it is known",
    arguments: [
      "Swift version 6.2 (swift-6.2-RELEASE)", "Apple Swift version 6.10.1 (swiftlang-6.10.1.3)",
      "Swift version 7.0-dev (LLVM, Swift)",
    ])
  func nothingIsMissing(version: String) throws {
    let result = try needs(swift: version)
    #expect(result.status == 0)
    #expect(result.output + result.errors == "")
  }

  @Test(
    "an old toolchain, or what is none: one line",
    arguments: [
      ("Swift version 5.9.2 (swift-5.9.2-RELEASE)", "toolchain is 5.9:"),
      ("Swift version 6.1 (swift-6.1-RELEASE)", "toolchain is 6.1:"),
      ("cannot open shared object", "says 'cannot open shared object':"),
    ])
  func oldToolchain(version: String, complaint: String) throws {
    let result = try needs(swift: version)
    #expect(result.status != 0)
    #expect(result.errors.hasPrefix("the build needs Swift 6.2 or later, and "))
    #expect(result.errors.contains(complaint))
    #expect(result.errors.filter { $0 == "\n" }.count == 1)
  }

  @Test func noToolchain() throws {
    let result = try needs(swift: nil)
    #expect(result.status != 0)
    #expect(result.errors.contains("there is no '"))
  }

  @Test func noHeaderOfZlib() throws {
    let result = try needs(swift: "Swift version 6.3.1", clang: "exit 1")
    #expect(result.status != 0)
    #expect(result.errors.hasPrefix("the build needs zlib with its header zlib.h: "))
    #expect(result.errors.filter { $0 == "\n" }.count == 1)
  }
}
