import Foundation

extension DensitySearch {
  /// Searches as `run` does, and keeps what is found in a file.
  ///
  /// While it runs, the best single network so far stands beside the path, with `.partial` after its name, in case the
  /// process is killed. In the end the path holds what was found, and that file is gone. What stood at either path
  /// before is kept under its name and `~1`, or the next number that is free.
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
    let partial = path + ".partial"
    if let aside = try AtomicFile.keepAside(partial) { keptAside(aside) }
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
    if let aside = try AtomicFile.keepAside(path) { keptAside(aside) }
    try keep(result.density, at: path)
    try? FileManager.default.removeItem(atPath: partial)
    return result
  }
}
