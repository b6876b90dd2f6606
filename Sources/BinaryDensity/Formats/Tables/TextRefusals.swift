/// Files that are no tables of text, told by how they begin.
enum TextRefusals {
  private static let python = "python3 -c 'import pandas, sys; "
  private static let toCSV = ".to_csv(sys.stdout, index=False)' | density … -"

  /// First bytes and what they are the first bytes of.
  private static let starts: [(start: [UInt8], what: String)] = [
    (Array("PAR1".utf8), "a Parquet file: pipe it, \(python)pandas.read_parquet(\"FILE\")\(toCSV)"),
    (
      [0x89] + Array("HDF\r\n".utf8),
      "an HDF5 file: pipe one table of it, \(python)pandas.read_hdf(\"FILE\")\(toCSV)"
    ),
    (Array("ARROW1".utf8), "an Arrow file: pipe it, \(python)pandas.read_feather(\"FILE\")\(toCSV)"),
    (Array("FEA1".utf8), "a Feather file: pipe it, \(python)pandas.read_feather(\"FILE\")\(toCSV)"),
    (Array("ORC".utf8), "an ORC file: pipe it, \(python)pandas.read_orc(\"FILE\")\(toCSV)"),
    (Array("SQLite format 3".utf8), "an SQLite database: export a table with sqlite3 -csv FILE 'select …'"),
    (
      [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1],
      "a workbook of old Excel: save the sheet as CSV"
    ),
    ([0x89] + Array("PNG".utf8), "a PNG picture: convert pictures to PGM, PBM or an array"),
    ([0xFF, 0xD8, 0xFF], "a JPEG picture: convert pictures to PGM, PBM or an array"),
    (Array("GIF8".utf8), "a GIF picture: convert pictures to PGM, PBM or an array"),
    (Array("%PDF".utf8), "a PDF document: copy its table into a CSV"),
    (Array("{\\rtf".utf8), "an RTF document: save it as plain text"),
    (Array("MATLAB 5.0 MAT".utf8), "a MATLAB file: save the matrix with writematrix(X, 'FILE.csv')"),
    (Array("$FL2".utf8), "an SPSS file: pipe it, \(python)pandas.read_spss(\"FILE\")\(toCSV)"),
    (Array("$FL3".utf8), "an SPSS file: pipe it, \(python)pandas.read_spss(\"FILE\")\(toCSV)"),
    (Array("<stata_dta>".utf8), "a Stata file: pipe it, \(python)pandas.read_stata(\"FILE\")\(toCSV)"),
    ([0x1F, 0x8B], "gzip data within gzip data: unpack it once with gzip -d"),
    (Array("RDX".utf8), "an R workspace: save the table with write.csv(x, 'FILE.csv', row.names = FALSE)"),
    (
      [0x58, 0x0A, 0, 0, 0],
      "an R object: save the table with write.csv(x, 'FILE.csv', row.names = FALSE)"
    ),
    (Array("version https://git-lfs".utf8), "a pointer of Git LFS: fetch the file itself with git lfs pull"),
  ]

  /// Throws if a file is something else than a text with a table, and says what it is and what to do.
  static func check(_ source: ByteSource) throws(DensityError) {
    let start = try source.peek(DataTable.startLength)
    if let what = name(of: Array(start)) {
      throw source.malformed(at: 0, expected: "a table of 0 and 1", found: what)
    }
  }

  private static func name(of start: [UInt8]) -> String? {
    if let (magic, what) = starts.first(where: { start.starts(with: $0.start) }) {
      // Letters alone may also be the name of a column.
      let isNoText = start.prefix(256).contains { $0 < 0x09 || $0 >= 0x80 || (0x0E..<0x20).contains($0) }
      if isNoText || magic.count > 8 || magic.starts(with: "%PDF".utf8) || magic.first == 0x7B { return what }
    }
    if start.count > 8, start[8] == 0x7B, start[5..<8].allSatisfy({ $0 == 0 }) {
      return "a safetensors file: is it a checkpoint, where a table belongs?"
    }
    if start.count > 4, (0x68...0x77).contains(start[0]), (1...2).contains(start[1]), start[2] == 1,
      start[3] == 0
    {
      return "a Stata file: pipe it, \(python)pandas.read_stata(\"FILE\")\(toCSV)"
    }
    if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) {
      return "a pickle of Python: save the table with numpy.save or to_csv"
    }
    var text = start[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    text = text.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
    let lower = String(decoding: text.prefix(64), as: UTF8.self).lowercased()
    if lower.hasPrefix("<!doctype html") || lower.hasPrefix("<html") || lower.hasPrefix("<head") {
      return "a page of HTML: was a page downloaded instead of the file?"
    }
    if lower.hasPrefix("<?xml") || lower.hasPrefix("<!--") || lower.hasPrefix("<svg") {
      return "an XML file: export the table as CSV"
    }
    if isPrintout(lower) {
      return "a printout of an array: save the table with numpy.savetxt, or with write.csv in R"
    }
    if lower.hasPrefix("{") || lower.hasPrefix("[") {
      return "JSON: pipe it, \(python)pandas.read_json(\"FILE\")\(toCSV)"
    }
    return nil
  }

  /// Whether a text begins as numpy (`[[1 0]`) or R (`[1,]`, `[,1]`) print an array.
  private static func isPrintout(_ text: String) -> Bool {
    let inner = text.drop { $0 == "[" || $0 == " " }
    guard text.hasPrefix("["), let row = inner.split(whereSeparator: { "]\n\r".contains($0) }).first else {
      return false
    }
    if row.hasPrefix(",") || row.hasSuffix(",") && text.contains(",]") { return true }
    return !row.contains(",") && row.split(separator: " ").count > 1 && !row.contains("\"")
      && !row.contains("{")
  }

  /// Throws where the text, in UTF-8, begins with bytes that no text has.
  static func checkText(_ bytes: UnsafeBufferPointer<UInt8>, path: String) throws(DensityError) {
    // The blanks of a text, and the end-of-file mark of old systems.
    let controls: ClosedRange<UInt8> = 0x09...0x0D
    guard let place = bytes.firstIndex(where: { $0 < 0x20 && !controls.contains($0) && $0 != 0x1A }) else {
      return
    }
    throw .malformed(
      path: path, at: .byte(place), expected: "a table: a text of 0 and 1, or an array that density reads",
      found: "a byte \(hexadecimal(bytes[place])): a binary file, not a table")
  }
}
