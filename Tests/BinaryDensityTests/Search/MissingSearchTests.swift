import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Searches by rows with missing cells")
struct MissingSearchTests {
  /// A search of counted steps by validation rows of which a third of the cells is missing.
  private static func search(
    columns: Int, rows: Int, steps: Int = 2000
  ) throws -> (data: DataSplits, DensitySearch) {
    func table(_ count: Int, seed: UInt64) -> BinaryMatrix {
      TrainingCase.chain(rowCount: count, variableCount: columns, seed: seed)
    }
    let data = DataSplits(
      name: "gaps", train: PartialRows(table(600, seed: 1), hiding: 0, seed: 1),
      validation: PartialRows(table(rows, seed: 2), hiding: 0.35, seed: 3))
    return (data, try DensitySearch(data, steps: steps, seed: 1))
  }

  /// The mean of −log p of the known cells, by the sum over all rows that agree with them.
  private static func exact(_ density: any Density, _ data: DataSplits) throws -> Double {
    let rows = try #require(data.partialRows(.validation))
    let all = BinaryMatrix.allRows(ofWidth: data.variableCount)
    let terms = density.logProbabilities(of: all)
    let marginals = (0..<rows.rowCount).compactMap { row -> Double? in
      guard rows.known.onBitCount(ofRow: row) > 0 else { return nil }
      let agreeing = (0..<all.rowCount).filter { index in
        (0..<rows.columnCount).allSatisfy { column in
          rows[row, column].map { all[index, column] == $0 } ?? true
        }
      }
      return log(agreeing.reduce(0) { $0 + exp(terms[$1]) })
    }
    return -marginals.reduce(0, +) / Double(marginals.count)
  }

  @Test("of few columns all figures are exact")
  func fewColumns() throws {
    let (data, search) = try Self.search(columns: 8, rows: 60)
    #expect(!search.estimatesFigures)
    let result = search.run()
    #expect(!result.validationIsEstimated && result.choices.count > 1)
    #expect(result.leaderboard.contains { $0.kind == .recipe })
    #expect(try abs(result.validationNLL - Self.exact(result.density, data)) < 1e-5)
    for choice in result.choices {
      #expect(try !choice.isEstimated && abs(choice.validationNLL - Self.exact(choice.density, data)) < 1e-5)
    }
    #expect(result.choices.filter(\.isChosen).map(\.validationNLL) == [result.validationNLL])
  }

  @Test("of up to twenty columns the figure of what is found is exact, and estimates say what they are")
  func someColumns() throws {
    let (data, search) = try Self.search(columns: 14, rows: 3)
    #expect(search.estimatesFigures)
    try withTemporaryDirectory { folder in
      let result = try search.run(savingTo: folder + "/m")
      #expect(!result.validationIsEstimated)
      #expect(try abs(result.validationNLL - Self.exact(result.density, data)) < 1e-5)
      for choice in result.choices where !choice.isEstimated {
        #expect(try abs(choice.validationNLL - Self.exact(choice.density, data)) < 1e-5)
      }
      #expect(result.choices.contains { $0.isEstimated && !$0.isChosen })
      #expect(try Checkpoint(contentsOf: folder + "/m").provenance?.validationIsEstimated == nil)
    }
  }

  @Test("of more columns it is an estimate, unless it is of what knows its marginals")
  func manyColumns() throws {
    let (data, search) = try Self.search(columns: 24, rows: 5)
    try withTemporaryDirectory { folder in
      let result = try search.run(savingTo: folder + "/m")
      let parts = result.density.components?.map(\.density) ?? [result.density]
      let isEstimated = !parts.allSatisfy {
        $0 is IndependentBernoulli || $0 is ChowLiuTree || $0 is BernoulliMixture
      }
      #expect(search.estimatesFigures && result.validationIsEstimated == isEstimated)
      let provenance = try #require(Checkpoint(contentsOf: folder + "/m").provenance)
      #expect((provenance.validationIsEstimated == true) == isEstimated)
      #expect("\(provenance)".contains("validation NLL ≈ ") == isEstimated)
    }
    // A network that is trained says so, too.
    let network = try NADE(NADE.Configuration(variableCount: 24, hiddenCount: 4), seed: 1)
    let checkpoint = Checkpoint(model: network, data, validationNLL: 9)
    #expect(checkpoint.provenance?.validationIsEstimated == true)
    let tree = try ChowLiuTree.fit(to: data.train)
    #expect(Checkpoint(model: tree, data, validationNLL: 9).provenance?.validationIsEstimated == nil)
  }

  @Test("rows of which all is missing are left out, and the others' figures are exact")
  func silentRows() throws {
    let rows = TrainingCase.chain(rowCount: 40, variableCount: 24, seed: 2)
    let known = BinaryMatrix(rowCount: 40, columnCount: 24) { row, _ in row > 0 }
    let data = DataSplits(
      name: "gaps", train: PartialRows(values: rows, known: .ones(like: rows)),
      validation: PartialRows(values: rows, known: known))
    #expect(try !DensitySearch(data, steps: 300).estimatesFigures && !data.estimatesValidation)
  }
}
