import Autodiff
import Essentials
import Kernels

/// A network of which exactly one column of each group is on in every row that has a probability: one-hot groups, closed
/// exactly.
///
///     z_o(i) = −F   if an earlier column of its group is on
///     z_o(i) =  F   if it is the last of its group, and none of the others is on
///     z_o(i) = the network's, otherwise;   F = KernelScalar.forcedLogit
///
/// Along the ordering the columns of a group are asked one after the other whether they are the one. So a group costs what
/// the choice among its values costs, and what is certain costs nothing: neither a nat, nor a gradient. Rows that break a
/// group have a log p of −∞, and are never drawn.
///
///     let network = try GroupedNetwork(nade, groups: ColumnGroups([[0, 1, 2]], columnCount: 9))
///
/// - Source: a categorical variable as a sequence of choices, the stick-breaking view of the multinomial: Linderman, Johnson,
///   Adams, NIPS 2015, section 2.
public struct GroupedNetwork: NetworkDensity, AutoregressiveDensity, PreparableConditionals {
  package static let kind = ModelKind.grouped
  /// The network whose logits are taken where nothing is certain.
  package private(set) var network: any NetworkFamily & NetworkDensity
  /// The groups.
  public let groups: ColumnGroups
  /// The columns of each group along the ordering.
  private let groupsInOrder: [[Int]]

  /// Creates a network that keeps groups of columns.
  ///
  /// - Parameters:
  ///   - network: an FVSBN, a NADE, or a MADE of one mask set, trained or not.
  ///   - groups: groups of its columns.
  /// - Throws: `DensityError.invalidConfiguration` for a network of another kind, or of another number of columns.
  public init(_ network: any TrainableDensity, groups: ColumnGroups) throws(DensityError) {
    guard let family = network as? any NetworkFamily & NetworkDensity, family.componentCount == 1,
      family.trainsOnOneMaskSet
    else {
      let kind = network.kind?.rawValue ?? "\(type(of: network))"
      throw .invalidConfiguration(
        "column groups are kept by networks of one order: an fvsbn, a nade, a made of one mask; not by "
          + (network is any NetworkDensity ? "a \(kind) of several masks" : "a \(kind)"))
    }
    guard groups.columnCount == family.variableCount else {
      throw .invalidConfiguration(
        "groups of \(groups.columnCount) columns do not fit a network of \(family.variableCount)")
    }
    self.init(family, groups)
  }

  private init(_ network: any NetworkFamily & NetworkDensity, _ groups: ColumnGroups) {
    self.network = network
    self.groups = groups
    groupsInOrder = groups.columns(along: network.ordering(ofComponent: 0))
  }

  /// The number of variables.
  public var variableCount: Int { network.variableCount }
  /// Those of the network.
  public var parameters: Parameters<Float> {
    get { network.parameters }
    set { network.parameters = newValue }
  }
  /// The shapes of its parameters.
  public var parameterShapes: [ParameterShape] { network.parameterShapes }
  /// The network's ordering.
  public var ordering: Ordering { network.ordering(ofComponent: 0) }
  /// The network's masks.
  public func masks(ofComponent component: Int) -> [Staircase] { network.masks(ofComponent: component) }
  /// Whether the network has hidden units that dropout reaches.
  public var allowsHiddenDropout: Bool { network.allowsHiddenDropout }

  /// Adds the network's logits, but for what is certain.
  public func logits(_ inputs: NetworkInputs, in graph: inout Graph) -> Graph.Value {
    let logits = network.logits(inputs, in: &graph)
    return graph.oneHot(logits, rows: inputs.rows, groups: groupsInOrder)
  }

  /// The network's, told what is certain.
  public func cursorSource(ofComponent component: Int) -> any CursorSource {
    GroupedCursorSource(network.cursorSource(ofComponent: component), groups: groupsInOrder)
  }

  /// The network in natural order, and the groups with it.
  public func inNaturalOrder() -> (model: GroupedNetwork, ordering: Ordering)? {
    func renumbered<Network: NetworkFamily & NetworkDensity>(
      _ network: Network
    ) -> (any NetworkFamily & NetworkDensity, Ordering)? {
      network.inNaturalOrder().map { ($0.model, $0.ordering) }
    }
    return renumbered(network).map { (GroupedNetwork($0, groups.renumbered(by: $1)), $1) }
  }

  // MARK: Marginals

