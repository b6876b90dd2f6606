import Autodiff
import Essentials
import Kernels

/// What a checkpoint keeps of a density: its family, a configuration as JSON, arrays, and the densities it is made of.
///
/// In the file, the arrays of component k of a density stand under that density's prefix and `k.`; the families and
/// configurations of components are the member `components` of the configuration. FORMAT.md lists the arrays.
public struct DensityArchive {
  let kind: ModelKind
  /// JSON.
  let configuration: String
  let components: [DensityArchive]
  let contents: Contents

  enum Contents {
    case memory(integers: [Integers], Parameters<Float>)
    case file(StoredArrays)
  }

  /// An array of whole numbers that belongs to a density.
  struct Integers: Hashable {
    let name: String
    /// Rows of equal length.
    let rows: [[Int]]
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
    kind: ModelKind, configuration: String, integers: [Integers] = [],
    parameters: Parameters<Float> = Parameters(), components: [DensityArchive] = []
  ) {
    self.kind = kind
    self.configuration = configuration
    self.components = components
    contents = .memory(integers: integers, parameters)
  }

  /// Creates the archive of any density.
  ///
  /// - Throws: `DensityError.unsupported` for one that is not of the package's families, or has such a part.
  package init(of density: any Density) throws(DensityError) {
    guard let density = density as? any ArchivableDensity else {
      let hint = density is any TrainableDensity ? "; its parameters alone: Parameters.write(to:)" : ""
      throw .unsupported("a checkpoint cannot hold a density of type \(type(of: density))\(hint)")
    }
    self = try density.archived()
  }

  /// Reads the archive of the density of a file.
  ///
  /// - Throws: `DensityError.malformed` if families or configurations cannot be made out.
  init(_ file: SafetensorsReader, extent: StoredArrays.Extent) throws(DensityError) {
    try self.init(
      StoredArrays(file: file, prefix: Self.modelPrefix, extent: extent), model: file.metadata["model"],
      configuration: file.metadata["configuration"] ?? "", depth: 0)
  }

  private init(
    _ arrays: StoredArrays, model: String?, configuration: String, depth: Int
  ) throws(DensityError) {
    guard let model, let kind = ModelKind(rawValue: model) else {
      throw .malformed(
        path: arrays.file.path, at: .field("model"),
        expected: ModelKind.allCases.map(\.rawValue).joined(separator: ", "),
        found: model.map { "'\($0)'" } ?? "nothing")
    }
    self.kind = kind
    self.configuration = configuration
    contents = .file(arrays)
    guard depth < 8 else {
      throw .malformed(
        path: arrays.file.path, at: .field("configuration"), expected: "at most 8 levels of components",
        found: "more")
    }
    var components: [DensityArchive] = []
    let list: ComponentList? = try? decodeJSON(configuration)
    for (index, part) in (list?.components ?? []).enumerated() {
      components.append(
        try DensityArchive(
          arrays.under("\(index)."), model: part.model, configuration: part.configuration, depth: depth + 1))
    }
    self.components = components
  }

  /// The configuration as JSON.
  package var configurationText: String { configuration }

  /// Whether two densities, already in memory, differ in nothing but their parameters.
  package func hasTheForm(of other: DensityArchive) -> Bool {
    guard case .memory(let integers, _) = contents, case .memory(let others, _) = other.contents else {
      return false
    }
    return kind == other.kind && configuration == other.configuration && integers == others
      && components.count == other.components.count
      && zip(components, other.components).allSatisfy { $0.hasTheForm(of: $1) }
  }

  /// The arrays, components' included, under their names in a file.
  ///
  /// - Parameter asHalves: whether parameters are kept in half precision, of which they then are numbers.
  func tensors(prefix: String = modelPrefix, asHalves: Bool = false) -> [SafetensorsFile.Tensor] {
    var tensors: [SafetensorsFile.Tensor] = []
    if case .memory(let integers, let parameters) = contents {
      tensors = integers.map { array in
        .init(
          name: prefix + array.name, shape: [array.rows.count, array.rows.first?.count ?? 0],
          scalars: .int32(array.rows.flatMap { $0.map { Int32($0) } }))
      }
      tensors += zip(parameters.names, parameters.matrices).map {
        .init(name: prefix + $0, $1, isOfHalves: asHalves)
      }
    }
    for (index, component) in components.enumerated() {
      tensors += component.tensors(prefix: "\(prefix)\(index).", asHalves: asHalves)
    }
    return tensors
  }
}
