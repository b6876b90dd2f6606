import BinaryDensity
import Drawing
import Kernels

/// Rows of which half is given, and the rest drawn.
enum CompletionsSection: ReportChapter {
  private static let drawCount = 3

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard let table = material.table, !table.wholeRows.isEmpty, material.model.variableCount > 1 else {
      return nil
    }
    let content: HTML
    do throws(DensityError) {
      content = try completions(material, table)
    } catch .unsupported(let reason) {
      content = .paragraph("This model cannot complete rows: \(reason).")
    } catch .impossibleEvidence {
      content = .paragraph("The model rules out half of a row that was to be completed.")
    }
    return ReportSection(name: "completions", title: "Completions", content: content)
  }

  private static func completions(_ material: ReportMaterial, _ table: ReportTable) throws(DensityError)
    -> HTML
  {
    let model = material.model
    var options = Inference.Options(
      particleCount: 1024, particleLimit: 4096, enumerationSeconds: 0, seed: material.work.seed)
    let width = model.variableCount
    // What is tabulated is exact, and as many rows as there can be.
    let usesTable =
      width <= options.tabulationLimit
      && Double(1 << width) * model.multiplicationsPerRow <= ReportWork.multiplicationLimit
    if !usesTable { options.tabulationLimit = 0 }
    let pace = usesTable ? 1 : model.multiplicationsPerRow * Double(options.particleCount * drawCount)
    let wanted = material.imageShape == nil ? 3 : 10
    let count = material.work.affordable(
      min(wanted, table.wholeRows.count), multiplications: pace, cells: width)
    guard count > 0 else {
      return .paragraph(
        "They would take long for a model of so many parameters: see 'density impute --hide'.")
    }
    let places = table.spread(count)
    let rows = table.whole(places)
    let whole = PartialRows(values: rows, known: .ones(like: rows))
    let evidence = try HiddenCells.lowerHalf.hiding(
      in: whole, firstRow: 0, imageShape: material.imageShape, seed: material.work.seed)
    var generator = Philox(seed: material.work.seed, stream: .completions)
    guard
      let found = try model.inference(options).sample(
        given: evidence, count: drawCount, using: &generator, observing: material.work.observer("completing"))
    else { throw .interrupted }
    let numbers = places.map { table.wholeRows[$0].number }
    let shown =
      material.imageShape.map { picture(found, evidence, whole, $0, numbers) }
      ?? self.table(found, evidence, rows, numbers, BitRows(material: material))
    return .paragraph("\(words(found))") + shown
  }

  /// How sure the draws are.
  private static func words(_ found: Completions) -> String {
    let start =
      "The first half of each row is given, and the rest drawn \(drawCount) times from p(rest | given)"
    guard !found.areExact else { return start + ", exactly." }
    let least = found.effectiveSampleSizes.compactMap(\.self).min() ?? 0
    return start
      + " by particles, which is approximate: those of the worst draw are worth \(fixed(least, 0)) independent ones."
  }

  private static func picture(
    _ found: Completions, _ evidence: PartialRows, _ whole: PartialRows, _ shape: ImageShape, _ numbers: [Int]
  ) -> HTML {
    var picture = CompletionPicture(imageShape: shape, columnCount: shape.pixelCount, hasOriginals: true)
    for row in numbers.indices {
      let completions = (0..<drawCount).map { draw in
        found.rows[row: row * drawCount + draw].map { Float($0 ? 1 : 0) }
      }
      picture.add(original: whole[row: row], seen: evidence[row: row], completions: completions)
    }
    let image = picture.image(across: numbers.count, magnification: shape.magnification(filling: 56))
    let rows = numbers.map(String.init).joined(separator: ", ")
    return .picture(
      image, "Rows \(rows), their given halves, and \(drawCount) completions of each",
      caption:
        "From above: the row, what is given of it, \(drawCount) completions. Rows \(rows) of the table.")
  }

  private static func table(
    _ found: Completions, _ evidence: PartialRows, _ rows: BinaryMatrix, _ numbers: [Int], _ bits: BitRows
  ) -> HTML {
    let (width, given) = (rows.columnCount, evidence.known.onBitCount(ofRow: 0))
    func columns(_ row: Int) -> BinaryMatrix {
      rows.selecting([row]) + found.rows.rows(row * drawCount..<(row + 1) * drawCount)
    }
    let pieces = numbers.indices.map { row -> HTML in
      let all = columns(row)
      let heading = HTML.element("h3", [:], "Row \(numbers[row])")
      guard bits.isTable else {
        let what = ["is"] + (1...drawCount).map { "draw \($0)" }
        let known = all.onBits(ofRow: 0).map { Int($0) }.filter { $0 < given }
        let items = what.indices.map { index in
          let rest = all.onBits(ofRow: index).map { Int($0) }.filter { $0 >= given }
          return HTML.element("li", [:], "\(what[index]): \(bits.names(rest))")
        }
        return heading + .paragraph("Given, \(given) columns: \(bits.names(known))")
          + .element("ol", ["class": "rows"], items.joined())
      }
      func group(_ name: String, _ range: Range<Int>) -> HTML {
        .element(
          "tbody", [:],
          .element(
            "tr", ["class": "group"],
            .element("th", ["scope": "rowgroup", "colspan": "\(drawCount + 2)"], "\(name)"))
            + bits.lines(range, of: all))
      }
      return heading
        + .table(
          caption: "What row \(numbers[row]) is, and \(drawCount) draws; 1 is on, 0 is off", style: "bits",
          head: ["column", "is"] + (1...drawCount).map { "draw \($0)" },
          group("given", 0..<given) + group("drawn", given..<width))
    }
    return bits.isTable ? .beside(pieces) : pieces.joined()
  }
}
