import BinaryDensity
import Essentials

/// Where a model stands that a report is of, and the run that it is of.
struct ReportPlace {
  /// What the command line names.
  let path: String
  /// The model's file.
  let model: String
  /// The folder of the run; nil of a model by itself.
  let run: RunDirectory?

  /// Looks at a path: a run's folder, its best or its last model, or another model.
  init(_ path: String) {
    self.path = path
    if DataOptions.isDirectory(path) {
      let run = RunDirectory(path: path)
      (model, self.run) = (run.best, run)
      return
    }
    model = path
    let run = RunDirectory(path: AtomicFile.parentDirectory(of: path))
    let isOfRun =
      [run.record, run.history].contains(where: FileManager.default.fileExists(atPath:))
      && [run.best, run.last].contains { AtomicFile.isSameFile($0, path) }
    self.run = isOfRun ? run : nil
  }

  /// Where the page is written if the command line does not say.
  var usualOutput: String {
    if let run { return run.path + "/report.html" }
    let ending = ".safetensors"
    return (model.hasSuffix(ending) ? String(model.dropLast(ending.count)) : model) + ".html"
  }
}
