import BinaryDensity

/// Where completed rows go: lines of text, a table of bits or of numbers, a picture, or standard output.
struct ImputeSink {
  enum Kind: Hashable {
    /// Lines of text, as the rows were read.
    case text(TableFile)
    case table(TableFile)
    case numbers(NumberTableFile)
    case picture
    case standardOutput

    /// - Throws: `DensityError.unwritable` for a name that means nothing that could hold them.
    init(output: String, how: String) throws(DensityError) {
      if output == "-" {
        self = .standardOutput
      } else if output.hasSuffix(".png") {
        self = .picture
      } else if how == "mean", !TableFile.isText(output) {
        self = .numbers(try NumberTableFile(path: output))
      } else {
        let file = try TableFile(path: output, for: .rowsOrPicture)
        self = file.format == .text ? .text(file) : .table(file)
      }
    }

    /// Whether rows are written as they were read.
    var isText: Bool {
      switch self {
      case .text, .standardOutput: true
      case .table, .numbers, .picture: false
      }
    }
  }

  /// Rows, what was known of them, and their completions.
  struct Part {
    let original: PartialRows
    let seen: PartialRows
    let completed: CompletedRows
    /// The rows as they stand in their file, if it is a text.
    let texts: [TableText.Row]?
  }

  struct PictureOptions {
    let across: Int?
    let magnification: Int?
    let hasOriginals: Bool
  }

  private let kind: Kind
  private let path: String
  private let shape: TableWriter.Shape
  private let picture: PictureOptions
  private let text: CompletedText

  init(
    _ kind: Kind, path: String, _ shape: TableWriter.Shape, _ picture: PictureOptions, _ text: CompletedText
  ) {
    self.kind = kind
    self.path = path
    self.shape = shape
    self.picture = picture
    self.text = text
  }

  /// Writes what `produce` hands on, part by part; a file is as it was if that fails.
  ///
  /// - Parameter produce: calls its argument, which says whether more is wanted.
  func writing(
    _ produce: (_ write: (Part) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws {
    switch kind {
    case .text(let file):
      var text = text
      try file.writing { (write) throws(DensityError) in
        try write(text.heading)
        try produce { (part) throws(DensityError) in
          try write(text.lines(part))
          return true
        }
      }
    case .table(let file):
      try file.writing(shape) { (writer) throws(DensityError) in
        try produce { (part) throws(DensityError) in
          guard case .bits(let rows, _) = part.completed else { return false }
          return try writer.write(rows)
        }
      }
    case .numbers(let file):
      try file.writing(shape) { (write) throws(DensityError) in
        try produce { (part) throws(DensityError) in
          for row in 0..<part.seen.rowCount {
            for numbers in part.completed.numbers(ofRow: row) { try write(numbers) }
          }
          return true
        }
      }
    case .standardOutput: try writeToStandardOutput(produce)
    case .picture: try writePicture(produce)
    }
  }

  private func writeToStandardOutput(
    _ produce: (_ write: (Part) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws {
    var text = text
    // Nothing is written before there is a row.
    var heading = text.heading
    try produce { (part) throws(DensityError) in
      defer { heading = [] }
      return try StandardOutput.write(heading + text.lines(part))
    }
  }

  private func writePicture(
    _ produce: (_ write: (Part) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws {
    var rows = CompletionPicture(
      imageShape: shape.imageShape, columnCount: shape.columnCount, names: shape.names,
      hasOriginals: picture.hasOriginals)
    var failure: (any Error)?
    try produce { (part) throws(DensityError) in
      for row in 0..<part.seen.rowCount {
        rows.add(
          original: part.original[row: row], seen: part.seen[row: row],
          completions: part.completed.numbers(ofRow: row))
      }
      do {
        if rows.imageCount > 0 {
          try checkPicture(
            rowCount: rows.imageCount,
            pixelCount: rows.pixelCount(across: picture.across, magnification: picture.magnification))
        }
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
    try rows.image(across: picture.across, magnification: picture.magnification).writePNG(to: path)
  }
}
