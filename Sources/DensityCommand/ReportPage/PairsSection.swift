import BinaryDensity
import Drawing

/// The pairs of columns that tell most of each other, in the table and under the model.
enum PairsSection: ReportChapter {
  /// How many pairs of each kind are shown.
  private static let pairCount = 10

  private struct Pair: Hashable {
    let first: Int
    let second: Int
  }

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let width = material.model.variableCount
    guard width > 1 else { return nil }
    let counted = material.table.map { CountedPairs($0.rows, pairCount: pairCount) }
    let known = counted?.strongest.map { Pair(first: $0.first, second: $0.second) } ?? []
    let found: (information: MutualInformation, columnCount: Int)
    do throws(DensityError) {
      found = try information(material, of: Array(Set(known.flatMap { [$0.first, $0.second] })).sorted())
    } catch .unsupported(let reason) {
      return ReportSection(
        name: "pairs", title: "What depends on what", content: .paragraph("This model cannot say: \(reason).")
      )
    }
    let own = found.information.strongestPairs(pairCount).map {
      Pair(first: min($0.first, $0.second), second: max($0.first, $0.second))
    }
    // Those of the table first, and after them what the model alone holds strong.
    let all = known + own.filter { !known.contains($0) }
    let lines = all.map { pair -> HTML in
      let name: HTML = "\(HTML.name(material.name(pair.first))) and \(HTML.name(material.name(pair.second)))"
      let ofModel = HTML("\(found.information[pair.first, pair.second])")
      guard let counted else { return .line(name, [ofModel]) }
      return .line(name, ["\(counted.information(pair.first, pair.second))", ofModel])
    }
    let heads: [HTML] =
      counted == nil ? ["pair", "under the model"] : ["pair", "in the table", "under the model"]
    return ReportSection(
      name: "pairs", title: "What depends on what",
      content: .paragraph("\(words(found.information, found.columnCount, width, counted))")
        + .table(
          caption: "Mutual information in nats: 0 of independent columns, at most 0.6931", head: heads,
          .element("tbody", [:], lines.joined())))
  }

  private static func words(
    _ information: MutualInformation, _ columnCount: Int, _ width: Int, _ counted: CountedPairs?
  ) -> String {
    var text =
      information.drawnRowCount.map { "The model's figures are estimates from \($0) rows drawn of it." }
      ?? "The model's figures are exact."
    if columnCount < width {
      text += " Of \(width) columns, the model is asked about pairs with one of \(columnCount)."
    }
    guard let counted else { return text }
    text += " The table's are estimates from \(counted.rowCount) rows, of what the rows are a sample of."
    if counted.columnCount < width {
      text += " There, \(counted.columnCount) columns were compared that vary."
    }
    return text + " What is below two or three of its errors may be 0."
  }

  /// Asks the model about all pairs, or where these are many about those of some columns.
  private static func information(
    _ material: ReportMaterial, of columns: [Int]
  ) throws(DensityError) -> (MutualInformation, Int) {
    let (model, width) = (material.model, material.model.variableCount)
    // So many numbers are kept, a row of them for each column.
    let most = max(1, (1 << 22) / width)
    let asked: [Int]? =
      width <= most ? nil : columns.isEmpty ? (0..<min(most, 64)).map { $0 * width / min(most, 64) } : columns
    let pace = model.multiplicationsPerRow
    let rowCount = max(
      256, min(material.work.affordable(1 << 16, multiplications: pace, cells: width), 1 << 16))
    var options = Inference.Options(seed: material.work.seed)
    if Double(1 << min(width, 40)) * pace > ReportWork.multiplicationLimit { options.tabulationLimit = 0 }
    let found = try model.inference(options).mutualInformation(
      of: asked, rowCount: rowCount, observing: material.work.observer("pairs of columns"))
    guard let found else { throw .interrupted }
    return (found, asked?.count ?? width)
  }
}

/// The pairs of columns of a table, counted in as many of its rows as are looked at cell by cell.
private struct CountedPairs {
  private let rows: PartialRows?
  private let values: BinaryMatrix
  let strongest: [TableDescription.Pair]
  let columnCount: Int
  let rowCount: Int

  init(_ table: ReportRows, pairCount: Int) {
    rowCount = min(table.rowCount, max(1, ReportWork.cellLimit / table.values.columnCount))
    values = table.values.rows(0..<rowCount)
    rows = table.partial?.selecting(0..<rowCount)
    let description =
      rows.map { TableDescription($0, pairCount: pairCount) }
      ?? TableDescription(values, pairCount: pairCount)
    (strongest, columnCount) = (description.pairs, description.pairedColumnCount)
  }

  /// Counts a pair in the rows in which both are there.
  func information(_ first: Int, _ second: Int) -> Measured {
    var (both, a, b, total) = (0, 0, 0, 0)
    for row in 0..<rowCount {
      if let rows, !rows.known[row, first] || !rows.known[row, second] { continue }
      let (x, y) = (values[row, first], values[row, second])
      both += x && y ? 1 : 0
      a += x ? 1 : 0
      b += y ? 1 : 0
      total += 1
    }
    guard total > 1 else { return Measured(0, standardError: .infinity) }
    return BitPairTable(both: Double(both), first: Double(a), second: Double(b), total: Double(total))
      .estimatedInformation
  }
}
