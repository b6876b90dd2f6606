import Arguments
import BinaryDensity

/// The file of all parts, of those of each, in their order.
struct MergedFiles {
  let parts: [(path: String, record: ShardRecord)]

  func write(to output: String) throws {
    switch parts[0].record.command {
    case LogProbCommand.command.name: try writeNumbers(to: TableFile(path: output, for: .numbers))
    case SampleCommand.command.name: try writeRows(to: TableFile(path: output))
    case ScoreCommand.command.name:
      guard TableFile.isText(output) else {
        throw UsageError("--output \(output): scores are written as .csv or .txt, or these and .gz")
      }
      try writeLines(to: TableFile(path: output))
    case CompressCommand.command.name: try writeBytes(to: output)
    default:
      throw DensityError.mismatch(
        path: parts[0].path, expected: "a part of logprob, sample, score or compress",
        found: "one of '\(parts[0].record.command)'")
    }
  }

  private func goOn() throws(DensityError) { if Interrupt.isRequested { throw .interrupted } }

  private func writeNumbers(to file: TableFile) throws {
    try file.writingNumbers { (writer) throws(DensityError) in
      for (path, record) in parts {
        let before = writer.count
        try NumberColumn.forEachBlock(of: path) { (numbers) throws(DensityError) in
          try goOn()
          try writer.write(numbers)
        }
        try check(path, record, rowCount: writer.count - before)
      }
    }
  }

  private func writeRows(to file: TableFile) throws {
    var options = TableOptions()
    (options.values, options.borrowedWords) = (parts[0].record.values, .values)
    let first = try TableStream(path: parts[0].path, options)
    var shape = TableWriter.Shape(
      columnCount: first.columnCount, names: first.columnNames, imageShape: first.imageShape,
      rowCount: parts[0].record.tableRowCount)
    shape.values = options.values
    try file.writing(shape) { (writer) throws(DensityError) in
      for (path, record) in parts {
        let table = try TableStream(path: path, options)
        guard table.columnCount == first.columnCount else {
          throw .mismatch(
            path: path, expected: "\(first.columnCount) columns", found: "\(table.columnCount)")
        }
        let before = writer.rowCount
        try table.forEachBlock(of: table.blockLength) { (rows) throws(DensityError) in
          try goOn()
          return try writer.write(rows)
        }
        try check(path, record, rowCount: writer.rowCount - before)
      }
    }
  }

  private func writeLines(to file: TableFile) throws {
    try file.writing { (write) throws(DensityError) in
      var isFirst = true
      for (path, record) in parts {
        let source = try ByteSource(path: path)
        var (line, rowCount, piece) = ([UInt8](), -1, [UInt8]())
        while try source.takeLine(into: &line) {
          rowCount += 1
          // Each part begins with the names of the columns.
          if rowCount > 0 || isFirst { piece += line + [0x0A] }
          if piece.count >= 1 << 18 {
            try goOn()
            try write(piece)
            piece.removeAll(keepingCapacity: true)
          }
        }
        try write(piece)
        isFirst = false
        try check(path, record, rowCount: rowCount)
      }
    }
  }

  /// Compressed rows of several parts are those of one file, one after another.
  private func writeBytes(to output: String) throws {
    try AtomicFile.writing(to: output) { (sink) throws(DensityError) in
      for (path, _) in parts {
        let source = try ByteSource(path: path)
        guard try CompressedRows.begins(source.peek(4)) else {
          throw .malformed(path: path, at: .byte(0), expected: "compressed rows", found: "other bytes")
        }
        while true {
          try goOn()
          let piece = try source.take(upTo: 1 << 20)
          guard !piece.isEmpty else { break }
          _ = try sink(Array(piece))
        }
      }
    }
  }

  private func check(_ path: String, _ record: ShardRecord, rowCount: Int) throws(DensityError) {
    guard rowCount != record.rows.count else { return }
    throw .mismatch(
      path: path, expected: "\(record.rows.count) rows, as its record says", found: "\(rowCount)")
  }
}
