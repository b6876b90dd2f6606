import Foundation

extension DensitySearch {
  /// Searches as `run` does, and keeps what is found in a file.
  ///
  /// While it runs, the best single network so far stands beside the path, with `.partial` after its name, in case the
  /// process is killed. In the end the path holds what was found, and that file is gone.
  ///
  /// - Throws: `DensityError.unwritable`, before the search where there is no folder for the file.
  public func run(
    savingTo path: String, _ observe: (Event) -> Bool = { _ in true }
  ) throws(DensityError) -> Result {
    try AtomicFile.checkFolder(of: path)
    let partial = path + ".partial"
    var failure: DensityError?
    func keep(_ density: any Density, at path: String) throws(DensityError) {
      try Checkpoint(model: density, data).write(to: path)
    }
    let result = run { event in
      if case .improved(let density) = event {
        do throws(DensityError) { try keep(density, at: partial) } catch { failure = error }
      }
      return observe(event) && failure == nil
    }
    if let failure { throw failure }
    try keep(result.density, at: path)
    try? FileManager.default.removeItem(atPath: partial)
    return result
  }
}
