/// NumPy's array file.
struct NPYFormat: TableFormat {
  let name = "npy"
  let summary = "NumPy's array file"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { start.first == NPYHeader.magic.first }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    try Self.reader(source, options, format: "NPY").selecting(options)
  }

  /// Opens an array that stands in a file, or in a part of one.
  static func reader(
    _ source: ByteSource, _ options: TableOptions, format: String
  ) throws(DensityError) -> any TableReader {
    let header = try NPYHeader.read(from: source)
    let shape = try ArrayShape(header.dimensions, of: source, at: 8)
    let array = try ArrayFile(source, shape, header.type, header.order, options)
    let layout = TableLayout(array, format: format)
    return header.isFortranOrder && shape.columnCount > 1
      ? ColumnMajorArray(array, layout: layout) : RowMajorArray(array, layout: layout)
  }
}
