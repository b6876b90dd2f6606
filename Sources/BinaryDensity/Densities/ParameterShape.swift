/// The name and shape of a parameter, and the spread of its initial values.
public struct ParameterShape: Sendable {
  let name: String
  let rows: Int
  let columns: Int
  /// Initial values are uniform in ±bound.
  let bound: Double
  /// Whether a row belongs to a variable.
  let hasVariableRows: Bool
  /// Whether a column belongs to a variable.
  let hasVariableColumns: Bool

  /// What one side of a parameter belongs to.
  enum Extent {
    case variables(Int)
    case units(Int)

    var count: Int {
      switch self {
      case .variables(let count), .units(let count): count
      }
    }
    var isOfVariables: Bool { if case .variables = self { true } else { false } }
  }

  private init(_ name: String, _ rows: Extent, _ columns: Extent, bound: Double) {
    self.name = name
    self.rows = rows.count
    self.columns = columns.count
    self.bound = bound
    hasVariableRows = rows.isOfVariables
    hasVariableColumns = columns.isOfVariables
  }

  /// A bias: 1 × N, zero at first.
  static func bias(_ name: String, _ extent: Extent) -> ParameterShape {
    ParameterShape(name, .units(1), extent, bound: 0)
  }

  /// Weights K × N that all are zero at first.
  static func zeros(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(name, rows, columns, bound: 0)
  }

  /// Weights K × N, uniform in ±√(6 / (K + N)) at first.
  ///
  /// - Source: Glorot & Bengio, AISTATS 2010, equation 16.
  static func weights(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(
      name, rows, columns, bound: (6 / (Double(rows.count) + Double(columns.count))).squareRoot())
  }
}
