import Essentials
import Kernels

extension DensityArchive {
  /// The arrays of the file that the density is restored from; nil for one in memory.
  private var file: StoredArrays? { if case .file(let arrays) = contents { arrays } else { nil } }

  /// What errors name.
  private var path: String { file?.file.path ?? "a density in memory" }

  /// Whether there are orderings and degrees, which of a file of format 1 are drawn anew from the configuration's seed.
  var hasStoredMasks: Bool { file?.file.metadata["format"] != Checkpoint.firstFormat }

  /// Whether parameters are read, and are not zeros in their place.
  var readsParameters: Bool { file?.extent != .allButParameters }

  /// The error that the configuration is not what it must be.
  func malformed(_ expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .field("configuration"), expected: expected, found: found)
  }

  /// The error that an array is not what it must be.
  func malformed(_ name: String, _ expected: String, found: String) -> DensityError {
    file?.malformed(name, expected, found: found)
      ?? .malformed(path: path, at: .field("array '\(name)'"), expected: expected, found: found)
  }

  /// Decodes the configuration.
  ///
  /// - Parameter defaults: the values of members that may be absent.
  /// - Throws: `DensityError.malformed` if a member is missing or of another type, and for one that is unknown.
  func configuration<Value: Codable>(
    _ type: Value.Type, defaults: [String: JSONValue] = [:]
  ) throws(DensityError) -> Value {
    let members = (try? JSONValue(parsing: Array(configuration.utf8)[...], path: path))?.members
    let given = Set((members ?? []).map(\.key))
    let absent = defaults.filter { !given.contains($0.key) }.map { JSONValue.Member(key: $0, value: $1) }
    // Added to the text as it is, for a seed may be larger than the numbers of `JSONValue`.
    var text = configuration
    if !absent.isEmpty, let end = text.lastIndex(of: "}") {
      text = text[..<end] + (given.isEmpty ? "" : ",") + JSONValue.object(absent).description.dropFirst()
    }
    guard let members, let value: Value = try? decodeJSON(text) else {
      throw malformed("the JSON of a configuration", found: "'\(configuration)'")
    }
    let encoded = try? JSONValue(parsing: Array(Checkpoint.encode(value).utf8)[...], path: "")
    let known = Set((encoded?.members ?? []).map(\.key))
    if let unknown = members.first(where: { !known.contains($0.key) && $0.value != .null }) {
      throw malformed("members that a \(kind.rawValue) knows", found: "'\(unknown.key)'")
    }
    return value
  }

  /// Returns a matrix of the density.
  func matrix(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> Matrix<Float> {
    switch contents {
    case .file(let arrays): try arrays.matrix(name, rowCount: rowCount, columnCount: columnCount)
    case .memory(_, let parameters): parameters[name]
    }
  }

  /// Returns an array of whole numbers of the density, row by row.
  func integers(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> [[Int]] {
    switch contents {
    case .file(let arrays): try arrays.integers(name, rowCount: rowCount, columnCount: columnCount)
    case .memory(let integers, _): integers.first { $0.name == name }?.rows ?? []
    }
  }

  /// Returns the array `ordering`.
  ///
  /// - Throws: `DensityError.malformed` for a row that is no permutation.
  func orderings(count: Int, variableCount: Int) throws(DensityError) -> [Ordering] {
    var orderings: [Ordering] = []
    let rows = try integers("ordering", rowCount: count, columnCount: variableCount)
    for (row, variables) in rows.enumerated() {
      guard let ordering = Ordering(checking: variables) else {
        let seen = Dictionary(grouping: variables) { $0 }
        let wrong = variables.first { !(0..<variableCount).contains($0) || (seen[$0]?.count ?? 0) > 1 } ?? 0
        let isThere = (0..<variableCount).contains(wrong)
        throw malformed(
          "ordering", "a permutation of 0 … \(variableCount - 1) in row \(row)",
          found: isThere ? "\(wrong) more than once" : "\(wrong)")
      }
      orderings.append(ordering)
    }
    return orderings
  }

  /// Restores the density.
  func density() throws(DensityError) -> any ArchivableDensity { try kind.type.init(self) }

  /// Restores the components, which must be of one number of variables.
  func componentDensities() throws(DensityError) -> [any Density] {
    var densities: [any Density] = []
    for component in components { densities.append(try component.density()) }
    guard let first = densities.first else { throw malformed("at least one component", found: "none") }
    guard densities.allSatisfy({ $0.variableCount == first.variableCount }) else {
      throw malformed(
        "components of equally many variables", found: "\(densities.map(\.variableCount))")
    }
    return densities
  }
}

/// Decodes JSON that `Checkpoint.encode` has written.
package func decodeJSON<Value: Decodable>(_ text: String) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(Value.self, from: Data(text.utf8))
}
