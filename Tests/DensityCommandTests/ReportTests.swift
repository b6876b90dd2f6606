import BinaryDensity
import Drawing
import Foundation
import Testing
import _TestSupport

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A page as a parser of XML finds it.
private final class Page: NSObject, XMLParserDelegate {
  let markup: String
  private(set) var identifiers: Set<String> = []
  private(set) var links: [String] = []
  /// The text of all but the style sheet, each run of spaces as one.
  private(set) var text = ""
  /// Drawings and pictures without words for who does not see them, and headings of tables that are none.
  private(set) var faults: [String] = []
  private var path: [String] = []

  /// - Throws: if the page is not well-formed.
  init(_ markup: String) throws {
    self.markup = markup
    super.init()
    let parser = XMLParser(data: Data(markup.utf8))
    parser.delegate = self
    try #require(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? ""), line \(parser.lineNumber)")
    text = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  convenience init(contentsOf path: String) throws {
    try self.init(String(contentsOfFile: path, encoding: .utf8))
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    path.append(name)
    if let identifier = attributes["id"] { identifiers.insert(identifier) }
    if let link = attributes["href"] ?? attributes["src"] { links.append(link) }
    let needed = [
      "svg": ["role", "aria-label"], "img": ["alt", "width", "height"], "th": ["scope"], "html": ["lang"],
    ]
    for attribute in needed[name] ?? [] where (attributes[attribute] ?? "").isEmpty {
      faults.append("\(name) without \(attribute)")
    }
    if ["script", "link", "iframe", "object"].contains(name) { faults.append(name) }
    text += " "
  }

  func parser(_ parser: XMLParser, foundCharacters characters: String) {
    if path.last != "style" { text += characters }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    path.removeLast()
  }

  /// Whether nothing on the page comes from elsewhere, and everybody can read it.
  var isByItself: Bool {
    faults.isEmpty && !markup.contains("http") && !markup.contains("url(") && !markup.contains("@import")
      && links.allSatisfy {
        $0.hasPrefix("data:image/png;base64,") || identifiers.contains(String($0.dropFirst()))
      }
  }

  /// The page without the section of what was measured.
  var withoutSpeed: String {
    markup.replacing(/<section id="speed".*?<\/section>/.dotMatchesNewlines(), with: "")
  }
}

@Suite("density report")
struct ReportTests {
  private func run(_ line: String, _ folder: String) throws -> DensityProgram.Result {
    let words = line.split(separator: " ").map(String.init)
    return try DensityProgram.finish(DensityProgram.start(words, in: folder))
  }

  /// Names that would be marks, and some that are not Latin.
  private static let names = ["<script>", "\"quoted\" & 'so'", "имя", "名前", "]]>", "a\u{202E}b"]

  /// A folder with `rows.csv` and `more.csv`, whose columns have these names, and `run`, which was trained on the first.
  private func withRun(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      let head = Self.names.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
      try DensityProgram.writeTable(folder + "/all.csv", rowCount: 300)
      let lines = try String(contentsOfFile: folder + "/all.csv", encoding: .utf8).split(separator: "\n")
      for (name, part) in [("rows", lines[..<200]), ("more", lines[200...])] {
        let text = ([head] + part.map(String.init)).joined(separator: "\n") + "\n"
        try text.write(toFile: "\(folder)/\(name).csv", atomically: true, encoding: .utf8)
      }
      let training = try run(
        "train rows.csv --model nade --hidden 8 --epochs 6 --header yes --run run", folder)
      try #require(training.status == 0, "\(training.errors)")
      try body(folder)
    }
  }

  @Test("a run in a folder with a table: every section, and figures that other commands give")
  func aRun() throws {
    try withRun { folder in
      let result = try run("report run more.csv", folder)
      #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
      let page = try Page(contentsOf: folder + "/run/report.html")
      #expect(page.isByItself, "\(page.faults)")
      for section in [
        "model", "training", "likelihood", "samples", "completions", "extremes", "columns", "pairs",
        "calibration", "speed", "repeat",
      ] { #expect(page.identifiers.contains(section) && page.links.contains("#" + section), "\(section)") }

      let evaluation = try DensityProgram.json(
        run("evaluate run/best.safetensors more.csv --json", folder).output)
      let (nll, error) = (evaluation["nll"]?.number ?? 0, evaluation["standard_error"]?.number ?? 0)
      #expect(page.text.contains(String(format: "%.3f ± %.3f", nll, error)))
      #expect(page.text.contains(String(format: "%.3f ± %.3f", nll / log(2), error / log(2))))
      #expect(page.text.contains(String(format: "%.4f", evaluation["bits_per_variable"]?.number ?? 0)))
      #expect(page.text.contains("independent Bernoullis") && page.text.contains("Chow-Liu tree"))

      let scores = try run("logprob run/best.safetensors more.csv", folder).output.split(separator: "\n")
        .compactMap { Double($0) }
      let least = try #require(scores.indices.min { scores[$0] < scores[$1] })
      #expect(scores.count == 100)
      #expect(page.text.contains("row \(least + 1) \(String(format: "%.3f", scores[least]))"))
      let summary = try DensityProgram.json(
        run("explain run/best.safetensors more.csv --summary --json", folder).output)
      let most = try #require(summary["variables"]?.elements?.first)
      #expect(page.text.contains(String(format: "%.4f ±", most["surprise"]?.number ?? 0)))
      let calibration = try DensityProgram.json(
        run("calibration run/best.safetensors more.csv --json", folder).output)
      #expect(
        page.text.contains(
          String(
            format: "%.5f ± %.5f", calibration["calibration_error"]?.number ?? 0,
            calibration["calibration_error_standard_error"]?.number ?? 0)))
      // Six columns have all their rows in a table of probabilities.
      #expect(page.text.contains("The model's figures are exact.") && page.text.contains("(exact)"))
      #expect(page.text.contains("density report run more.csv"))
      #expect(page.text.contains("density train rows.csv --model=nade"))
    }
  }

