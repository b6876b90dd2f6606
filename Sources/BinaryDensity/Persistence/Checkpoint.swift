import Autodiff
import Foundation
import Kernels

/// A model on disk: one safetensors file.
///
/// Its metadata hold `format` (`BinaryDensity 1`), `model` (the family), `configuration` (JSON) and, if known,
/// `image` (JSON, the height and width of a row shown as a picture). The arrays `model.NAME` are the parameters; those
/// of component k of a mixture or an ensemble are `model.K.NAME`. A checkpoint that training can resume from also has
/// `training` (JSON, see `TrainingState.Progress`), for each matrix the optimizer keeps `optimizer.SLOT.NAME` and, if
/// parameters are averaged, `average.NAME`. A checksum over the whole file detects any change.
///
///     let model = try Checkpoint(contentsOf: "runs/nade/best.safetensors").model
///     print(model.logProbability(of: rows))
public struct Checkpoint: Sendable {
  /// What the file holds.
  public var model: any Density
  /// How to show a row as a picture, if rows are pictures.
  public var imageShape: ImageShape?
  /// The state of an unfinished training.
  public var training: TrainingState?

  private static let format = "BinaryDensity 1"

  /// Creates a checkpoint to be written.
  public init(model: any Density, imageShape: ImageShape? = nil, training: TrainingState? = nil) {
    self.model = model
    self.imageShape = imageShape
    self.training = training
  }

  /// Reads a checkpoint.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a file that is damaged or of another
  ///   format; `.mismatch` for arrays that do not fit the configuration.
  public init(contentsOf path: String) throws(DensityError) {
    let file = try SafetensorsFile(contentsOf: path)
    guard file.metadata["format"] == Self.format else {
      throw .mismatch(
        path: path, expected: "a checkpoint of format '\(Self.format)'",
        found: file.metadata["format"].map { "format '\($0)'" } ?? "no format")
    }
    model = try DensityArchive(file, path: path).density()
    if file.metadata["image"] != nil {
      let shape = try Self.decode(ImageShape.self, "image", file, path)
      // Divided rather than multiplied, for any two numbers may stand in a file.
      guard shape.height > 0, shape.width == model.variableCount / shape.height,
        model.variableCount % shape.height == 0
      else {
        throw .mismatch(
          path: path, expected: "a picture of \(model.variableCount) pixels",
          found: "\(shape.height) × \(shape.width)")
      }
      imageShape = shape
    }
    if file.metadata["training"] != nil {
      let progress = try Self.decode(TrainingState.Progress.self, "training", file, path)
      if let problem = progress.problem {
        throw .malformed(
          path: path, at: .field("training"), expected: "the state of a training", found: problem)
      }
      guard let model = model as? any TrainableDensity else {
        throw .malformed(
          path: path, at: .field("training"), expected: "none with a \(model.kind.rawValue)", found: "one")
      }
      let method = progress.configuration.optimizer
      var state: [Parameters<Float>] = []
      for slot in method.slotNames {
        state.append(try Self.readMatrices("optimizer.\(slot).", like: model.parameters, file, path))
      }
      let average =
        progress.configuration.averaging == nil
        ? nil : try Self.readMatrices("average.", like: model.parameters, file, path)
      training = TrainingState(
        progress: progress,
        optimizer: Optimizer(
          method, state: state, stepCount: progress.step, clippingNorm: progress.configuration.clippingNorm),
        average: average)
    }
  }

  /// Writes the checkpoint beside its path and renames it, so that a reader sees the old file or the new.
  ///
  /// - Throws: `DensityError.unwritable`.
  public func write(to path: String) throws(DensityError) {
    let archive = model.archived()
    var metadata = [
      "format": Self.format, "model": archive.kind.rawValue, "configuration": archive.configuration,
    ]
    if let imageShape { metadata["image"] = Self.encode(imageShape) }
    var tensors = archive.tensors()
    if let training {
      metadata["training"] = Self.encode(training.progress)
      for (slot, matrices) in zip(training.optimizer.method.slotNames, training.optimizer.state) {
        tensors += Self.tensors("optimizer.\(slot).", matrices)
      }
      if let average = training.average { tensors += Self.tensors("average.", average) }
    }
    try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
  }

  private static func tensors(_ prefix: String, _ parameters: Parameters<Float>) -> [SafetensorsFile.Tensor] {
    zip(parameters.names, parameters.matrices).map { SafetensorsFile.Tensor(name: prefix + $0, $1) }
  }

  private static func readMatrices(
    _ prefix: String, like parameters: Parameters<Float>, _ file: SafetensorsFile, _ path: String
  ) throws(DensityError) -> Parameters<Float> {
    var result = Parameters<Float>()
    for (name, matrix) in zip(parameters.names, parameters.matrices) {
      result.append(
        name,
        try file.matrix(
          named: prefix + name, rowCount: matrix.rowCount, columnCount: matrix.columnCount, path: path))
    }
    return result
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ key: String, _ file: SafetensorsFile, _ path: String
  ) throws(DensityError) -> Value {
    guard let value: Value = try? decodeJSON(file.metadata[key] ?? "") else {
      throw .malformed(
        path: path, at: .field(key), expected: "the JSON of a \(key)", found: "'\(file.metadata[key] ?? "")'")
    }
    return value
  }

  /// Returns a value as JSON with sorted keys.
  package static func encode(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      // Only a number that is not finite cannot be written, and configurations are checked for those.
      preconditionFailure("\(value) cannot be written as JSON: \(error)")
    }
  }
}
