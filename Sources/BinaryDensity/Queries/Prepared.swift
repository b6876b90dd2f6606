import Kernels
import Synchronization

/// What an `Evaluator` keeps of a density to compute log-probabilities with.
protocol PreparedLikelihood: Sendable {
  /// Returns log p of each row, in nats; nil if `observe`, which is told the fraction done, says to stop.
  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]?
}

/// A density of the package that prepares more than a call of `logProbabilities(of:)`.
protocol PreparableDensity: Density {
  /// Prepares log-probabilities of up to `batchCapacity` rows at once.
  func preparedLikelihood(batchCapacity: Int) -> any PreparedLikelihood
}

/// Computes the logits of conditionals, confined to one thread at a time.
protocol ConditionalExecutor<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar
  /// Returns the logits (B × D) in the order of the columns.
  func logits(of rows: BinaryMatrix) -> Matrix<Scalar>
}

/// An autoregressive density of the package: its conditionals can be prepared, and computed in Double.
protocol PreparableConditionals: AutoregressiveDensity {
  /// Prepares to compute the logits of up to `batchCapacity` rows at once; in Double by the plain reference loops.
  func conditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar>
}

extension PreparableConditionals {
  /// Prepares to compute logits, and computes those of some rows.
  func preparedLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    precondition(
      rows.columnCount == variableCount, "the rows have \(rows.columnCount) columns, not \(variableCount)")
    guard rows.rowCount > 0 else { return Matrix(rowCount: 0, columnCount: variableCount) }
    return conditionalExecutor(in: Float.self, batchCapacity: min(512, rows.rowCount)).logits(of: rows)
  }
}

extension AutoregressiveDensity {
  /// Prepares to compute the logits of any autoregressive density.
  func anyConditionalExecutor<Scalar: KernelScalar>(
    in type: Scalar.Type, batchCapacity: Int
  ) -> any ConditionalExecutor<Scalar> {
    (self as? any PreparableConditionals)?.conditionalExecutor(in: type, batchCapacity: batchCapacity)
      ?? PlainConditionals<Scalar>(self)
  }
}

/// Asks a density for its logits, and converts them.
private final class PlainConditionals<Scalar: KernelScalar>: ConditionalExecutor {
  private let density: any AutoregressiveDensity

  init(_ density: any AutoregressiveDensity) { self.density = density }

  func logits(of rows: BinaryMatrix) -> Matrix<Scalar> {
    density.conditionalLogits(of: rows).converted(to: Scalar.self)
  }
}

/// Asks a density for its log-probabilities, some rows at a time.
struct PlainLikelihood: PreparedLikelihood {
  private let density: any Density
  private let blockLength: Int
  private let columnOrder: [Int]?

  /// - Parameter columnOrder: which column of the rows each variable is; nil if they are in the same order.
  init(_ density: any Density, batchCapacity: Int, columnOrder: [Int]? = nil) {
    self.density = density
    self.columnOrder = columnOrder
    blockLength = max(batchCapacity, 8192)
  }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    var result: [Double] = []
    result.reserveCapacity(rows.rowCount)
    let isWhole = try rows.forEachBlock(of: blockLength) { (block) throws(DensityError) in
      let ordered = columnOrder.map { order in
        BinaryMatrix(rowCount: block.rowCount, columnCount: order.count) { block[$0, order[$1]] }
      }
      let values = density.logProbabilities(of: ordered ?? block)
      precondition(
        values.count == block.rowCount, "\(values.count) log-probabilities of \(block.rowCount) rows")
      result += values
      return try observe(Double(result.count) / Double(rows.rowCount))
    }
    return isWhole ? result : nil
  }
}

/// The likelihood of a network, or of one of its components: executors, made as they are needed.
final class NetworkLikelihood<Network: NetworkDensity>: PreparedLikelihood {
  private let network: Network
  private let components: Range<Int>
  private let batchCapacity: Int
  private let executors = Pool<LikelihoodExecutor<Float>>()

  init(_ network: Network, components: Range<Int>, batchCapacity: Int) {
    self.network = network
    self.components = components
    self.batchCapacity = batchCapacity
  }

