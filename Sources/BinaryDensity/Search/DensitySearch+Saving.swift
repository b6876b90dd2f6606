import Essentials

extension DensitySearch {
  /// Searches as `run` does, and keeps what is found in a file.
  ///
  /// While it runs, what it has stands beside the path, in a folder with `.search` after its name: the best network, the
  /// members, and a record of what was tried, from which a search that is killed or interrupted goes on
  /// (`SavedSearch`). Once the search is at its end the path holds what was found, with the record if the wanted size has
  /// room for it, and the folder is gone; after an interruption it stays. What stood at the path before, or another search's folder, is kept under its name and `~1`, or
  /// the next number that is free, but for what this very search has written and is not better than what it writes now.
  ///
  /// - Parameters:
  ///   - path: where to write.
  ///   - observe: is told what happens, and returns whether to go on.
  ///   - keptAside: is told where a file is kept that stood in the way.
  /// - Throws: `DensityError.unwritable`, before the search if the path cannot be written.
  public func run(
    savingTo path: String, _ observe: (Event) -> Bool = { _ in true },
    keptAside: (_ aside: String) -> Void = { _ in }
  ) throws(DensityError) -> Result {
    try AtomicFile.checkWritable(path)
    // Beside a device or a pipe there is no folder.
    let canHaveFolder = !AtomicFile.isWrittenInPlace(path)
    // A search on few rows is over soon, and one that counts steps begins anew: they leave nothing to go on from.
    let keepsRecord = foldCount == nil && stepBudget == nil
    let keepsState = canHaveFolder && keepsRecord
    if canHaveFolder, saved == nil, let aside = try SearchFolder.keepAside(for: path) { keptAside(aside) }
    let folder = keepsState ? try SearchFolder(for: path, data, continuing: saved) : nil
    var result = run(in: folder, observe)
    let isOwn = saved?.record.isOfSearch(writing: path) ?? false
    if !isOwn || isWorse(result, than: path), let aside = try AtomicFile.keepAside(path) { keptAside(aside) }
    var checkpoint = Checkpoint(model: result.density, data)
    // A single row leaves none to choose by.
    if data.validation != nil || foldCount != nil {
      // Folds hold every row out in turn, and learn from all in the end.
      checkpoint.provenance = Provenance(
        folds?.whole ?? data, validationNLL: result.validationNLL, isEstimated: result.validationIsEstimated)
      checkpoint.provenance?.validationRowCount = result.validationRowCount
    }
    if keepsRecord { checkpoint.search = record.text }
    if let byteLimit { try checkpoint.makeRoom(in: byteLimit) }
    try checkpoint.write(to: path)
    if !result.isInterrupted { folder?.remove() }
    result.canGoOn = checkpoint.search != nil || result.isInterrupted && folder != nil
    return result
  }

  /// Whether a result is worse than what the search has written before, as where that has no room in a smaller file.
  private func isWorse(_ result: Result, than path: String) -> Bool {
    let before = try? CheckpointOutline(contentsOf: path).checkpoint.provenance?.validationNLL
    return before.map { result.validationNLL > $0 + Compaction.roundingCost } ?? false
  }
}
