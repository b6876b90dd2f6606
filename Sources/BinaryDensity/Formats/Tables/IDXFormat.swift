/// IDX, in which MNIST is distributed.
struct IDXFormat: TableFormat {
  let name = "idx"
  let summary = "IDX, in which MNIST is distributed"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { start.starts(with: [0, 0]) }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let (type, dimensions) = try IDXArray.readHeader(from: source)
    let shape = try ArrayShape(dimensions, of: source, at: 3)
    let array = try ArrayFile(source, shape, type.numbers, .big, options)
    return try RowMajorArray(array, layout: TableLayout(array, format: "IDX")).selecting(options)
  }
}
