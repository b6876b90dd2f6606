import Arguments
import BinaryDensity

/// How far the making of a page has come, and how much work it may be.
///
/// All bounds are of rows, cells and multiplications, not of time, so that a page is the same on any machine.
struct ReportWork {
  /// The seed of all that is drawn.
  let seed: UInt64
  let progress = ProgressLine()

  /// About how many multiplications a section may take: some seconds' work.
  static let multiplicationLimit = 4e10
  /// How many cells a section may look at one by one.
  static let cellLimit = 1 << 26

  /// Returns an observer of a part of the work that ends it when Ctrl-C has come.
  func observer(_ label: String) -> (Double) throws(DensityError) -> Bool {
    { (fraction) throws(DensityError) in
      progress.update(label, fraction: fraction)
      guard !Interrupt.isRequested else { throw .interrupted }
      return true
    }
  }

  /// Returns how many of so many things are within the bounds, if each takes so many multiplications and cells.
  func affordable(_ count: Int, multiplications: Double, cells: Int = 0) -> Int {
    let most = min(
      Self.multiplicationLimit / max(1, multiplications), Double(Self.cellLimit) / Double(max(1, cells)))
    return most >= Double(count) ? count : Int(most)
  }
}

extension Density {
  /// About how many multiplications log p of a row takes: a parameter each, of each component.
  var multiplicationsPerRow: Double {
    guard let components, components.count > 1 else { return Double(max(parameterCount, variableCount)) }
    return components.reduce(0) { $0 + $1.density.multiplicationsPerRow }
  }

  /// About how many the conditionals of all cells of a row take, each given those before it.
  var multiplicationsPerRowOfCells: Double {
    guard autoregressive() == nil, let components, components.count > 1 else {
      // Trees and mixtures compute with numbers of a wider range, which take longer: ten times, to be safe.
      return (tractable == nil ? 2 : 10) * multiplicationsPerRow
    }
    return components.reduce(0) { $0 + $1.density.multiplicationsPerRowOfCells }
  }

  /// About how many log p of a row and of all rows takes that differ from it in a cell.
  var multiplicationsPerRowOfFlips: Double {
    if tractable != nil { return 10 * multiplicationsPerRow }
    guard let components, components.count > 1 else { return multiplicationsPerRow * Double(variableCount) }
    return components.reduce(0) { $0 + $1.density.multiplicationsPerRowOfFlips }
  }
}