  @Test("names from files are text, whatever they are")
  func escaping() throws {
    try withRun { folder in
      #expect(try run("report run more.csv", folder).status == 0)
      let page = try Page(contentsOf: folder + "/run/report.html")
      for name in Self.names.dropLast() { #expect(page.text.contains(name), "\(name)") }
      // What turns the direction of writing round is shown, not obeyed.
      #expect(page.text.contains("a\\u{202e}b") && !page.markup.contains("\u{202E}"))
      #expect(!page.markup.contains("<script") && page.markup.contains("&lt;script&gt;"))
    }
    let piece: HTML = .element("p", ["title": "\"<&"], "<b>\("</p>\u{1}")\(HTML.element("br"))")
    #expect(piece.markup == "<p title=\"&quot;&lt;&amp;\">&lt;b&gt;&lt;/p&gt;\u{FFFD}<br/></p>")
  }

  @Test("the same bytes twice, but for the speed, wherever they are written and by how many threads")
  func reproducible() throws {
    try withRun { folder in
      for line in ["-o a.html", "-o b.html --threads 1", "-o c.html --seed 5"] {
        #expect(try run("report run/best.safetensors more.csv \(line)", folder).status == 0)
      }
      let pages = try ["a", "b", "c"].map { try Page(contentsOf: "\(folder)/\($0).html").withoutSpeed }
      #expect(pages[0] == pages[1] && pages[0] != pages[2])
      let output = try run("report run/best.safetensors more.csv -o -", folder).output
      #expect(try Page(output).withoutSpeed == pages[0])
    }
  }

  @Test("what is held out is told from what is not")
  func heldOut() throws {
    try withRun { folder in
      func page(_ line: String) throws -> Page {
        let result = try run("report \(line) -o page.html", folder)
        #expect(result.status == 0, "\(result.errors)")
        return try Page(contentsOf: folder + "/page.html")
      }
      #expect(try page("run rows.csv").text.contains("These are the training rows"))
      #expect(!(try page("run more.csv").text.contains("These are the training rows")))
      try FileManager.default.copyItem(
        atPath: folder + "/run/best.safetensors", toPath: folder + "/m.safetensors")
      let alone = try page("m.safetensors rows.csv")
      #expect(alone.text.contains("is not known") && !alone.text.contains("Chow-Liu"))
      #expect(alone.text.contains("name them by --training") && !alone.identifiers.contains("training"))
      let named = try page("m.safetensors more.csv --training rows.csv")
      #expect(
        named.text.contains("Chow-Liu tree")
          && named.text.contains("the training rows, all 200 rows of rows.csv"))
      let some = try page("run more.csv --rows 30")
      #expect(some.text.contains("30 rows, drawn by chance from the 100 of more.csv"))
      // Rows keep their numbers, which are spread over the table.
      let numbers = try page("run more.csv --rows 30 --seed 1").text.matches(of: /row (\d+)/).compactMap {
        Int($0.1)
      }
      #expect(numbers.contains { $0 > 45 } && numbers.allSatisfy { (1...100).contains($0) })
      // A run whose training rows are gone still has a page.
      try FileManager.default.removeItem(atPath: folder + "/rows.csv")
      #expect(try page("run more.csv").text.contains("cannot be read"))
    }
  }

  @Test("of a model by itself, what needs no rows, and what to give for the rest")
  func withoutTable() throws {
    try withRun { folder in
      #expect(try run("report run", folder).status == 0)
      let page = try Page(contentsOf: folder + "/run/report.html")
      #expect(page.isByItself && page.text.contains("density report run TABLE"))
      #expect(page.identifiers.isSuperset(of: ["samples", "pairs", "training", "speed"]))
      #expect(page.identifiers.isDisjoint(with: ["completions", "extremes", "columns", "calibration"]))
    }
  }

