import BinaryDensity
import Kernels

/// What an operation on a batch of rows cannot do without: the floor that its time is measured against.
///
/// **Operations.** A multiply-add counts two. Counted are the products of permitted weights with what they are
/// weights of: a row's bits only where they are on, hidden units always. With s permitted weights of on-bits and
/// d of hidden units in a row,
///
///     log p, sample   2 · (s + d)
///     train           2 · (2s + 3d)     forward; weight gradients; gradients of hidden units
///
/// and Adam's arithmetic once a step and parameter. Activations, sigmoids, logarithms and the drawing of random
/// numbers are left out, so that the floor is never too high.
///
/// **Bytes.** Parameters are read once a call; in training they are read once for the forward pass and once, with
/// both of Adam's averages, for the update, which writes all three. Rows count as packed bits. What passes from one
/// layer to the next, and gradients, could stay in registers and caches, and do not count.
package struct Work: Equatable {
  /// Floating-point operations.
  package var flops: Double
  /// Bytes read and written.
  package var bytes: Double
  /// The bytes of memory that are gone through again in each call; they decide which cache can hold them.
  package var footprint: Double

  package init(flops: Double, bytes: Double, footprint: Double) {
    self.flops = flops
    self.bytes = bytes
    self.footprint = footprint
  }

  /// The operations of Adam for one parameter, each instruction as the two that a multiply-add counts: m 2, v 3,
  /// and 4 for √v, + ε, the quotient and the update.
  package static let adamFlops = 18.0

  /// Counts the work of one call.
  ///
  /// - Parameters:
  ///   - rows: the rows whose on-bits are counted. If they are more or fewer than the batch, the count is scaled.
  ///   - batchSize: the number of rows in a call.
  /// - Precondition: there is at least one row.
  package init(_ operation: Operation, _ density: any Density, rows: BinaryMatrix, batchSize: Int) {
    precondition(rows.rowCount > 0, "without rows there is nothing to count")
    let layers = LayerWork(operation, density, onShares: rows.columnMeans)
    let parameterCount = layers.parameterCount
    let batch = Double(batchSize)
    let rowBytes = batch * Double((rows.columnCount + 7) / 8)
    switch operation {
    case .train:
      flops =
        2 * batch * (2 * layers.onBitWeights + 3 * layers.hiddenWeights) + Work.adamFlops * parameterCount
      bytes = (4 + 6 * 4) * parameterCount + rowBytes
      footprint = 3 * 4 * parameterCount
    case .logProbability, .sample, .walk, .step:
      flops = 2 * batch * (layers.onBitWeights + layers.hiddenWeights)
      bytes = 4 * parameterCount + rowBytes
      footprint = 4 * parameterCount
    }
  }
}

/// The permitted weights that a row has to do with.
private struct LayerWork {
  /// Weights of on-bits in a row, in the mean.
  var onBitWeights = 0.0
  /// Weights of hidden units.
  var hiddenWeights = 0.0
  /// Weights and biases.
  var parameterCount = 0.0

  init() {}

  /// Counts the work of a row: a mixture's log p takes all its components, a drawn row or a training step one.
  init(_ operation: Operation, _ density: any Density, onShares: [Double]) {
    self.init()
    switch density {
    case let ensemble as Ensemble:
      for member in ensemble.members { add(LayerWork(operation, member, onShares: onShares)) }
    case let mixture as Mixture:
      for (component, weight) in zip(mixture.densities, mixture.weights) {
        add(
          LayerWork(operation, component, onShares: onShares),
          share: operation.takesAllComponents ? 1 : weight)
      }
    case let model as EoNADE: self = LayerWork(operation, eonade: model, onShares: onShares)
    case let model as any NetworkDensity:
      let components = operation.takesAllComponents ? model.componentCount : 1
      for component in 0..<components { add(LayerWork(model, component: component, onShares: onShares)) }
      // All components share the parameters.
      parameterCount = LayerWork(model, component: 0, onShares: onShares).parameterCount
    default: break
    }
  }

  /// Counts one pass of the network in training, and walks along its orders otherwise.
  ///
  /// In training the known variables are half of all in the mean. Steps of u that no bit decides on could be added up beforehand, and do not count.
  private init(_ operation: Operation, eonade model: EoNADE, onShares: [Double]) {
    let counts = model.configuration.hiddenCounts.map { Double($0) }
    let variables = Double(model.variableCount)
    let (bottom, top) = (counts[0], counts[counts.count - 1])
    let between = zip(counts, counts.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    let onBits = onShares.reduce(0, +)
    let others = between + top * variables + counts.reduce(0, +) + variables
    guard operation == .train else {
      // The last variable's rows of w and u reach nothing.
      let last = model.orders.reduce(0) { $0 + onShares[$1.variables[model.variableCount - 1]] }
      let orders = Double(model.orders.count)
      let walks = operation == .logProbability ? orders : 1
      onBitWeights = walks * bottom * (onBits - last / orders)
      hiddenWeights = walks * variables * (between + top)
      parameterCount = 2 * bottom * (variables - 1) + others
      return
    }
    let known = (variables - 1) / 2
    onBitWeights = bottom * known * (onBits / variables + 1)
    hiddenWeights = between + top * (variables - known)
    parameterCount = 2 * bottom * variables + others
  }

  private init(_ model: some NetworkDensity, component: Int, onShares: [Double]) {
    if let model = model as? NADE {
      // The last variable's row of w reaches nothing.
      let last = model.ordering(ofComponent: component).variables[model.variableCount - 1]
      let hidden = Double(model.configuration.hiddenCount)
      let variables = Double(model.variableCount)
      onBitWeights = hidden * (onShares.reduce(0, +) - onShares[last])
      hiddenWeights = hidden * variables
      parameterCount = hidden * (2 * variables - 1) + hidden + variables
      return
    }
    let masks = model.masks(ofComponent: component)
    let hiddenCount = (model as? MADE)?.configuration.hiddenCounts.count ?? 0
    for (index, mask) in masks.enumerated() {
      // The first mask is for the rows, and so is that of direct weights, which comes after the output's.
      let isOfRows = index == 0 || index > hiddenCount
      parameterCount += Double(mask.permittedCount)
      // Direct weights beside hidden layers share the output's biases.
      if index <= hiddenCount { parameterCount += Double(mask.outputCount) }
      guard isOfRows else {
        hiddenWeights += Double(mask.permittedCount)
        continue
      }
      onBitWeights += zip(mask.reach, onShares).reduce(0) { $0 + Double($1.0) * $1.1 }
    }
  }

  /// Adds other work, of so large a share of the rows; its parameters are read all the same.
  private mutating func add(_ other: LayerWork, share: Double = 1) {
    onBitWeights += share * other.onBitWeights
    hiddenWeights += share * other.hiddenWeights
    parameterCount += other.parameterCount
  }
}

extension Staircase {
  /// The number of outputs that each input reaches.
  fileprivate var reach: [Int] {
    // The k-th sorted input is in the prefix of every output whose prefix is longer than k.
    var reach = [Int](repeating: 0, count: inputCount)
    var output = 0
    for (k, input) in inputOrder.enumerated() {
      while output < outputCount && Int(prefixLengths[output]) <= k { output += 1 }
      reach[Int(input)] = outputCount - output
    }
    return reach
  }
}
