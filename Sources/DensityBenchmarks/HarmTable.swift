import BinaryDensity
import Foundation
import Kernels

/// A table drawn from a density that is known.
struct HarmTable: Sendable {
  /// What the rows are drawn from.
  enum Truth: String, CaseIterable, Sendable {
    /// Independent variables, p from 0.2 to 0.8.
    case dense
    /// Independent variables, p from 0.01 to 0.2.
    case sparse
    /// Independent variables of which none is on in more than 3 rows of a hundred, p from 0.002 on.
    case rare
    /// A tree of variables, each a copy of its parent that errs.
    case tree
    /// A mixture of three to five vectors of independent variables.
    case mixture
    /// Independent variables, and others that are functions of two of them.
    case rules
  }

  let truth: Truth
  let rowCount: Int
  let variableCount: Int
  let seed: UInt64

  var name: String { "\(truth.rawValue) \(rowCount) × \(variableCount)" }

  /// All tables of a seed: each truth with each number of rows, the numbers of columns in turn, and those that were reported.
  static func all(seed: UInt64) -> [HarmTable] {
    let (rowCounts, widths) = ([20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000], [5, 10, 20, 50, 100])
    var tables: [HarmTable] = []
    for (kind, truth) in Truth.allCases.enumerated() {
      for (place, rowCount) in rowCounts.enumerated() {
        let width = widths[(place + 2 * kind + Int(seed)) % widths.count]
        tables.append(
          HarmTable(
            truth: truth, rowCount: rowCount, variableCount: width,
            seed: seed &* 1000 &+ UInt64(tables.count)))
      }
    }
    return tables
  }

  /// Draws the table, fresh rows, and the latter's mean −log p under the truth.
  func draw(freshCount: Int) -> (rows: BinaryMatrix, fresh: BinaryMatrix, entropy: Double) {
    var generator = Philox(seed: seed)
    func uniform(_ low: Double, _ high: Double) -> Double {
      low + (high - low) * Double(generator.next() >> 11) * 0x1p-53
    }
    let source: Source
    switch truth {
    case .dense, .sparse, .rare:
      let (low, high) = truth == .dense ? (0.2, 0.8) : truth == .sparse ? (0.01, 0.2) : (0.002, 0.03)
      // Alike on a logarithmic scale, as rare things are.
      source = .vectors([
        (0..<variableCount).map { _ in
          truth == .dense ? uniform(low, high) : exp(uniform(log(low), log(high)))
        }
      ])
    case .mixture:
      source = .vectors(
        (0..<3 + Int(uniform(0, 3))).map { _ in (0..<variableCount).map { _ in uniform(0.05, 0.95) } })
    case .tree:
      source = .tree(
        (0..<variableCount).map { i in
          (i == 0 ? nil : Int(uniform(0, Double(i))), uniform(0.02, 0.3), uniform(0.1, 0.9))
        })
    case .rules:
      let free = max(2, variableCount / 2)
      source = .rules(
        free: (0..<free).map { _ in uniform(0.2, 0.8) },
        (free..<variableCount).map { _ in
          (Int(uniform(0, Double(free))), Int(uniform(0, Double(free))), Int(uniform(0, 3)))
        })
    }
    func table(_ count: Int) -> (BinaryMatrix, Double) {
      var logProbability = 0.0
      let rows = (0..<count).map { _ in
        let (row, p) = source.draw { uniform(0, 1) }
        logProbability += p
        return row
      }
      return (BinaryMatrix(rows), -logProbability / Double(max(1, count)))
    }
    let (rows, _) = table(rowCount)
    let (fresh, entropy) = table(freshCount)
    return (rows, fresh, entropy)
  }

  private enum Source {
    /// Equally probable vectors of independent variables.
    case vectors([[Double]])
    /// Each variable's parent, how often it is not as its parent is, and its share where it has none.
    case tree([(parent: Int?, error: Double, share: Double)])
    /// The shares of free variables, and which two of them each other is the and, or, or exclusive or of.
    case rules(free: [Double], [(Int, Int, Int)])

    /// Returns a row and its log p.
    func draw(_ uniform: () -> Double) -> ([Bool], Double) {
      func bit(_ p: Double, _ sum: inout Double) -> Bool {
        let isOn = uniform() < p
        sum += log(isOn ? p : 1 - p)
        return isOn
      }
      var sum = 0.0
      switch self {
      case .vectors(let vectors):
        let vector = vectors[min(vectors.count - 1, Int(uniform() * Double(vectors.count)))]
        let row = vector.map { uniform() < $0 }
        let terms = vectors.map { vector in
          zip(row, vector).reduce(1.0) { $0 * ($1.0 ? $1.1 : 1 - $1.1) } / Double(vectors.count)
        }
        return (row, log(terms.reduce(0, +)))
      case .tree(let variables):
        var row: [Bool] = []
        for variable in variables {
          let p = variable.parent.map { row[$0] ? 1 - variable.error : variable.error } ?? variable.share
          row.append(bit(p, &sum))
        }
        return (row, sum)
      case .rules(let free, let rules):
        let row = free.map { bit($0, &sum) }
        return (
          row
            + rules.map { a, b, rule in
              rule == 0 ? row[a] && row[b] : rule == 1 ? row[a] || row[b] : row[a] != row[b]
            }, sum
        )
      }
    }
  }
}
