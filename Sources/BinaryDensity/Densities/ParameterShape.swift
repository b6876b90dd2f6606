/// The name and shape of a parameter, and the spread of its initial values.
public struct ParameterShape: Sendable {
  /// The name.
  public let name: String
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// Initial values are uniform in ±bound.
  public let bound: Double
  /// Whether a row belongs to a variable.
  public let hasVariableRows: Bool
  /// Whether a column belongs to a variable.
  public let hasVariableColumns: Bool

  /// What one side of a parameter belongs to.
  public enum Extent: Hashable, Sendable {
    /// The variables, so many.
    case variables(Int)
    /// So many hidden units, or anything else.
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
  public static func bias(_ name: String, _ extent: Extent) -> ParameterShape {
    ParameterShape(name, .units(1), extent, bound: 0)
  }

  /// Weights K × N that all are zero at first.
  public static func zeros(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(name, rows, columns, bound: 0)
  }

  /// Weights K × N, uniform in ±√(6 / (K + N)) at first.
  ///
  /// - Source: Glorot & Bengio, AISTATS 2010, equation 16.
  public static func weights(_ name: String, _ rows: Extent, _ columns: Extent) -> ParameterShape {
    ParameterShape(
      name, rows, columns, bound: (6 / (Double(rows.count) + Double(columns.count))).squareRoot())
  }
}
