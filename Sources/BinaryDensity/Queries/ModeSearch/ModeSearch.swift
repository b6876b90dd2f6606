import Essentials
import Kernels

/// Searches the most probable rows of a density, with or without evidence.
///
///     let search = ModeSearch(model)
///     let best = try search.mostProbableRows(count: 10)
///     let completed = try search.completions(of: evidence)
///     if let best, best.areProved { print(best.logProbabilities) }
///
/// What it does depends on what the density can do. A tractable density knows its modes, and the next most probable rows
/// are modes of what is left. Along one order prefixes are searched (`PrefixSearch`): no row is more probable than its
/// prefix. A mixture of several orders is enumerated if few cells are unknown (`enumerableCount`); otherwise its
/// components' most probable rows are improved bit by bit, which proves nothing but gives a bound: p(x) = Σ_k w_k ·
/// p_k(x), and no p_k(x) exceeds what its component's search says.
///
/// log p of a row is what the density itself says, `logProbabilities(of:)`, and a row is proved only if none of the others
/// exceeds it by that measure; densities may err by 1e-6 of log p (see `slack`). Up to 20 variables all is proved, and of
/// equally probable rows that one comes first which is off in the first column where they differ.
///
/// The same question has the same answer for any number of threads. It is immutable and may be shared between threads.
public struct ModeSearch: Sendable {
  /// How far a search may go.
  public struct Options: Hashable, Sendable {
    /// How many prefixes are walked side by side.
    public var beamWidth: Int
    /// How many bytes prefixes may take that wait to be walked on.
    public var memoryLimit: Int
    /// How many prefixes are prolonged by a variable, after which the search ends with the best rows found.
    ///
    /// A beam is always walked to its end, and up to 20 variables there is no limit.
    public var nodeLimit: Int

    /// Creates options.
    ///
    /// - Precondition: `beamWidth > 0`, and no limit is negative.
    public init(beamWidth: Int = 128, memoryLimit: Int = 1 << 29, nodeLimit: Int = 5_000_000) {
      precondition(beamWidth > 0, "a beam of \(beamWidth) prefixes")
      precondition(
        memoryLimit >= 0 && nodeLimit >= 0, "limits of \(memoryLimit) bytes, \(nodeLimit) prefixes")
      self.beamWidth = beamWidth
      self.memoryLimit = memoryLimit
      self.nodeLimit = nodeLimit
    }
  }

  /// What the density offers to be searched by.
  enum Method: Sendable {
    case tractable(any TractableDensity)
    case chain(any CursorSource)
    case mixture([(logWeight: Double, search: ModeSearch)])
    /// Nothing but log p.
    case likelihood
  }

  /// The number D of variables.
  public let variableCount: Int
  /// How far it goes.
  public let options: Options
  let method: Method
  let evaluator: Evaluator

  /// Prepares the search of a density.
  public init(_ density: any Density, _ options: Options = Options()) {
    variableCount = density.variableCount
    evaluator = density.evaluator()
    var options = options
    if variableCount <= Self.enumerableCount { options.nodeLimit = .max }
    self.options = options
    if let tractable = density.tractable {
      method = .tractable(tractable)
    } else if let chain = density.autoregressive() {
      method = .chain(chain.cursorSource())
    } else if let components = density.components?.filter({ $0.weight > 0 }) {
      // The components share the effort.
      options.nodeLimit /= max(1, components.count)
      method = .mixture(
        components.map { [options] in (log($0.weight), ModeSearch($0.density, options)) })
    } else {
      method = .likelihood
    }
  }

  /// Tables of up to so many variables are enumerated, if nothing is quicker.
  static let enumerableCount = 20

  /// By how much log p of one row may differ between a walk and the density's own figure: three times what either errs by.
  static func slack(_ logProbability: Double) -> Double { 3e-6 * max(10, abs(logProbability)) }

