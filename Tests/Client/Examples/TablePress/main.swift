// Compresses a table of 0 and 1 by a model of such tables, without loss, and gives it back:
//
//     TablePress learn TABLE MODEL.safetensors
//     TablePress compress MODEL.safetensors TABLE TABLE.bdr
//     TablePress decompress MODEL.safetensors TABLE.bdr TABLE.csv
//
// `compress` prints the size beside that of the same rows as CSV and as packed bits, each compressed by gzip. The model
// has to be there to decompress: it pays where one model serves many tables.

import BinaryDensity
import Foundation

/// The size of a file that a table is written to and that is then removed.
func byteCount(_ rows: BinaryMatrix, as name: String) throws -> Int {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("press-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let path = folder.appendingPathComponent(name).path
  try TableFile(path: path).write(rows)
  return try Data(contentsOf: URL(fileURLWithPath: path)).count
}

func learn(_ table: String, _ model: String) throws {
  let read = try DataTable.read(table)
  let rows = try read.rows(split: .train)
  let tree = try ChowLiuTree.fit(to: rows)
  try Checkpoint(model: tree, imageShape: read.imageShape, columnNames: read.columnNames).write(to: model)
  print("a tree of \(rows.columnCount) columns, from \(rows.rowCount) rows")
}

func compress(_ model: String, _ table: String, _ output: String) throws {
  let checkpoint = try Checkpoint(contentsOf: model)
  let read = try DataTable.read(table)
  let rows = try read.rows(split: .test)
  guard rows.columnCount == checkpoint.model.variableCount else {
    throw DensityError.mismatch(
      path: table, expected: "\(checkpoint.model.variableCount) columns", found: "\(rows.columnCount)")
  }
  let bytes = try checkpoint.model.coder().compress(rows, columnNames: read.columnNames)
  try Data(bytes).write(to: URL(fileURLWithPath: output), options: .atomic)

  let packed = rows.rowCount * ((rows.columnCount + 7) / 8)
  let gzips = [
    ("CSV", try byteCount(rows, as: "rows.csv.gz")), ("bytes", try byteCount(rows, as: "rows.npy.gz")),
  ]
  print("\(rows.rowCount) rows in \(bytes.count) bytes; \(packed) packed eight to a byte")
  for (name, size) in gzips {
    let ratio = String(format: "%.2f", Double(size) / Double(bytes.count))
    print("gzip of \(name): \(size) bytes, \(ratio) times as many")
  }
}

func decompress(_ model: String, _ input: String, _ output: String) throws {
  let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: input)))
  let checkpoint = try Checkpoint(contentsOf: model)
  // Damaged bytes, and those of another model, are refused.
  let rows = try checkpoint.model.coder().decompress(bytes)
  try TableFile(path: output).write(rows, names: checkpoint.columnNames, imageShape: checkpoint.imageShape)
  print("\(rows.rowCount) rows of \(rows.columnCount) columns")
}

do {
  let arguments = Array(CommandLine.arguments.dropFirst())
  switch (arguments.first, arguments.count) {
  case ("learn", 3): try learn(arguments[1], arguments[2])
  case ("compress", 4): try compress(arguments[1], arguments[2], arguments[3])
  case ("decompress", 4): try decompress(arguments[1], arguments[2], arguments[3])
  default:
    print("usage: TablePress learn TABLE MODEL | compress MODEL TABLE OUTPUT | decompress MODEL INPUT OUTPUT")
    exit(2)
  }
} catch {
  FileHandle.standardError.write(Data("TablePress: \(error)\n".utf8))
  exit(1)
}
