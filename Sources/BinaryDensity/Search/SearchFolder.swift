import Essentials

/// The folder beside the output in which a running search keeps what it has: `OUTPUT.search`.
///
/// `search.json` is its record, `network-N.safetensors` are the members and the network of the best trial, and nothing
/// else is kept of the trials. A network is written before the record that tells of it, and removed after the record that
/// no longer does, so that at every moment the record and its networks are whole.
package final class SearchFolder {
  private let path: String
  private let data: DataSplits
  private let lock: FileLock
  private var networks: [SearchRecord.SavedNetwork]

  static func path(for output: String) -> String { output + ".search" }
  package static func manifest(in folder: String) -> String { folder + "/search.json" }
  package static func file(_ number: Int, in folder: String) -> String {
    "\(folder)/network-\(number).safetensors"
  }

  /// Makes the folder where it is missing, and locks it.
  ///
  /// - Parameter saved: what is read from it, if a search goes on from there; other files of networks are removed.
  /// - Throws: `DensityError.unwritable`, also if another search is at work there.
  init(for output: String, _ data: DataSplits, continuing saved: SavedSearch?) throws(DensityError) {
    path = Self.path(for: output)
    self.data = data
    try AtomicFile.createDirectory(path)
    lock = try FileLock(folder: path)
    let isFromHere = saved?.path == path
    let kept = isFromHere ? [saved?.best].compactMap(\.self) + (saved?.members ?? []) : []
    networks =
      isFromHere
      ? saved?.record.networks.filter { network in
        kept.contains {
          $0.recipe == network.recipe && $0.order == network.order && $0.number == network.number
        }
      } ?? [] : []
    let files = Set(networks.map { "network-\($0.file).safetensors" })
    for name in AtomicFile.names(inFolder: path)
    where name.hasPrefix("network-") && !files.contains(name) {
      try? FileManager.default.removeItem(atPath: path + "/" + name)
    }
  }

  /// Keeps the folder of an earlier search, under its name and `~1`, or the next number that is free.
  ///
  /// - Returns: where it is now; nil if there was none.
  /// - Throws: `DensityError.unwritable`.
  static func keepAside(for output: String) throws(DensityError) -> String? {
    let path = path(for: output)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    // Not while another search is at work there.
    _ = try FileLock(folder: path)
    let number = (1...).first { !FileManager.default.fileExists(atPath: "\(path)~\($0)") } ?? 1
    guard rename(path, "\(path)~\(number)") == 0 else {
      throw .unwritable(path: "\(path)~\(number)", reason: SystemError.last.reason)
    }
    return "\(path)~\(number)"
  }

  /// Keeps new networks, and the record.
  ///
  /// - Parameters:
  ///   - best: the network of the best trial, if it is another one than before.
  ///   - members: new members.
  ///   - record: of the search with all of them.
  /// - Throws: `DensityError.unwritable`.
  func keep(
    best: DensitySearch.Network?, members: [DensitySearch.Network], _ record: SearchRecord
  ) throws(DensityError) {
    let before = best == nil ? [] : networks.filter { !$0.isMember }
    networks.removeAll { network in before.contains(network) }
    for (network, isMember) in [best].compactMap(\.self).map({ ($0, false) }) + members.map({ ($0, true) }) {
      let file = 1 + ((before + networks).map(\.file).max() ?? 0)
      try Checkpoint(model: network.density, data).write(to: Self.file(file, in: path))
      networks.append(
        SearchRecord.SavedNetwork(
          file: file, recipe: network.recipe, order: network.order, number: network.number, nll: network.nll,
          isComplete: network.isComplete, isMember: isMember))
    }
    var record = record
    record.networks = networks
    try AtomicFile.write(Array((record.text + "\n").utf8), to: Self.manifest(in: path))
    for network in before {
      try? FileManager.default.removeItem(atPath: Self.file(network.file, in: path))
    }
  }

  /// Removes the folder with the files of the search, and whatever else is in it stays.
  func remove() {
    for network in networks {
      try? FileManager.default.removeItem(atPath: Self.file(network.file, in: path))
    }
    try? FileManager.default.removeItem(atPath: Self.manifest(in: path))
    try? FileManager.default.removeItem(atPath: path + "/.lock")
    rmdir(path)
  }
}
