/// Lines of zeros and ones.
struct TextFormat: TableFormat {
  let name = "text"
  let summary = "lines of 0 and 1: CSV, TSV and the like"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool { true }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    try TextRefusals.check(source)
    return try TextReader(source, options)
  }
}
