import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing

/// The densities that the article on the chain rule computes by hand.
@Suite("The article on the chain rule")
struct ChainRuleTests {
  private static func matrix(_ rows: [[Float]]) -> Matrix<Float> {
    Matrix(rowCount: rows.count, columnCount: rows[0].count, elements: rows.flatMap(\.self))
  }

  private static func logit(_ p: Double) -> Float { Float(log(p / (1 - p))) }

  /// A tree, an FVSBN, a NADE and a MADE, in the order of the article's columns.
  private static func densities() -> [any Density] {
    let tree = ChowLiuTree(
      parents: [nil, 0, 1],
      logits: matrix([[0.6, 0.3, 0.1].map(logit), [0.6, 0.8, 0.5].map(logit)]))
    let fvsbn = FVSBN(
      FVSBN.Configuration(variableCount: 3, ordering: .natural),
      parameters: [
        "w": matrix([[0, 2, 1], [0, 0, -2], [0, 0, 0]]), "b": matrix([[1, -1, 0.5]]),
      ], ordering: nil)
    let nade = NADE(
      NADE.Configuration(variableCount: 3, hiddenCount: 2, activation: .sigmoid, ordering: .natural),
      parameters: [
        "w": matrix([[1, -1], [-1, 2], [0, 0]]), "v": matrix([[1, 1], [2, -1], [1, -3]]),
        "b": matrix([[0, -1, 1]]), "c": matrix([[0, 0]]),
      ], ordering: nil)
    let configuration = MADE.Configuration(variableCount: 3, hiddenCounts: [3], ordering: .natural)
    let masks = MADE.MaskSet(
      ordering: .natural(count: 3), hiddenDegrees: [[1, 1, 2]], in: configuration)
    // What the masks forbid is 9: it must not matter.
    let made = MADE(
      configuration,
      parameters: [
        "w0": matrix([[1, -2, 1], [9, 9, 2], [9, 9, 9]]), "c0": matrix([[0, 1, -1]]),
        "v": matrix([[9, 2, -1], [9, -1, 1], [9, 9, -1]]), "b": matrix([[0.5, 0, 1]]),
      ], maskSets: [masks])
    return [tree, fvsbn, nade, made]
  }

  /// The lines of the table of all rows: the row's bits, or `sum`, and the figures as they are printed.
  private static func table() throws -> [(name: String, figures: [String])] {
    let path = packageRoot + "/Sources/BinaryDensity/BinaryDensity.docc/Articles/TheChainRule.md"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    return lines.drop { !$0.hasPrefix("| row x₁x₂x₃ |") }.dropFirst(2).prefix { $0.hasPrefix("|") }.map {
      line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      return (cells[0], Array(cells.dropFirst()))
    }
  }

  @Test("each probability of the table is what the densities give, and they sum to 1")
  func probabilities() throws {
    let table = try Self.table()
    try #require(table.count == 9)
    let rows = BinaryMatrix(table.prefix(8).map { $0.name.compactMap { $0.wholeNumberValue } })
    #expect(rows.rowCount == 8 && rows.columnCount == 3)
    for (column, density) in Self.densities().enumerated() {
      let probabilities = density.logProbabilities(of: rows).map { exp($0) }
      for (row, p) in probabilities.enumerated() {
        #expect(
          table[row].figures[column] == String(format: "%.4f", p), "\(table[row].name), column \(column)")
      }
      #expect(abs(probabilities.reduce(0, +) - 1) < 1e-6)
      // What is printed adds up too.
      let printed = table.prefix(8).compactMap { Double($0.figures[column]) }.reduce(0, +)
      #expect(String(format: "%.4f", printed) == "1.0000" && table[8].figures[column] == "1.0000")
    }
  }

  @Test("the conditionals that the article multiplies for the row 101")
  func conditionals() throws {
    let row = BinaryMatrix([[1, 0, 1]])
    let expected = [
      [0.6, 0.8, 0.1], [0.7311, 0.7311, 0.8176], [0.7311, 0.5481, 0.7159], [0.6225, 0.8808, 0.5],
    ]
    for (density, figures) in zip(Self.densities(), expected) {
      let chain = try #require(density.autoregressive())
      for (p, figure) in zip(chain.conditionals(of: row)[row: 0], figures) {
        #expect(abs(Double(p) - figure) < 5.1e-5)
      }
    }
  }

  @Test("the masks that the article draws")
  func masks() throws {
    let below = Staircase(inputDegrees: [1, 2, 3], outputDegrees: [1, 1, 2])
    let above = Staircase(inputDegrees: [1, 1, 2], outputDegrees: [0, 1, 2])
    func ones(_ mask: Staircase) -> [[Int]] {
      (0..<3).map { k in (0..<3).map { mask.permits(k, $0) ? 1 : 0 } }
    }
    #expect(ones(below) == [[1, 1, 1], [0, 0, 1], [0, 0, 0]])
    #expect(ones(above) == [[0, 1, 1], [0, 1, 1], [0, 0, 1]])
  }
}
