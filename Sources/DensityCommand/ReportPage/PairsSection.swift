import BinaryDensity
import Drawing
import Essentials

/// The pairs of columns that tell most of each other, in the table and under the model.
enum PairsSection: ReportChapter {
  /// How many pairs of each kind are shown.
  private static let pairCount = 10

  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    guard material.model.variableCount > 1 else { return nil }
    let title = "What depends on what"
    // One row varies in no column.
    let counted = material.table.flatMap { $0.rows.rowCount > 1 ? $0 : nil }.map {
      CountedPairs($0.rows, pairCount: pairCount)
    }
    let known = counted?.strongest.map { ColumnPair($0.first, $0.second) } ?? []
    let model: ModelPairs
    do throws(DensityError) {
      model = try ModelPairs(material, beside: known, pairCount: pairCount)
    } catch .unsupported(let reason) {
      return ReportSection(
        name: "pairs", title: title, content: .paragraph("This model cannot say: \(reason)."))
    }
    // Those of the table first, and after them what the model alone holds strong.
    let all = known + model.strongest.filter { !known.contains($0) }
    let lines = all.map { pair -> HTML in
      let name: HTML = "\(HTML.name(material.name(pair.first))) and \(HTML.name(material.name(pair.second)))"
      let figures = [counted?.information(pair), model.information(pair)].compactMap(\.self)
      return .line(name, figures.map { "\($0)" })
    }
    let heads: [HTML] =
      counted == nil ? ["pair", "under the model"] : ["pair", "in the table", "under the model"]
    let table =
      lines.isEmpty
      ? HTML.nothing
      : .table(
        caption: "Mutual information in nats: 0 of independent columns, at most 0.6931", head: heads,
        .element("tbody", [:], lines.joined()))
    let words = model.words + (counted.map { " " + $0.words } ?? "")
    return ReportSection(name: "pairs", title: title, content: .paragraph("\(words)") + table)
  }
}

/// Two columns, the first before the second.
private struct ColumnPair: Hashable {
  let first: Int
  let second: Int

  init(_ a: Int, _ b: Int) { (first, second) = (min(a, b), max(a, b)) }
}

/// What a model says of pairs of columns.
private struct ModelPairs {
  let strongest: [ColumnPair]
  let information: (ColumnPair) -> Measured
  /// How it was asked.
  let words: String

  /// Asks a model about all pairs, or where these are many about those of some columns, or some alone.
  ///
  /// - Parameter known: pairs that are wanted in any case.
  init(_ material: ReportMaterial, beside known: [ColumnPair], pairCount: Int) throws(DensityError) {
    let (model, width, work) = (material.model, material.model.variableCount, material.work)
    let own = Set(known.flatMap { [$0.first, $0.second] }).sorted()
    // So many numbers are kept, a row of them for each column.
    let most = max(1, (1 << 22) / width)
    let some = own.isEmpty ? evenlySpread(min(most, 64), of: width) : own
    let asked = width <= most ? nil : some
    let count = asked?.count ?? width
    // To ask about all pairs of a column costs about as much as log p of a row.
    if let tractable = model.tractable,
      work.affordable(count, multiplications: model.multiplicationsPerRow) < count
    {
      let found = tractable.information(of: known)
      (strongest, information) = ([], { found[$0] ?? Measured(.nan) })
      words =
        known.isEmpty
        ? "To compare so many columns would take long: see 'density dependence --of'."
        : "The model's figures are exact; of so many columns it is asked about the table's pairs alone."
      return
    }
    let pace = model.multiplicationsPerRow
    let rowCount = max(256, work.affordable(1 << 16, multiplications: pace, cells: width))
    var options = Inference.Options(seed: work.seed)
    if Double(1 << min(width, 40)) * pace > ReportWork.multiplicationLimit { options.tabulationLimit = 0 }
    let found = try model.inference(options).mutualInformation(
      of: asked, rowCount: rowCount, observing: work.observer("pairs of columns"))
    guard let found else { throw .interrupted }
    strongest = found.strongestPairs(pairCount).map { ColumnPair($0.first, $0.second) }
    information = { found[$0.first, $0.second] }
    let kind =
      found.drawnRowCount.map { "The model's figures are estimates from \($0) rows drawn of it." }
      ?? "The model's figures are exact."
    words =
      kind
      + (asked == nil ? "" : " Of \(width) columns, it is asked about pairs with one of \(count).")
  }
}

extension TractableDensity {
  /// Returns what columns tell of each other, two by two, from three marginals a pair.
  fileprivate func information(of pairs: [ColumnPair]) -> [ColumnPair: Measured] {
    func probabilities(_ columns: (ColumnPair) -> [Int]) -> [Double] {
      var evidence = PartialRows(rowCount: pairs.count, columnCount: variableCount)
      for (row, pair) in pairs.enumerated() {
        for column in columns(pair) { evidence[row, column] = true }
      }
      return logMarginals(of: evidence).map { exp($0) }
    }
    let (first, second) = (probabilities { [$0.first] }, probabilities { [$0.second] })
    let both = probabilities { [$0.first, $0.second] }
    return Dictionary(
      uniqueKeysWithValues: pairs.enumerated().map { index, pair in
        let table = BitPairTable(both: both[index], first: first[index], second: second[index], total: 1)
        return (pair, Measured(table.mutualInformation))
      })
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
    let places = evenlySpread(rowCount, of: table.rowCount)
    values = table.values.selecting(places)
    rows = table.partial?.selecting(places)
    let description =
      rows.map { TableDescription($0, pairCount: pairCount) }
      ?? TableDescription(values, pairCount: pairCount)
    (strongest, columnCount) = (description.pairs, description.pairedColumnCount)
  }

  /// How they were counted.
  var words: String {
    "The table's figures are estimates: its \(rowCount) rows are a sample of all that there could be."
      + (columnCount < values.columnCount ? " There, \(columnCount) columns were compared that vary." : "")
      + " What is below two or three of its errors may be 0."
  }

  /// Counts a pair in the rows in which both are there.
  func information(_ pair: ColumnPair) -> Measured {
    let (first, second) = (pair.first, pair.second)
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