  /// Returns the most probable rows that agree with evidence, the most probable first.
  ///
  /// The j-th bound of the modes is what log p of the j-th most probable row does not exceed, so that rows are proved from
  /// the first on.
  /// - Parameters:
  ///   - count: how many are wanted; there are fewer if no more agree.
  ///   - evidence: the known values of the D variables; nil for none.
  ///   - observe: is told how much of the effort is spent, and says whether to go on.
  /// - Returns: the modes, or the best rows found by then if `observe` ended the search; nil if none was.
  /// - Throws: `DensityError.impossibleEvidence` if no row that agrees has a probability above zero; `.unsupported` for a
  ///   density with nothing but log p and too many unknown cells to enumerate; `.undefined` for a log p that is no number;
  ///   what `observe` throws.
  /// - Precondition: `count > 0`, and there are D values.
  public func mostProbableRows(
    count: Int = 1, given evidence: [Bool?]? = nil,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Modes? {
    let evidence = evidence ?? Array(repeating: nil, count: variableCount)
    precondition(evidence.count == variableCount, "\(evidence.count) values of \(variableCount) variables")
    precondition(count > 0, "\(count) most probable rows were asked for")
    return try search(count, evidence, options, observe)
  }

  /// Returns the most probable completion of each row, searched on all threads.
  ///
  /// - Parameters:
  ///   - evidence: what is known of the rows.
  ///   - observe: is told the fraction done, and says whether to go on.
  /// - Returns: the modes, or nil if `observe` said to stop.
  /// - Throws: as `mostProbableRows` does, with the index of the row.
  /// - Precondition: `evidence.columnCount == variableCount`.
  public func completions(
    of evidence: PartialRows,
    observing observe: (Double) throws(DensityError) -> Bool = { _ throws(DensityError) in true }
  ) throws(DensityError) -> Modes? {
    evidence.require(variableCount)
    if case .tractable(let density) = method { return try completions(of: evidence, density) }
    let groups = evidence.groupsOfEqualRows()
    let wave = 4 * Threads.count
    var options = options
    options.memoryLimit /= Threads.count
    var found: [Modes] = []
    for first in stride(from: 0, to: groups.count, by: wave) {
      let last = min(first + wave, groups.count)
      let results = Threads.map(count: last - first) { [options] index -> Result<Modes?, DensityError> in
        do throws(DensityError) {
          let row = evidence[row: groups[first + index][0]]
          return .success(try search(1, row, options) { (_) throws(DensityError) in true })
        } catch {
          return .failure(error)
        }
      }
      for (index, result) in results.enumerated() {
        do throws(DensityError) {
          if let modes = try result.get() { found.append(modes) }
        } catch {
          throw error.inRow(groups[first + index][0])
        }
      }
      if try !observe(Double(last) / Double(groups.count)) { return nil }
    }
    var places = Array(repeating: 0, count: evidence.rowCount)
    for (place, group) in groups.enumerated() { for row in group { places[row] = place } }
    return Modes(
      rows: BinaryMatrix(concatenating: found.map(\.rows), columnCount: variableCount).selecting(places),
      logProbabilities: places.map { found[$0].logProbabilities[0] },
      logBounds: places.map { found[$0].logBounds[0] })
  }

  /// Searches by whatever the density offers.
  func search(
    _ count: Int, _ evidence: [Bool?], _ options: Options,
    _ observe: (Double) throws(DensityError) -> Bool
  ) throws(DensityError) -> Modes? {
    let unknownCount = evidence.count { $0 == nil }
    // There are no more rows than that.
    let count = unknownCount < 62 ? min(count, 1 << unknownCount) : count
    switch method {
    case .tractable(let density):
      return try modes(count, evidence, of: density, observe)
    case .chain(let source):
      var search = PrefixSearch(source, evaluator, evidence, count: count, options)
      return try search.run(observe)
    case .mixture where !isEnumerable(unknownCount):
      return try improvedModes(count, evidence, options, observe)
    case .mixture, .likelihood:
      return try enumeratedModes(count, evidence, observe)
    }
  }
}

extension Density {
  /// Returns the most probable rows that agree with evidence, the most probable first: see `ModeSearch`.
  ///
  /// - Throws: as `ModeSearch.mostProbableRows` does.
  /// - Precondition: as of `ModeSearch.mostProbableRows`.
  public func mostProbableRows(
    count: Int = 1, given evidence: [Bool?]? = nil, _ options: ModeSearch.Options = ModeSearch.Options()
  ) throws(DensityError) -> Modes {
    guard let modes = try ModeSearch(self, options).mostProbableRows(count: count, given: evidence) else {
      preconditionFailure("nobody stopped the search")
    }
    return modes
  }
}

extension DensityError {
  /// The error with the number of the row of evidence that was searched.
  fileprivate func inRow(_ row: Int) -> DensityError {
    if case .impossibleEvidence(_, let onBitCount) = self {
      return .impossibleEvidence(row: row, onBitCount: onBitCount)
    }
    return self
  }
}
