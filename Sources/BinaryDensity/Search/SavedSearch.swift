import Essentials

/// A search that has been interrupted, or has ended and is to go on: read from its folder, or from what it has found.
///
///     let saved = try SavedSearch(of: "fit.safetensors")
///     let search = try DensitySearch(continuing: saved, data, budget: .seconds(3600))
///     let found = try search.run(savingTo: "fit.safetensors")
public struct SavedSearch: Sendable {
  package let record: SearchRecord
  /// Where it was read from.
  public let path: String
  /// The network of the best trial, if it is there.
  package let best: DensitySearch.Network?
  package let members: [DensitySearch.Network]
  /// What it has found so far, if it has written that.
  let found: (any Density)?
  /// Whether it was at its end, so that its networks are those of what it has found.
  let hasEnded: Bool
  /// The networks whose files are lost.
  let lost: [SearchRecord.SavedNetwork]
  /// What is not as it was, in sentences: networks that cannot be read.
  public let notes: [String]

  /// The seed of everything drawn.
  public var seed: UInt64 { record.seed }
  /// How many recipes have been tried.
  public var trialCount: Int { record.trials.count }
  /// How many networks there are to mix.
  public var networkCount: Int {
    hasEnded ? found?.mixedNetworks.count ?? 0 : members.count + (best == nil ? 0 : 1)
  }
  /// How much time it has used.
  public var used: Duration { .seconds(record.seconds) }
  /// What is left of the time that it was given; nil if it has ended.
  public var remaining: Duration? {
    hasEnded ? nil : .seconds(max(0, record.budget - record.seconds))
  }

  /// Reads the search that writes to `path`: from the folder beside it, or else from what it has written there.
  ///
  /// A network in the folder that is missing or damaged is left out, and trained again by who goes on.
  /// - Throws: `DensityError.unreadable` if there is neither; `.malformed` for a damaged record or checkpoint; `.mismatch`
  ///   for a checkpoint that no search has written; `.unwritable` if the search is at work.
  public init(of path: String) throws(DensityError) {
    let folder = SearchFolder.path(for: path)
    let fileManager = FileManager.default
    if fileManager.fileExists(atPath: folder) {
      try self.init(inFolder: folder, of: path)
    } else if fileManager.fileExists(atPath: path) {
      try self.init(foundBy: path)
    } else {
      throw .unreadable(
        path: path,
        reason: "there is no search to go on with, neither here nor in \(folder); "
          + "leave --resume out to begin one")
    }
  }

  /// Reads a search that has ended from what it has found.
  private init(foundBy path: String) throws(DensityError) {
    let checkpoint = try Checkpoint(contentsOf: path)
    guard let text = checkpoint.search else {
      throw .mismatch(
        path: path, expected: "what 'density fit' has found",
        found:
          "a checkpoint that tells of no search, as of few rows, --steps or a small --size; leave --resume out to begin one"
      )
    }
    record = try SearchRecord(text, path: path)
    self.path = path
    found = checkpoint.model
    hasEnded = true
    (best, members, lost, notes) = (nil, [], [], [])
  }

  /// Reads a search from its folder.
  private init(inFolder folder: String, of output: String) throws(DensityError) {
    let manifest = SearchFolder.manifest(in: folder)
    let record = try SearchRecord(
      String(decoding: AtomicFile.read(manifest), as: UTF8.self), path: manifest)
    var members: [DensitySearch.Network] = []
    var best: DensitySearch.Network?
    var lost: [SearchRecord.SavedNetwork] = []
    var notes: [String] = []
    for saved in record.networks {
      do throws(DensityError) {
        let network = try saved.network(in: folder, variableCount: record.data.columnCount)
        if saved.isMember { members.append(network) } else { best = network }
      } catch {
        lost.append(saved)
        notes.append("\(error); this network is trained again")
      }
    }
    self.record = record
    path = folder
    found = record.isOfSearch(writing: output) ? try? Checkpoint(contentsOf: output).model : nil
    hasEnded = false
    (self.best, self.members, self.lost, self.notes) = (best, members, lost, notes)
  }
}

extension SearchRecord.SavedNetwork {
  /// Reads the network.
  fileprivate func network(
    in folder: String, variableCount: Int
  ) throws(DensityError) -> DensitySearch.Network {
    let path = SearchFolder.file(file, in: folder)
    let density = try Checkpoint(contentsOf: path).model
    guard density.variableCount == variableCount else {
      throw .mismatch(
        path: path, expected: "a network of \(variableCount) variables",
        found: "one of \(density.variableCount)")
    }
    return DensitySearch.Network(
      recipe: recipe, order: order, number: number, density: density, nll: nll, isComplete: isComplete)
  }
}

extension Density {
  /// The networks that a density is mixed and averaged of, itself if it is one; baselines are left out.
  package var mixedNetworks: [any Density] {
    switch self {
    case let mixture as Mixture: mixture.densities.flatMap { $0.mixedNetworks }
    case let ensemble as Ensemble: ensemble.members.flatMap { $0.mixedNetworks }
    case let network as any TrainableDensity: [network]
    default: []
    }
  }
}