  /// Returns biases under which the network, if its weights are zero, has given marginals in its groups.
  ///
  ///     z_i = log (p_i / Σ_j p_j),   j the columns of the group after i along the ordering
  ///
  /// - Parameter marginals: log (p / (1 − p)) of each column, 1 × D; kept where a column is in no group, or is its last.
  func biases(atMarginals marginals: Matrix<Float>) -> Matrix<Float> {
    var biases = marginals
    for group in groupsInOrder {
      var rest = 0.0
      for (place, column) in group.enumerated().reversed() {
        let p = exp(logSigmoid(Double(marginals[0, column])))
        if place < group.count - 1 { biases[0, column] = Float(log(p / rest)) }
        rest += p
      }
    }
    return biases
  }

  /// Returns the density of independent groups, and of independent columns besides, with the marginals of a table.
  ///
  /// It is a NADE of one hidden unit that tells nothing of anything: 3 D + 1 numbers.
  /// - Parameters:
  ///   - groups: the groups.
  ///   - rows: the table, each of whose rows has one column of each group on.
  ///   - ordering: the order of the variables; nil for that of the columns.
  package static func independent(
    _ groups: ColumnGroups, fittedTo rows: BinaryMatrix, along ordering: Ordering? = nil
  ) -> GroupedNetwork {
    let count = groups.columnCount
    let configuration = NADE.Configuration(
      variableCount: count, hiddenCount: 1, ordering: .natural, seed: nil)
    var parameters = Parameters<Float>()
    for shape in NADE.parameterShapes(configuration) {
      parameters.append(shape.name, Matrix(rowCount: shape.rows, columnCount: shape.columns))
    }
    var result = GroupedNetwork(
      NADE(configuration, parameters: parameters, ordering: ordering ?? .natural(count: count)), groups)
    result.parameters["b"] = result.biases(atMarginals: IndependentBernoulli(marginalsOf: rows).logits)
    return result
  }
}

extension TrainableDensity {
  /// The family of the network, of one that keeps groups that of the network within.
  package var kindOfNetwork: ModelKind? { (self as? GroupedNetwork)?.network.kind ?? kind }

  /// Returns the network as one that keeps groups of columns; itself, if there are none to keep.
  ///
  /// - Throws: what `GroupedNetwork.init(_:groups:)` throws.
  package func keeping(_ groups: ColumnGroups?) throws(DensityError) -> any TrainableDensity {
    guard let groups else { return self }
    return try GroupedNetwork(self, groups: groups)
  }
}

// MARK: - Checkpoints

extension GroupedNetwork: ArchivableDensity {
  private struct Configuration: Codable {
    let components: [DensityArchive.Component]
  }

  /// The array of which group each column is in.
  private static let groupsName = "groups"

  /// The number of each column's group, from 1, or 0 of a column in none; and the network.
  package func archived() throws(DensityError) -> DensityArchive {
    let archive = try DensityArchive(of: network)
    var numbers = Array(repeating: 0, count: variableCount)
    for (index, group) in groups.groups.enumerated() {
      for column in group { numbers[column] = index + 1 }
    }
    return DensityArchive(
      kind: Self.kind,
      configuration: Checkpoint.encode(Configuration(components: [DensityArchive.Component(archive)])),
      integers: [.init(name: Self.groupsName, rows: [numbers])], components: [archive])
  }

  /// Restores a network.
  package init(_ archive: DensityArchive) throws(DensityError) {
    _ = try archive.configuration(Configuration.self)
    let densities = try archive.componentDensities()
    guard densities.count == 1, let network = densities[0] as? any TrainableDensity else {
      throw archive.malformed(
        "one network as a component", found: densities.map { $0.kind?.rawValue ?? "" }.joined(separator: ", ")
      )
    }
    let count = network.variableCount
    let numbers = try archive.integers(Self.groupsName, rowCount: 1, columnCount: count)[0]
    if let wrong = numbers.first(where: { !(0...count).contains($0) }) {
      throw archive.malformed(Self.groupsName, "numbers from 0 to \(count)", found: "\(wrong)")
    }
    let members = Dictionary(grouping: (0..<count).filter { numbers[$0] > 0 }) { numbers[$0] }
    let groups: ColumnGroups
    do throws(DensityError) {
      groups = try ColumnGroups(Array(members.values), columnCount: count)
    } catch {
      throw archive.malformed(Self.groupsName, "groups of at least two columns", found: "\(error)")
    }
    do throws(DensityError) {
      try self.init(network, groups: groups)
    } catch {
      throw archive.malformed("a network that keeps groups", found: "\(error)")
    }
  }
}
