import Autodiff
import Kernels

extension Checkpoint {
  /// Reads a checkpoint.
  ///
  /// Other writers' files are read too: without a checksum, in any floating-point type, a bias of shape `[n]` in place
  /// of `[1, n]`. A checksum that is there must be right.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a file that is damaged, of another format,
  ///   holds a number that is not finite, or something that the model does not know; `.mismatch` for arrays that do not
  ///   fit the configuration.
  /// - Complexity: O(bytes of the file) in time; in memory, what the checkpoint takes and some hundred kilobytes.
  public init(contentsOf path: String) throws(DensityError) {
    try self.init(Self.open(path, verifying: true), extent: .everything)
  }

  /// Reads the bytes of a checkpoint.
  ///
  /// - Parameter path: what errors call it.
  /// - Throws: as of a file.
  init(bytes: [UInt8], path: String) throws(DensityError) {
    try self.init(SafetensorsReader(bytes: bytes, path: path), extent: .everything)
  }

  /// Opens a file, and says so if it is no checkpoint at all.
  fileprivate static func open(_ path: String, verifying: Bool) throws(DensityError) -> SafetensorsReader {
    do throws(DensityError) {
      return try SafetensorsReader(path: path, verifying: verifying)
    } catch {
      // There the length of the header stands, and its first character.
      guard case .malformed(let path, .byte(let place), let expected, let found) = error,
        place == 0 || place == 8
      else { throw error }
      throw .malformed(
        path: path, at: .byte(place), expected: expected, found: found + ": this is not a checkpoint")
    }
  }

  fileprivate init(_ file: SafetensorsReader, extent: StoredArrays.Extent) throws(DensityError) {
    guard let format = file.metadata["format"], [Self.format, Self.firstFormat].contains(format) else {
      throw .mismatch(
        path: file.path, expected: "a checkpoint of format '\(Self.format)' or '\(Self.firstFormat)'",
        found: file.metadata["format"].map { "format '\($0)'" } ?? "no format")
    }
    let known = [
      "format", "model", "configuration", "image", "columns", "reading", "provenance", "search", "training",
    ]
    if let unknown = file.metadata.keys.sorted().first(where: { !known.contains($0) }) {
      throw .malformed(
        path: file.path, at: .field("metadata '\(unknown)'"),
        expected: "one of \(known.joined(separator: ", "))",
        found: "'\(file.metadata[unknown] ?? "")'")
    }
    let model = try DensityArchive(file, extent: extent).density()
    self.init(
      model: model, imageShape: try Self.imageShape(file, variableCount: model.variableCount),
      columnNames: try Self.columnNames(file, variableCount: model.variableCount),
      training: try Self.training(file, of: model, extent: extent))
    reading = try Self.decode("reading", file)
    provenance = try Self.decode("provenance", file)
    search = file.metadata["search"]
    guard reading?.isPossible ?? true else {
      throw .malformed(
        path: file.path, at: .field("reading"), expected: "how tables were read, as FORMAT.md says",
        found: "'\(file.metadata["reading"] ?? "")'")
    }
    try file.expectNothingElse()
  }

  private static func imageShape(
    _ file: SafetensorsReader, variableCount: Int
  ) throws(DensityError) -> ImageShape? {
    guard let shape: ImageShape = try decode("image", file) else { return nil }
    guard shape.height > 0, checkedProduct(of: [shape.height, shape.width]) == variableCount else {
      throw .mismatch(
        path: file.path, expected: "a picture of \(variableCount) pixels",
        found: "\(shape.height) × \(shape.width)")
    }
    return shape
  }

  private static func columnNames(
    _ file: SafetensorsReader, variableCount: Int
  ) throws(DensityError) -> [String]? {
    guard let names: [String] = try decode("columns", file) else { return nil }
    guard names.count == variableCount else {
      throw .mismatch(
        path: file.path, expected: "the names of \(variableCount) variables", found: "\(names.count) names")
    }
    return names
  }

