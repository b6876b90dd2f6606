import Foundation
import Testing

/// The README's Swift stands in the client package, which `make test` builds and runs as a user would.
@Suite("The README's Swift")
struct ReadmeTests {
  private func lines(of path: String) throws -> [Substring] {
    try String(contentsOf: DensityProgram.packageRoot.appendingPathComponent(path), encoding: .utf8)
      .split(separator: "\n").map { $0[($0.firstIndex { $0 != " " } ?? $0.endIndex)...] }
  }

  @Test func everyBlockIsCompiledInTheClientPackage() throws {
    let client = try lines(of: "Tests/Client/Sources/Client/ReadmeBlocks.swift")
    let readme = try lines(of: "README.md")
    var blocks = 0
    var start = readme.startIndex
    while let opening = readme[start...].firstIndex(of: "```swift") {
      let end = try #require(readme[opening...].dropFirst().firstIndex(of: "```"))
      let block = readme[(opening + 1)..<end]
      let imports = block.filter { $0.hasPrefix("import ") }
      let code = block.filter { !$0.hasPrefix("import ") }
      #expect(imports.allSatisfy(client.contains))
      let isThere = client.indices.contains { client[$0...].starts(with: code) }
      #expect(
        isThere, "the README's block that begins with '\(code.first ?? "")' is not in the client's sources")
      blocks += 1
      start = end
    }
    #expect(blocks >= 8)
  }
}
