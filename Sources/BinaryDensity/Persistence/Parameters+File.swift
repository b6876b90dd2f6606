import Autodiff
import Kernels

extension Parameters where Scalar == Float {
  /// What the metadata `format` of a file of parameters says.
  static var fileFormat: String { "BinaryDensity parameters 1" }

  /// Writes the parameters beside a path and renames the file, so that a reader sees the old file or the new.
  ///
  /// It is a safetensors file of one `F32` array a parameter, under its own name, with a checksum (FORMAT.md). A model of
  /// the package is kept whole by a `Checkpoint`; this is for a network of your own, whose shapes and ordering its own code
  /// knows:
  ///
  ///     try trainer.best.parameters.write(to: "mine.safetensors")
  ///     var model = try Mine(variableCount: 16)
  ///     model.parameters = try Parameters(contentsOf: "mine.safetensors", shapes: model.parameterShapes)
  ///
  /// - Throws: `DensityError.unsupported` for a number that is not finite, named by its parameter; `.unwritable`. The old
  ///   file then stays as it was.
  /// - Precondition: no name is empty or `__metadata__`.
  /// - Complexity: O(scalars) in time; in memory, some hundred kilobytes.
  public func write(to path: String) throws(DensityError) {
    for (name, matrix) in zip(names, matrices) where !matrix.withUnsafeView(Float.isFinite) {
      throw .unsupported("\(path): parameter '\(name)' holds a number that is not finite, and is not kept")
    }
    try SafetensorsFile(
      metadata: ["format": Self.fileFormat],
      tensors: zip(names, matrices).map { SafetensorsFile.Tensor(name: $0, $1) }
    ).write(to: path)
  }

  /// Reads parameters of known names and shapes.
  ///
  /// The arrays may stand in any order and be of any floating-point type; `F64` is rounded. A file of another program has
  /// neither `format` nor checksum in its metadata, and is read too. A checksum that is there must be right.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - shapes: the names and shapes in the order that the collection is to have, such as a network's `parameterShapes`.
  /// - Throws: `DensityError.missingFile`, `.unreadable`; `.malformed` for a file that is damaged, lacks a parameter, holds
  ///   one that is not asked for, or a number that is not finite; `.mismatch` for a parameter of another shape, and for a
  ///   file of another kind, such as a checkpoint.
  /// - Complexity: O(bytes of the file) in time; in memory, the matrices.
  public init(contentsOf path: String, shapes: [ParameterShape]) throws(DensityError) {
    let file = try SafetensorsReader(path: path)
    if let format = file.metadata["format"], format != Self.fileFormat {
      throw .mismatch(
        path: path, expected: "a file of format '\(Self.fileFormat)'", found: "format '\(format)'")
    }
    self.init()
    for shape in shapes {
      append(
        shape.name, try file.matrix(named: shape.name, rowCount: shape.rows, columnCount: shape.columns))
    }
    try file.expectNothingElse()
  }
}