  func logProbabilities(
    of rows: any RowSource, observing observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> [Double]? {
    guard rows.rowCount > 0 else { return [] }
    let executor = executors.take {
      LikelihoodExecutor(
        network, components: components, parameters: network.parameters, batchCapacity: batchCapacity)
    }
    defer { executors.put(executor) }
    return try executor.logProbabilities(of: rows, observing: observe)
  }
}

extension NetworkDensity {
  func preparedNetworkLikelihood(batchCapacity: Int) -> any PreparedLikelihood {
    NetworkLikelihood(self, components: 0..<componentCount, batchCapacity: batchCapacity)
  }
}

/// The conditionals of a density, their executor made at first use.
final class Conditionals: Sendable {
  private let density: any AutoregressiveDensity
  private let batchCapacity: Int
  private let executors = Pool<any ConditionalExecutor<Float>>()

  init(_ density: any AutoregressiveDensity, batchCapacity: Int) {
    self.density = density
    self.batchCapacity = batchCapacity
  }

  func logits(of rows: BinaryMatrix) -> Matrix<Float> {
    precondition(
      rows.columnCount == density.variableCount,
      "the rows have \(rows.columnCount) columns, not \(density.variableCount)")
    guard rows.rowCount > 0 else { return Matrix(rowCount: 0, columnCount: density.variableCount) }
    let executor = executors.take {
      density.anyConditionalExecutor(in: Float.self, batchCapacity: batchCapacity)
    }
    defer { executors.put(executor) }
    return executor.logits(of: rows)
  }
}

/// Mutable objects of which each is used by one caller at a time: whoever finds none makes one, and puts it here for the
/// next.
///
/// The lock guards the list, and an object is out of it while it is used; that is what the unchecked conformance rests
/// on, for the objects themselves may not be shared.
final class Pool<Object>: @unchecked Sendable {
  private let lock = Mutex(())
  private var objects: [Object] = []

  func take(_ make: () -> Object) -> Object { lock.withLock { _ in objects.popLast() } ?? make() }

  func put(_ object: Object) { lock.withLock { _ in objects.append(object) } }
}

/// What draws rows of a density.
indirect enum PreparedSampler: Sendable {
  /// A walk along the ordering.
  case chain(any CursorSource)
  /// A component for each row, then its rows.
  case mixture(weights: [Double], [PreparedSampler], variableCount: Int)
  /// The density's own way.
  case own(any Density)

  /// Prepares the sampling of a density: of the package's networks and of what is made of them.
  init(of density: any Density) {
    switch density {
    case is any NetworkDensity, is any PreparableDensity:
      if let prepared = try? PreparedSampler(byCapabilityOf: density) {
        self = prepared
      } else {
        self = .own(density)
      }
    default: self = .own(density)
    }
  }

  /// Prepares sampling along the ordering, or else by components.
  ///
  /// - Throws: `DensityError.unsupported` if the density has neither.
  init(byCapabilityOf density: any Density) throws(DensityError) {
    // A mixture of one ordering is drawn from faster as a mixture.
    if let components = density.components {
      self = .mixture(
        weights: components.map(\.weight), components.map { PreparedSampler(of: $0.density) },
        variableCount: density.variableCount)
    } else if let chain = density.autoregressive() {
      self = .chain(chain.cursorSource())
    } else {
      throw .unsupported(
        "a density of type \(type(of: density)) has neither conditionals nor components to be sampled by")
    }
  }

  func sample(
    count: Int, using generator: inout some RandomNumberGenerator
  ) throws(DensityError) -> BinaryMatrix {
    precondition(count >= 0, "cannot draw \(count) rows")
    switch self {
    case .chain(let source): return source.sample(count: count, using: &generator)
    case .own(let density): return try density.sample(count: count, using: &generator)
    case .mixture(let weights, let samplers, let variableCount):
      var members: [[Int]] = weights.map { _ in [] }
      for row in 0..<count { members[drawIndex(weights: weights, using: &generator)].append(row) }
      var drawn: [BinaryMatrix] = []
      var place = Array(repeating: 0, count: count)
      var next = 0
      for (sampler, rows) in zip(samplers, members) where !rows.isEmpty {
        let part = try sampler.sample(count: rows.count, using: &generator)
        drawn.append(part)
        for row in rows {
          place[row] = next
          next += 1
        }
      }
      return BinaryMatrix(concatenating: drawn, columnCount: variableCount).selecting(place)
    }
  }
}
