import Arguments
import BinaryDensity

/// Draws of rows of one class, or of each.
enum ClassSampling {
  /// Returns the densities to draw from, in turn: the model, or those of the classes that the options ask for.
  ///
  /// - Throws: `UsageError` for a class that there is not, `DensityError.mismatch` for a model without classes.
  static func models(
    _ arguments: ParsedArguments, of checkpoint: Checkpoint, path: String
  ) throws -> [any Density] {
    let name = try arguments.optionalValue("class", as: .string)
    guard name != nil || arguments.flag("each-class") else { return [checkpoint.model] }
    guard let labelled = checkpoint.model as? LabelledDensity else {
      throw DensityError.mismatch(
        path: path, expected: "a model of labelled rows, which has classes",
        found: "a \(familyName(of: checkpoint.model))")
    }
    guard let name else { return labelled.densities }
    if arguments.flag("each-class") { throw UsageError("--class and --each-class do not go together") }
    guard let index = labelled.classes.firstIndex(of: name) else {
      let some = labelled.classes.prefix(12).joined(separator: ", ")
      throw UsageError(
        "--class: expected a class of \(path) (\(some)\(labelled.classes.count > 12 ? ", …" : "")), found '\(name)'"
      )
    }
    return [labelled.densities[index]]
  }
}
