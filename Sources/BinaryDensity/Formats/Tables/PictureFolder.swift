import Essentials

/// The pictures of a folder, in PBM or PGM, sorted by their files' names: each is a row.
final class PictureFolder: TableReader {
  let layout: TableLayout
  /// The folder.
  let path: String
  private let names: [String]
  private let first: PortableMapHeader
  /// How many of the files are read.
  private var doneCount = 0

  /// Looks at the names and the first picture.
  ///
  /// - Throws: `missingFile`, `unreadable`; `mismatch` for a folder without pictures, or with pictures in another format.
  init(path: String) throws(DensityError) {
    self.path = path
    let all = try Folder.names(in: path).filter { !$0.hasPrefix(".") }
    names = all.filter(Self.isPicture)
    if let other = all.first(where: { name in Self.otherEnds.contains { name.lowercased().hasSuffix($0) } }) {
      throw .mismatch(
        path: path, expected: "pictures in PBM or PGM",
        found: "\(quoted(other.utf8)); convert such files first")
    }
    if names.isEmpty, let part = all.first(where: { $0.contains("idx3-ubyte") || $0.contains("idx1-ubyte") })
    {
      throw .mismatch(
        path: path, expected: "a table, or a folder of pictures",
        found: "the parts of a data set; name one of its files, such as \(Folder.path(path, part))")
    }
    guard let name = names.first else {
      throw .mismatch(
        path: path, expected: "MNIST's files, or pictures whose names end in .pbm or .pgm",
        found: Folder.list(all))
    }
    first = try PortableMapPictures(ByteSource(path: Folder.path(path, name))).header
    layout = first.layout
  }

  /// Whether a file is taken for one of pictures, by its name.
  fileprivate static func isPicture(_ name: String) -> Bool {
    let name = name.lowercased()
    return !name.hasPrefix(".") && ends.contains { name.hasSuffix($0) || name.hasSuffix($0 + ".gz") }
  }

  private static let ends = [".pbm", ".pgm", ".pnm"]
  private static let otherEnds = [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".webp"]

  /// How much of the files is read.
  var fraction: Double { Double(doneCount) / Double(names.count) }

  func forEachBlock(
    of length: Int, _ body: (TableBlock) throws(DensityError) -> Bool
  ) throws(DensityError) -> Bool {
    var builder = BlockBuilder(columnCount: layout.columnCount, length: length)
    doneCount = 0
    for name in names {
      var pictures = try PortableMapPictures(ByteSource(path: Folder.path(path, name)))
      guard pictures.header.shape == first.shape, pictures.header.isGrey == first.isGrey else {
        throw .mismatch(
          path: Folder.path(path, name),
          expected: "\(PortableMapPictures.text(first)) as in \(names[0])",
          found: PortableMapPictures.text(pictures.header))
      }
      doneCount += 1
      repeat {
        guard try pictures.add(to: &builder, body) else { return false }
      } while try pictures.beginNext()
    }
    return try builder.finish(body)
  }
}

extension DataTable {
  /// Whether a folder holds pictures in PBM or PGM, which `read` then reads.
  package static func holdsPictures(folder path: String) -> Bool {
    (try? Folder.names(in: path))?.contains(where: PictureFolder.isPicture) ?? false
  }
}

/// What stands in a folder.
enum Folder {
  /// Whether a folder stands at a path.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Returns the names of what stands in a folder, sorted, without `.` and `..`.
  ///
  /// - Throws: `missingFile`, `unreadable`.
  static func names(in path: String) throws(DensityError) -> [String] {
    guard let folder = opendir(path) else {
      let error = SystemError.last
      throw error.code == ENOENT
        ? .missingFile(path: path) : .unreadable(path: path, reason: error.reason)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Returns the path of what stands in a folder.
  static func path(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// Says in a few words what stands there.
  static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "an empty folder" }
    // Names may hold anything; what is shown is one line.
    let some = names.prefix(8).map { String($0.prefix(80)).debugDescription }.joined(separator: ", ")
    return names.count > 8 ? "\(some) and \(names.count - 8) others" : some
  }
}