  @Test("missing cells count in the likelihood, and are left out elsewhere")
  func missingCells() throws {
    try withRun { folder in
      let text = try String(contentsOfFile: folder + "/more.csv", encoding: .utf8)
      try text.replacing("\n1,1,1", with: "\n1,,1").write(
        toFile: folder + "/gaps.csv", atomically: true, encoding: .utf8)
      let result = try run("report run gaps.csv", folder)
      #expect(result.status == 0, "\(result.errors)")
      let page = try Page(contentsOf: folder + "/run/report.html")
      #expect(page.isByItself && page.text.contains("with missing cells"))
      let evaluation = try DensityProgram.json(
        run("evaluate run/best.safetensors gaps.csv --json", folder).output)
      #expect(page.text.contains(String(format: "%.3f ±", evaluation["nll"]?.number ?? 0)))
      try "1,,1,0,1,0\n".write(toFile: folder + "/gap.csv", atomically: true, encoding: .utf8)
      #expect(try run("report run gap.csv --header no", folder).status == 0)
      #expect(try Page(contentsOf: folder + "/run/report.html").identifiers.contains("likelihood"))
    }
  }

  @Test("pictures, mixtures of several orders, and labelled rows")
  func otherModels() throws {
    try withTemporaryDirectory { folder in
      let parts = try [Array(0..<16), Array((0..<16).reversed())].enumerated().map { index, order in
        try NADE(
          .init(variableCount: 16, hiddenCount: 4, ordering: .explicit(order)), seed: UInt64(index))
      }
      var pictures = Checkpoint(model: Mixture(parts, weights: [1, 3]))
      pictures.imageShape = ImageShape(height: 4, width: 4)
      try pictures.write(to: folder + "/pictures.safetensors")
      try Checkpoint(model: LabelledDensity(classes: ["<a>", "b"], densities: parts)).write(
        to: folder + "/classes.safetensors")
      try DensityProgram.writeTable(folder + "/rows.csv", rowCount: 50, columnCount: 16)
      for model in ["pictures", "classes"] {
        let result = try run("report \(model).safetensors rows.csv", folder)
        #expect(result.status == 0, "\(result.errors)")
        let page = try Page(contentsOf: "\(folder)/\(model).html")
        #expect(page.isByItself, "\(page.faults)")
        #expect(page.text.contains("mixes several orders") && page.identifiers.contains("calibration"))
        #expect(page.markup.contains("<img") == (model == "pictures"))
        #expect(page.text.contains("0.7500") == (model == "pictures"))
        #expect(page.text.contains("class <a>") == (model == "classes"))
      }
    }
  }

  @Test("many columns make a page of bounded size in bounded time")
  func manyColumns() throws {
    try withTemporaryDirectory { folder in
      let count = 20_000
      let rows = BinaryMatrix(onBits: (0..<40).map { [$0, 3 * $0 + 100, count - 1] }, columnCount: count)
      try Checkpoint(model: IndependentBernoulli.fit(to: rows)).write(to: folder + "/wide.safetensors")
      let text = (0..<40).map { "\($0) \(3 * $0 + 100) \(count - 1)" }.joined(separator: "\n") + "\n"
      try text.write(toFile: folder + "/rows.dat", atomically: true, encoding: .utf8)
      let result = try run("report wide.safetensors rows.dat --index-base 0", folder)
      #expect(result.status == 0, "\(result.errors)")
      let page = try Page(contentsOf: folder + "/wide.html")
      #expect(page.isByItself && page.markup.utf8.count < 200_000)
      #expect(page.text.contains("3 on: #") && !page.text.contains("would take long"))
      for section in ["columns", "pairs", "calibration"] { #expect(page.identifiers.contains(section)) }
    }
  }

  @Test(
    "bad input is one line",
    arguments: [
      ("none.safetensors", 66, "none.safetensors: no such file"),
      ("run none.csv", 66, "none.csv: no such file"),
      ("run wide.csv --header no", 65, "wide.csv: expected 6 columns"),
      ("run empty.csv", 65, "empty.csv"),
      ("rows.csv", 65, "rows.csv"),
      ("run more.csv -o none/page.html", 73, "none/page.html"),
      ("run more.csv -o more.csv", 73, "it is the same file as the input more.csv"),
      ("run more.csv -o run/best.safetensors", 73, "it is the same file as the input run/best.safetensors"),
      ("run more.csv -o run/history.jsonl", 73, "it is the same file as the input run/history.jsonl"),
      ("run --rows 5", 64, "--rows goes with a table"),
      ("run more.csv --rows 0", 64, "--rows"),
      ("run more.csv --training none.csv", 66, "none.csv: no such file"),
      ("m.safetensors", 73, "m.html: cannot be written: it is there and no report"),
    ])
  func badInput(line: String, status: Int32, complaint: String) throws {
    try withRun { folder in
      try "1,0,1,0\n".write(toFile: folder + "/wide.csv", atomically: true, encoding: .utf8)
      try "".write(toFile: folder + "/empty.csv", atomically: true, encoding: .utf8)
      try FileManager.default.copyItem(
        atPath: folder + "/run/best.safetensors", toPath: folder + "/m.safetensors")
      try "my own page".write(toFile: folder + "/m.html", atomically: true, encoding: .utf8)
      let result = try run("report \(line)", folder)
      #expect(result.status == status, "\(result.errors)")
      #expect(result.complaint?.contains(complaint) == true, "\(result.errors)")
      #expect(try String(contentsOfFile: folder + "/m.html", encoding: .utf8) == "my own page")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run/report.html"))
    }
  }
}
