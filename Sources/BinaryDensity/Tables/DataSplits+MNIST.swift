import Kernels

extension DataSplits {
  /// Reads pictures that are kept as those of MNIST are: MNIST itself, Fashion-MNIST, one of EMNIST's splits, QMNIST, or
  /// others of any number and size.
  ///
  /// The first five sixths of the training file's pictures are for training and the last sixth for validation: of MNIST
  /// 50 000 and 10 000. Those of the test file are for testing. The files are called
  /// `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte` (or `test-images-…`), with a dot for the second dash, without
  /// `-ubyte`, with a set's name such as `emnist-letters-` before, plain or with `.gz` behind; a plain file goes before a
  /// compressed one. Labels are not read; see `RowLabels.mnist(directory:)`. A stochastic draw takes the row of an image in its file,
  /// so validation rows are rows 50 000 … 59 999 of the stream `.train`.
  ///
  /// - Throws: `DensityError.missingFile`, `.unreadable`, `.malformed`; `.mismatch` for a folder without such files, or
  ///   with those of several sets, and for a sound file of another shape.
  /// - Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
  public static func mnist(
    directory: String, binarization: Binarization = .standard
  ) throws(DensityError) -> DataSplits {
    OptimisationWarning.giveOnce()
    let files = try PictureFiles(in: directory)
    let train = try pictures(files.train, like: nil)
    let test = try pictures(files.test, like: train.imageShape)
    let isGrey = train.greyLevels != nil || test.greyLevels != nil
    let rows = try train.rows(binarization, split: .train)
    guard rows.rowCount > 1 else {
      throw .mismatch(path: files.train, expected: "at least two pictures", found: "\(rows.rowCount)")
    }
    let learned = 0..<max(1, rows.rowCount * 5 / 6)
    return DataSplits(
      name: files.set.isEmpty ? "mnist" : files.set, train: rows.rows(learned),
      validation: rows.rows(learned.upperBound..<rows.rowCount),
      test: try test.rows(binarization, split: .test), imageShape: train.imageShape,
      binarization: isGrey ? binarization : nil,
      trainLevels: binarization.isDynamic ? train.greyLevels?.rows(learned) : nil)
  }

  private static func pictures(_ path: String, like shape: ImageShape?) throws(DensityError) -> DataTable {
    var options = TableOptions()
    options.format = IDXFormat().name
    let source = try ByteSource(path: path)
    let (type, dimensions) = try IDXArray.readHeader(from: source)
    let size = shape.map { "\($0.height) × \($0.width)" } ?? "height × width"
    guard type == .uint8, dimensions.count == 3,
      shape.map({ dimensions[1...] == [$0.height, $0.width] }) ?? true
    else {
      throw .mismatch(
        path: path, expected: "count × \(size) unsigned bytes", found: "\(shapeText(dimensions)) of \(type)")
    }
    return try DataTable.read(path, options)
  }
}

/// The two files of pictures that a folder holds, found by their names.
struct PictureFiles: Equatable {
  /// What stands before `train-images`, without the dash: empty for MNIST's own names.
  let set: String
  /// The path of the training pictures.
  let train: String
  /// The path of the test pictures.
  let test: String

  /// Looks for the files.
  ///
  /// - Throws: `missingFile` and `unreadable` for the folder; `mismatch` for one without such files, or with several sets.
  init(in directory: String) throws(DensityError) {
    let names = try Folder.names(in: directory)
    var sets: [String: [Role: String]] = [:]
    // Names are sorted, and a plain file stands before its .gz.
    for name in names {
      guard let (set, role) = Self.meaning(of: name) else { continue }
      if sets[set]?[role] == nil { sets[set, default: [:]][role] = name }
    }
    let whole = sets.filter { $0.value.count == 2 }.keys.sorted()
    guard whole.count < 2 else {
      throw .mismatch(
        path: directory, expected: "the pictures of one set",
        found: "those of \(whole.map { $0.isEmpty ? "mnist" : $0 }.joined(separator: ", ")); "
          + "put each into a folder of its own")
    }
    guard let set = whole.first, let train = sets[set]?[.train], let test = sets[set]?[.test] else {
      throw .mismatch(
        path: directory,
        expected:
          "train-images-idx3-ubyte and t10k-images-idx3-ubyte, or these names with .idx3-ubyte or .idx3, "
          + "with a set's name and a dash before, with .gz behind",
        found: Folder.list(names.filter { !$0.hasPrefix(".") }))
    }
    self.set = set
    self.train = Folder.path(directory, train)
    self.test = Folder.path(directory, test)
  }

  private enum Role { case train, test }

  /// Returns the set and the role that a name means, if it means any.
  private static func meaning(of name: String) -> (set: String, role: Role)? {
    var rest = name.lowercased()[...]
    if rest.hasSuffix(".gz") { rest = rest.dropLast(3) }
    guard let end = ["-idx3-ubyte", ".idx3-ubyte", "-idx3", ".idx3"].first(where: { rest.hasSuffix($0) })
    else { return nil }
    rest = rest.dropLast(end.count)
    for (word, role) in [("train-images", Role.train), ("t10k-images", .test), ("test-images", .test)]
    where rest.hasSuffix(word) {
      let set = rest.dropLast(word.count)
      if set.isEmpty || set.hasSuffix("-") { return (String(set.dropLast()), role) }
    }
    return nil
  }
}

extension Binarization {
  /// Whether the training rows change from epoch to epoch.
  public var isDynamic: Bool {
    if case .dynamic = self { true } else { false }
  }
}
