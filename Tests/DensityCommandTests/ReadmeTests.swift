import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("The README's program")
struct ReadmeTests {
  /// Returns the first block of Swift after a heading.
  private func block(after heading: String) throws -> String {
    let readme = try String(
      contentsOf: DensityProgram.packageRoot.appendingPathComponent("README.md"), encoding: .utf8)
    let section = try #require(readme.range(of: "\n\(heading)\n"))
    let start = try #require(readme.range(of: "```swift\n", range: section.upperBound..<readme.endIndex))
    let end = try #require(readme.range(of: "```", range: start.upperBound..<readme.endIndex))
    return String(readme[start.upperBound..<end.lowerBound])
  }

  /// Compiles the five lines against the modules and objects of this build, which takes seconds where a
  /// package of its own would build everything again, and runs them beside a checkpoint and a table of the
  /// names they read.
  @Test func compilesRunsAndPrintsTheLogProbabilities() throws {
    let products = DensityProgram.folder.path
    let root = DensityProgram.packageRoot.path
    try withTemporaryDirectory { folder in
      let source = try block(after: "## As a library")
      #expect(source.split(separator: "\n").count <= 5)
      try source.write(toFile: folder + "/main.swift", atomically: true, encoding: .utf8)
      // What the command is linked from, but for the command itself; folders also keep objects of deleted files.
      let objects = try String(
        contentsOfFile: "\(products)/density.product/Objects.LinkFileList", encoding: .utf8
      ).split(separator: "\n").filter { line in
        ["CKernels", "Kernels", "Autodiff", "BinaryDensity"].contains { line.contains("/\($0).build/") }
      }
      let compiler = try DensityProgram.shell(
        "swiftc main.swift -o program -I '\(products)/Modules' -Xcc -I'\(root)/Sources/CKernels/include' "
          + "-Xcc -fmodule-map-file='\(products)/CKernels.build/module.modulemap' "
          + "-Xcc -fmodule-map-file='\(root)/Sources/CZlib/module.modulemap' "
          + objects.joined(separator: " ") + " -lz -lpthread", in: folder)
      try #require(compiler.status == 0, "\(compiler.output)\(compiler.errors)")

      let model = try NADE(NADE.Configuration(variableCount: 784, hiddenCount: 8), seed: 1)
      try FileManager.default.createDirectory(
        atPath: folder + "/runs/nade", withIntermediateDirectories: true)
      try Checkpoint(model: model).write(to: folder + "/runs/nade/best.safetensors")
      try FileManager.default.createDirectory(
        atPath: folder + "/Data/mnist", withIntermediateDirectories: true)
      var generator = Philox(seed: 3)
      let levels = (0..<20 * 784).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let table = folder + "/Data/mnist/t10k-images-idx3-ubyte.gz"
      try IDXArray(dimensions: [20, 28, 28], elements: .uint8(levels)).write(to: table)

      let program = try DensityProgram.shell("./program", in: folder)
      #expect(program.status == 0, "\(program.errors)")
      let printed = program.output.split(separator: "\n").compactMap { Double($0) }
      #expect(printed == model.logProbabilities(of: try DataTable.read(table).rows(split: .test)))
      #expect(printed.count == 20)
    }
  }
}
