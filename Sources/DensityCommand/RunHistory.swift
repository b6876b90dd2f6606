import BinaryDensity
import Essentials

extension RunDirectory {
  /// One pass over the training rows, as a history has it.
  struct Epoch {
    let number: Int
    /// The means of −log p in nats, of the training rows in the pass and of the validation rows after it.
    let trainingNLL: Double?
    let validationNLL: Double?
  }

  /// Reads the history, if there is one; the last line of a run that was killed may be cut off, and is left out.
  func epochs() throws(DensityError) -> [Epoch] {
    guard FileManager.default.fileExists(atPath: history) else { return [] }
    return try AtomicFile.read(history).split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let record = try? JSONValue(parsing: line, path: history), let number = record["epoch"]?.integer
      else { return nil }
      return Epoch(
        number: number, trainingNLL: record["training_nll"]?.number,
        validationNLL: record["validation_nll"]?.number)
    }
  }
}
