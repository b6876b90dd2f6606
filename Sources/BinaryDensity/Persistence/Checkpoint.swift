import Autodiff
import Essentials
import Kernels

/// A model on disk: one safetensors file.
///
/// Its metadata hold `format` (`BinaryDensity 2`), `model` (the family), `configuration` (JSON) and, if known,
/// `image` (JSON, the height and width of a row shown as a picture) `columns` (JSON, the variables' names) and
/// `reading` (JSON, how tables were read), `provenance` (JSON, what it was made of) and `search` (JSON, what a search has tried). The arrays `model.NAME` are the parameters, the
/// orderings and the degrees of hidden units; those of component k of a mixture or an ensemble are `model.K.NAME`. A
/// checkpoint that training can resume from also has `training` (JSON, see `TrainingState.Progress`), for each matrix the
/// optimizer keeps `optimizer.SLOT.NAME`, if parameters are averaged `average.NAME`, and if missing cells of the training
/// rows are drawn `training.completions`. A checksum over the whole file
/// detects any change. Parameters that all are numbers of half precision (see `Density.inHalfPrecision()`) take 16 bits each
/// in a file that no training resumes from. FORMAT.md lists all of it, so that other programs can read and write such files.
///
///     let model = try Checkpoint(contentsOf: "runs/nade/best.safetensors").model
///     print(model.logProbabilities(of: rows))
public struct Checkpoint: Sendable {
  /// What the file holds.
  public var model: any Density
  /// How to show a row as a picture, if rows are pictures.
  public var imageShape: ImageShape?
  /// The names of the variables, if the table it learnt from had any.
  public var columnNames: [String]?
  /// How the table was read that it learnt from, if that was not as tables are usually read.
  public var reading: TableReading?
  /// What the model was made of, if that is known.
  public var provenance: Provenance?
  /// The state of an unfinished training.
  public var training: TrainingState?
  /// The record of the search that has found the model, as JSON, for one that is to go on.
  package var search: String?

  static let format = "BinaryDensity 2"
  /// The array of the training rows whose missing cells are drawn.
  static let completionsName = "training.completions"
  /// The format before orderings and degrees were arrays.
  static let firstFormat = "BinaryDensity 1"

  /// Creates a checkpoint to be written.
  ///
  /// - Precondition: as many names as variables.
  public init(
    model: any Density, imageShape: ImageShape? = nil, columnNames: [String]? = nil,
    training: TrainingState? = nil
  ) {
    precondition(
      columnNames.map { $0.count == model.variableCount } ?? true,
      "\(columnNames?.count ?? 0) names of \(model.variableCount) variables")
    self.model = model
    self.imageShape = imageShape
    self.columnNames = columnNames
    self.training = training
  }

  /// Creates a checkpoint of a model of the rows of a data set, whose names and pictures it keeps.
  ///
  /// - Parameter validationNLL: the model's mean of −log p over the validation rows, in nats, if it is known.
  package init(
    model: any Density, _ data: DataSplits, training: TrainingState? = nil, validationNLL: Double? = nil
  ) {
    self.init(
      model: model, imageShape: data.imageShape, columnNames: data.columnNames, training: training)
    reading = data.reading.isPlain ? nil : data.reading
    let isEstimated = data.estimatesValidation && !model.knowsMarginals
    provenance = Provenance(data, validationNLL: validationNLL, isEstimated: isEstimated)
  }

  /// Writes the checkpoint beside its path and renames it, so that a reader sees the old file or the new.
  ///
  /// - Throws: `DensityError.unwritable`; `.unsupported` for a density that is not of the package's families.
  public func write(to path: String) throws(DensityError) { try file().write(to: path) }

  /// Returns the size of the file that `write(to:)` writes, in bytes.
  ///
  /// - Parameter isRounded: whether of the model in half precision (`Density.inHalfPrecision()`).
  /// - Throws: `DensityError.unsupported`, as that does.
  public func byteCount(inHalfPrecision isRounded: Bool = false) throws(DensityError) -> Int {
    try file(inHalfPrecision: isRounded).byteCount
  }

  /// Leaves out what a small file has no room for: the record of a search, and then what the model was made of.
  ///
  /// - Throws: `DensityError.unsupported`, as `byteCount` does.
  package mutating func makeRoom(in byteLimit: Int) throws(DensityError) {
    if try byteCount() > byteLimit { search = nil }
    if try byteCount() > byteLimit { provenance = nil }
  }

  /// Returns the bytes of the file.
  ///
  /// - Throws: as `write(to:)` does of a density.
  func encoded() throws(DensityError) -> [UInt8] { try file().encoded() }

  private func file(inHalfPrecision isRounded: Bool = false) throws(DensityError) -> SafetensorsFile {
    let archive = try DensityArchive(of: model)
    var metadata = [
      "format": Self.format, "model": archive.kind.rawValue, "configuration": archive.configuration,
    ]
    if let imageShape { metadata["image"] = Self.encode(imageShape) }
    if let columnNames { metadata["columns"] = Self.encode(columnNames) }
    if let reading { metadata["reading"] = Self.encode(reading) }
    if let provenance { metadata["provenance"] = Self.encode(provenance) }
    if let search { metadata["search"] = search }
    // What is still trained keeps the precision that it is trained in.
    var tensors = archive.tensors(asHalves: training == nil && (isRounded || archive.isOfHalves))
    if let training {
      metadata["training"] = Self.encode(training.progress)
      for (slot, matrices) in zip(training.optimizer.method.slotNames, training.optimizer.state) {
        tensors += Self.tensors("optimizer.\(slot).", matrices)
      }
      if let average = training.average { tensors += Self.tensors("average.", average) }
      if let rows = training.completions {
        tensors.append(
          SafetensorsFile.Tensor(
            name: Self.completionsName, shape: [rows.rowCount, rows.wordsPerRow],
            scalars: .int64(rows.words.map(Int64.init(bitPattern:)))))
      }
    }
    return SafetensorsFile(metadata: metadata, tensors: tensors)
  }

  private static func tensors(_ prefix: String, _ parameters: Parameters<Float>) -> [SafetensorsFile.Tensor] {
    zip(parameters.names, parameters.matrices).map { SafetensorsFile.Tensor(name: prefix + $0, $1) }
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