  private static func training(
    _ file: SafetensorsReader, of model: any Density, extent: StoredArrays.Extent
  ) throws(DensityError) -> TrainingState? {
    guard let progress: TrainingState.Progress = try decode("training", file) else { return nil }
    func malformed(_ expected: String, _ found: String) -> DensityError {
      .malformed(path: file.path, at: .field("training"), expected: expected, found: found)
    }
    if let problem = progress.problem { throw malformed("the state of a training", problem) }
    guard let model = model as? any TrainableDensity else {
      throw malformed("none with a \(model.kind?.rawValue ?? "density")", "one")
    }
    func matrices(_ prefix: String) throws(DensityError) -> Parameters<Float> {
      let arrays = StoredArrays(file: file, prefix: prefix, extent: extent)
      var result = Parameters<Float>()
      for (name, matrix) in zip(model.parameters.names, model.parameters.matrices) {
        result.append(
          name, try arrays.matrix(name, rowCount: matrix.rowCount, columnCount: matrix.columnCount))
      }
      return result
    }
    let configuration = progress.configuration
    var state: [Parameters<Float>] = []
    for slot in configuration.optimizer.slotNames { state.append(try matrices("optimizer.\(slot).")) }
    return TrainingState(
      progress: progress,
      optimizer: Optimizer(
        configuration.optimizer, state: state, stepCount: progress.step,
        clippingNorm: configuration.clippingNorm),
      average: configuration.averaging == nil ? nil : try matrices("average."),
      completions: try completions(
        file, rowCount: progress.data.rowCount, columnCount: model.variableCount))
  }

  /// Reads the training rows whose missing cells are drawn, if the file has them.
  private static func completions(
    _ file: SafetensorsReader, rowCount: Int, columnCount: Int
  ) throws(DensityError) -> BinaryMatrix? {
    guard file.arrays.contains(where: { $0.name == completionsName }) else { return nil }
    let wordsPerRow = (columnCount + 63) / 64
    let words = try file.integers(named: completionsName, shape: [rowCount, wordsPerRow])
    let unused = columnCount % 64 == 0 ? 0 : ~UInt64(0) << UInt64(columnCount % 64)
    let last = stride(from: wordsPerRow - 1, to: words.count, by: wordsPerRow)
    guard last.allSatisfy({ UInt64(bitPattern: Int64(words[$0])) & unused == 0 }) else {
      throw .malformed(
        path: file.path, at: .field("array '\(completionsName)'"), expected: "rows of \(columnCount) bits",
        found: "bits beyond the last column")
    }
    return BinaryMatrix(
      rowCount: rowCount, columnCount: columnCount,
      words: words.map { UInt64(bitPattern: Int64($0)) })
  }

  private static func decode<Value: Decodable>(
    _ key: String, _ file: SafetensorsReader
  ) throws(DensityError) -> Value? {
    guard let text = file.metadata[key] else { return nil }
    guard let value: Value = try? decodeJSON(text) else {
      throw .malformed(
        path: file.path, at: .field(key), expected: "JSON of '\(key)' as FORMAT.md says", found: "'\(text)'")
    }
    return value
  }
}

/// What the header of a checkpoint tells: everything but the numbers, at once however large the file is.
public struct CheckpointOutline {
  /// The checkpoint with all parameters zero; shapes, configuration and the state of a training are the file's.
  package let checkpoint: Checkpoint
  /// Whether the file has a checksum, which an outline does not verify.
  public let hasChecksum: Bool
  /// Whether the file keeps parameters in half precision, 16 bits each.
  public let isInHalfPrecision: Bool
  /// The names and shapes of the model's arrays, in the order of the file.
  public let arrays: [(name: String, shape: [Int])]

  /// Reads the header of a checkpoint.
  ///
  /// - Throws: what `Checkpoint(contentsOf:)` throws, but for what only the numbers show.
  /// - Complexity: O(bytes of the header).
  public init(contentsOf path: String) throws(DensityError) {
    let file = try Checkpoint.open(path, verifying: false)
    checkpoint = try Checkpoint(file, extent: .allButParameters)
    hasChecksum = file.hasChecksum
    let prefix = DensityArchive.modelPrefix
    arrays = file.arrays.filter { $0.name.hasPrefix(prefix) }
      .map { (String($0.name.dropFirst(prefix.count)), $0.shape) }
    let types = file.arrays.filter { $0.name.hasPrefix(prefix) }.compactMap { file.elementType(of: $0.name) }
    isInHalfPrecision = types.contains(.float16) && !types.contains(.float32)
  }
}
