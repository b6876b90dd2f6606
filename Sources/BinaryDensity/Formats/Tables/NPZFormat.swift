/// NumPy's archive of arrays, and SciPy's of a sparse matrix.
struct NPZFormat: TableFormat {
  let name = "npz"
  let summary = "NumPy's archive of arrays (one, or --array NAME), and SciPy's of a sparse matrix"

  func recognizes(_ start: ArraySlice<UInt8>, path: String) -> Bool {
    start.starts(with: ZipArchive.magic) || start.starts(with: [0x50, 0x4B, 0x05, 0x06])
  }

  func open(_ source: ByteSource, _ options: TableOptions) throws(DensityError) -> any TableReader {
    let archive = try ZipArchive(source.randomAccess(to: "a zip archive"))
    let arrays = archive.entries.filter { $0.name.hasSuffix(".npy") }
    guard !arrays.isEmpty else {
      throw source.malformed(at: 0, expected: "an .npz archive of arrays", found: Self.words(archive.entries))
    }
    let names = Set(arrays.map(Self.arrayName))
    if options.array == nil,
      names.isSuperset(of: ["format", "shape"]) || names.isSuperset(of: ["row", "col"])
    {
      return try SparseArchive(archive, source, options).selecting(options)
    }
    let entry = try Self.entry(of: arrays, archive, source, options)
    source.turn(to: try archive.input(entry), part: "array \(quoted(Self.arrayName(entry).utf8))")
    return try NPYFormat.reader(
      source, options, format: "NPZ array \(quoted(Self.arrayName(entry).utf8))"
    ).selecting(options)
  }

  /// The name under which NumPy gives an entry.
  static func arrayName(_ entry: ZipArchive.Entry) -> String { String(entry.name.dropLast(4)) }

  /// Returns the array that is asked for, or the only one.
  private static func entry(
    of arrays: [ZipArchive.Entry], _ archive: ZipArchive, _ source: ByteSource, _ options: TableOptions
  ) throws(DensityError) -> ZipArchive.Entry {
    if let wanted = options.array {
      if let entry = arrays.first(where: { arrayName($0) == wanted || $0.name == wanted }) { return entry }
      throw .mismatch(
        path: archive.path, expected: "an array \(quoted(wanted.utf8))", found: list(arrays, archive))
    }
    if arrays.count == 1 { return arrays[0] }
    throw .mismatch(
      path: archive.path, expected: "one array, or --array NAME", found: list(arrays, archive))
  }

  /// Names some arrays with their shapes.
  private static func list(_ arrays: [ZipArchive.Entry], _ archive: ZipArchive) -> String {
    let some = arrays.prefix(12).map { entry in
      let name = quoted(arrayName(entry).utf8)
      guard let input = try? archive.input(entry),
        let dictionary = try? NPYDictionary(from: ByteSource(input, part: name))
      else { return name }
      let type = NPYHeader.ElementType(rawValue: String(dictionary.code.dropFirst()))?.name
      return "\(name) (\(shapeText(dictionary.dimensions))\(type.map { " \($0)" } ?? ""))"
    }
    return some.joined(separator: ", ") + (arrays.count > 12 ? " and \(arrays.count - 12) others" : "")
  }

  /// What an archive without arrays is.
  private static func words(_ entries: [ZipArchive.Entry]) -> String {
    func has(_ start: String) -> Bool { entries.contains { $0.name.hasPrefix(start) } }
    if has("xl/") { return "an Excel workbook; save its sheet as CSV" }
    if has("word/") { return "a Word document; save its table as CSV" }
    if has("ppt/") { return "a PowerPoint file" }
    if has("mimetype") || has("content.xml") { return "an OpenDocument file; save its sheet as CSV" }
    if has("META-INF/MANIFEST.MF") { return "a Java archive" }
    if entries.contains(where: { $0.name.hasSuffix("data.pkl") }) {
      return "a PyTorch file; save its table with numpy.save"
    }
    guard let first = entries.first else { return "a zip archive of nothing" }
    return "a zip archive (its first entry is \(quoted(first.name.utf8))); unpack it first"
  }
}
