import Foundation
import Testing

/// The documentation's listings are compiled in the client package, which `make test` builds and runs; and every public
/// name has its place and its comment.
@Suite("The documentation")
struct DocumentationTests {
  private static let catalogue = "Sources/BinaryDensity/BinaryDensity.docc"
  private static let client = "Tests/Client/Sources/Client"

  private func text(_ path: String) throws -> String {
    try String(contentsOf: DensityProgram.packageRoot.appendingPathComponent(path), encoding: .utf8)
  }

  /// The files below a folder of the repository whose names end so, sorted.
  private func files(in folder: String, _ suffix: String) throws -> [String] {
    let root = DensityProgram.packageRoot.appendingPathComponent(folder).path
    return try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(suffix) }.sorted()
      .map { "\(folder)/\($0)" }
  }

  /// Lines without the spaces that they begin with, and without empty ones.
  private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }
  }

  // MARK: Listings

  @Test func everySwiftBlockOfAnArticleIsCompiledInTheClientPackage() throws {
    let client = try ["ReadmeBlocks", "ArticleBlocks"].flatMap {
      lines(try text("\(Self.client)/\($0).swift"))
    }
    var count = 0
    for file in try files(in: Self.catalogue, ".md") {
      let article = lines(try text(file))
      var start = article.startIndex
      while let opening = article[start...].firstIndex(of: "```swift") {
        let end = try #require(article[opening...].dropFirst().firstIndex(of: "```"))
        let block = article[(opening + 1)..<end]
        let code = block.filter { !$0.hasPrefix("import ") }
        #expect(block.filter { $0.hasPrefix("import ") }.allSatisfy(client.contains))
        #expect(
          client.indices.contains { client[$0...].starts(with: code) },
          "\(file): the block that begins with '\(code.first ?? "")' is not in the client's sources")
        count += 1
        start = end
      }
    }
    #expect(count >= 8)
  }

  @Test("A tutorial's steps grow, line by line, to the file that the client package compiles")
  func everyStepOfATutorialIsPartOfWhatIsCompiled() throws {
    var shown: Set<String> = []
    for tutorial in try files(in: Self.catalogue, ".tutorial") {
      let steps = try text(tutorial).matches(of: /@Code\(name: "(.+)\.swift", file: "(.+)"\)/)
      for (step, next) in zip(steps, steps.dropFirst()) where step.1 == next.1 {
        let (earlier, later) = (try resource(step.2), try resource(next.2))
        #expect(isPart(earlier, of: later) && earlier != later, "\(step.2) does not grow into \(next.2)")
      }
      if let last = steps.last {
        let compiled = try text("\(Self.client)/Tutorials/\(last.1).swift")
        #expect(
          try text("\(Self.catalogue)/Resources/\(last.2)") == compiled, "\(last.2) is not what is compiled")
      }
      shown.formUnion(steps.map { String($0.2) })
    }
    let all = try files(in: "\(Self.catalogue)/Resources", ".swift").map {
      ($0 as NSString).lastPathComponent
    }
    #expect(shown == Set(all) && all.count >= 20)
  }

  private func resource(_ name: Substring) throws -> [Substring] {
    lines(try text("\(Self.catalogue)/Resources/\(name)"))
  }

  /// Whether lines occur among others in their order.
  private func isPart(_ some: [Substring], of others: [Substring]) -> Bool {
    var rest = others[...]
    for line in some {
      guard let place = rest.firstIndex(of: line) else { return false }
      rest = rest[(place + 1)...]
    }
    return true
  }

  // MARK: Names

  @Test func everyPublicTypeHasItsPlace() throws {
    let declaration = /^(?:@\S+ )*public (?:final )?(?:struct|class|enum|protocol|actor) (\w+)/
    let entry = /^- ``(?:\/?\w+\/)?(\w+)``$/
    let pages = ["BinaryDensity": "BinaryDensity", "Autodiff": "Autodiff", "Kernels": "Kernels"]
    for (module, page) in pages {
      let curated = try text("\(Self.catalogue)/\(page).md").split(separator: "\n")
        .compactMap { $0.firstMatch(of: entry).map { String($0.1) } }
      let declared = try files(in: "Sources/\(module)", ".swift").filter { !$0.contains(".docc/") }.flatMap {
        file in
        try text(file).split(separator: "\n").compactMap {
          $0.firstMatch(of: declaration).map { String($0.1) }
        }
      }
      #expect(declared.count >= 10)
      #expect(Set(declared).subtracting(curated).sorted() == [], "\(module): not curated in \(page).md")
      #expect(
        Set(curated).subtracting(declared).sorted() == [], "\(module): curated in \(page).md, and not there")
      #expect(Set(curated).count == curated.count, "\(page).md has a name twice")
    }
  }

  @Test func everyPublicNameHasAComment() throws {
    for module in ["BinaryDensity", "Autodiff", "Kernels"] {
      for file in try files(in: "Sources/\(module)", ".swift") where !file.contains(".docc/") {
        // Float and Double implement what `KernelScalar` comments.
        if file.contains("/Float+") || file.contains("/Double+") { continue }
        for (number, line) in try undocumented(file) {
          Issue.record("\(file):\(number): no comment: \(line.trimmingCharacters(in: .whitespaces))")
        }
      }
    }
  }

  /// The public declarations of a file, and the cases of its public enums, that no comment stands before.
  private func undocumented(_ file: String) throws -> [(Int, Substring)] {
    let lines = try text(file).split(separator: "\n", omittingEmptySubsequences: false)
    var found: [(Int, Substring)] = []
    // How far the innermost public enum is indented; its cases stand two spaces further in.
    var enumIndents: [Int] = []
    for (index, line) in lines.enumerated() {
      let indent = line.prefix { $0 == " " }.count
      let code = line.dropFirst(indent)
      while let last = enumIndents.last, !code.isEmpty, indent <= last { enumIndents.removeLast() }
      let isCase = code.hasPrefix("case ") && enumIndents.contains(indent - 2)
      // Most lines begin otherwise, and a pattern takes long to say so.
      let mayDeclare = code.hasPrefix("public ") || code.hasPrefix("@")
      let declares =
        mayDeclare && code.firstMatch(of: /^(?:@\w+(?:\([^)]*\))? )*public (?!extension|package)/) != nil
      if mayDeclare, code.firstMatch(of: #/^public (?:indirect )?enum /#) != nil {
        enumIndents.append(indent)
      }
      guard declares || isCase else { continue }
      var before = index - 1
      while before >= 0, lines[before].drop(while: { $0 == " " }).hasPrefix("@") { before -= 1 }
      let isCommented = before >= 0 && lines[before].drop(while: { $0 == " " }).hasPrefix("///")
      if !isCommented { found.append((index + 1, line)) }
    }
    return found
  }
}
