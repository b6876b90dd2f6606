import Autodiff
import Foundation
import Kernels

/// What a checkpoint keeps of a density: its family, a configuration as JSON, matrices, and the densities it is made of.
///
/// In the file, the matrices of component k of a density stand under that density's prefix and `k.`; the families and
/// configurations of components are the member `components` of the configuration.
public struct DensityArchive {
  let kind: ModelKind
  /// JSON.
  let configuration: String
  let components: [DensityArchive]
  private let store: Store

  private enum Store {
    case parameters(Parameters<Float>)
    case file(SafetensorsReader, prefix: String, extent: Extent)
  }

  /// How much of a file is read.
  enum Extent {
    case everything
    /// The header alone: parameters are zero, of the shapes that the file says.
    case header
  }

  /// A component as its owner's configuration tells of it.
  struct Component: Codable {
    let model: String
    /// JSON within JSON: text keeps every number as it was written.
    let configuration: String

    init(_ archive: DensityArchive) {
      model = archive.kind.rawValue
      configuration = archive.configuration
    }
  }

  private struct ComponentList: Decodable {
    let components: [Component]?
  }

  /// What the names of the arrays of a checkpoint's density begin with.
  static let modelPrefix = "model."

  /// Creates the archive of a density to be written.
  init(
    kind: ModelKind, configuration: String, parameters: Parameters<Float> = Parameters(),
    components: [DensityArchive] = []
  ) {
    self.kind = kind
    self.configuration = configuration
    self.components = components
    store = .parameters(parameters)
  }

  /// Stands for matrices under a prefix, of no configuration of their own, such as an optimizer's.
  init(_ file: SafetensorsReader, kind: ModelKind, prefix: String, extent: Extent) {
    self.kind = kind
    configuration = ""
    components = []
    store = .file(file, prefix: prefix, extent: extent)
  }

  /// Reads the archive of the density of a file.
  ///
  /// - Throws: `DensityError.malformed` if families or configurations cannot be made out.
  init(_ file: SafetensorsReader, extent: Extent) throws(DensityError) {
    try self.init(
      file, prefix: Self.modelPrefix, model: file.metadata["model"],
      configuration: file.metadata["configuration"] ?? "", extent: extent, depth: 0)
  }

  private init(
    _ file: SafetensorsReader, prefix: String, model: String?, configuration: String, extent: Extent,
    depth: Int
  ) throws(DensityError) {
    let path = file.path
    guard let model, let kind = ModelKind(rawValue: model) else {
      throw .malformed(
        path: path, at: .field("model"), expected: ModelKind.allCases.map(\.rawValue).joined(separator: ", "),
        found: model.map { "'\($0)'" } ?? "nothing")
    }
    self.kind = kind
    self.configuration = configuration
    store = .file(file, prefix: prefix, extent: extent)
    guard depth < 8 else {
      throw .malformed(
        path: path, at: .field("configuration"), expected: "at most 8 levels of components", found: "more")
    }
    var components: [DensityArchive] = []
    let list: ComponentList? = try? decodeJSON(configuration)
    for (index, part) in (list?.components ?? []).enumerated() {
      components.append(
        try DensityArchive(
          file, prefix: "\(prefix)\(index).", model: part.model, configuration: part.configuration,
          extent: extent, depth: depth + 1))
    }
    self.components = components
  }

  /// The matrices, components' included, under their names in a file.
  func tensors(prefix: String = modelPrefix) -> [SafetensorsFile.Tensor] {
    var tensors: [SafetensorsFile.Tensor] = []
    if case .parameters(let parameters) = store {
      tensors = zip(parameters.names, parameters.matrices).map { .init(name: prefix + $0, $1) }
    }
    for (index, component) in components.enumerated() {
      tensors += component.tensors(prefix: "\(prefix)\(index).")
    }
    return tensors
  }

  // MARK: Reading

  private var path: String { if case .file(let file, _, _) = store { file.path } else { "memory" } }

  /// The error that the configuration is not what it must be.
  func malformed(_ expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .field("configuration"), expected: expected, found: found)
  }

  /// Decodes the configuration.
  func configuration<Value: Decodable>(_ type: Value.Type) throws(DensityError) -> Value {
    guard let value: Value = try? decodeJSON(configuration) else {
      throw malformed("the JSON of a configuration", found: "'\(configuration)'")
    }
    return value
  }

  /// Returns a matrix of the density.
  func matrix(_ name: String, rowCount: Int, columnCount: Int) throws(DensityError) -> Matrix<Float> {
    switch store {
    case .parameters(let parameters): return parameters[name]
    case .file(let file, let prefix, .everything):
      return try file.matrix(named: prefix + name, rowCount: rowCount, columnCount: columnCount)
    case .file(let file, let prefix, .header):
      try file.checkMatrix(named: prefix + name, rowCount: rowCount, columnCount: columnCount)
      // Zeros that nobody touches take no memory.
      return Matrix(rowCount: rowCount, columnCount: columnCount)
    }
  }

  /// Returns a vector of whole numbers of the density; they are read whatever the extent.
  func integers(_ name: String, count: Int) throws(DensityError) -> [Int] {
    switch store {
    case .parameters(let parameters): return parameters[name].elements.map { Int($0) }
    case .file(let file, let prefix, _): return try file.integers(named: prefix + name, shape: [1, count])
    }
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
func decodeJSON<Value: Decodable>(_ text: String) throws -> Value {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(Value.self, from: Data(text.utf8))
}

extension DensityArchive {
  /// Creates the archive of any density.
  ///
  /// - Throws: `DensityError.unsupported` for one that is not of the package's families, or has such a part.
  package init(of density: any Density) throws(DensityError) {
    guard let density = density as? any ArchivableDensity else {
      throw .unsupported("a checkpoint cannot hold a density of type \(type(of: density))")
    }
    self = try density.archived()
  }

  /// Whether its matrices are numbers, and not zeros that stand for those of a file whose header alone was read.
  var hasNumbers: Bool {
    if case .file(_, _, extent: .header) = store { false } else { true }
  }

  /// The configuration as JSON.
  package var configurationText: String { configuration }
}
