import Foundation
import Testing

/// A program that stands alone holds what it uses of Foundation, and one file that imports the whole is enough for all of it.
@Suite("What is essential of Foundation")
struct EssentialsTests {
  @Test(arguments: ["Arguments", "Autodiff", "BinaryDensity", "DensityCommand", "Drawing", "Kernels"])
  func noFileImportsTheWhole(target: String) throws {
    let folder = DensityProgram.packageRoot.appendingPathComponent("Sources/\(target)").path
    let files = try #require(FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String })
    #expect(files.contains { $0.hasSuffix(".swift") })
    for file in files where file.hasSuffix(".swift") && !file.contains(".docc/") {
      let lines = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n")
      #expect(!lines.contains("import Foundation"), "\(target)/\(file): import Essentials instead")
    }
  }
}
