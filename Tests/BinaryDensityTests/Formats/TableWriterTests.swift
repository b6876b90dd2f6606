import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Writing rows as they come")
struct TableWriterTests {
  @Test("the bytes of each sparse format, and of pictures")
  func bytes() {
    let rows = BinaryMatrix([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    #expect(
      String(decoding: TableFile.bytes(of: rows, as: .svmlight), as: UTF8.self) == "0 1:1 4:1 5:0\n0\n0 5:1\n"
    )
    #expect(String(decoding: TableFile.bytes(of: rows, as: .items), as: UTF8.self) == "1 4\n\n5\n")
    let pictures = BinaryMatrix([[1, 0, 0, 0, 0, 1]])
    #expect(
      TableFile.bytes(of: pictures, as: .pbm, imageShape: ImageShape(height: 2, width: 3))
        == Array("P4\n3 2\n".utf8) + [0b1000_0000, 0b0010_0000])
  }

  @Test("rows in blocks are the rows at once", arguments: TableFile.Format.allCases, [1, 7, 8, 64, 65, 784])
  func blocks(format: TableFile.Format, columnCount: Int) throws {
    var generator = SplitMix(state: 9)
    let rows = randomBits(rowCount: 1000, columnCount: columnCount, using: &generator)
    let image = format == .pbm ? ImageShape(height: 1, width: columnCount) : nil
    for isCounted in [false, true] {
      var bytes: [UInt8] = []
      let shape = TableWriter.Shape(
        columnCount: columnCount, imageShape: image, rowCount: isCounted ? 1000 : nil)
      let writer = TableWriter(format, shape) { (part) throws(DensityError) in
        bytes += part
        return true
      }
      for start in stride(from: 0, to: 1000, by: 96) {
        #expect(try writer.write(rows.rows(start..<min(start + 96, 1000))))
      }
      try writer.finish()
      #expect(writer.rowCount == 1000)
      #expect(bytes == TableFile.bytes(of: rows, as: format, imageShape: image))
    }
  }

  @Test("sparse tables come back", arguments: [1, 64, 300])
  func sparse(columnCount: Int) throws {
    var generator = SplitMix(state: 2)
    let rows = randomBits(rowCount: 500, columnCount: columnCount, probability: 0.05, using: &generator)
    try withTemporaryDirectory { folder in
      for name in ["a.svm", "a.svm.gz", "a.dat", "a.items.gz"] {
        let file = try TableFile(path: folder + "/" + name)
        try file.write(rows)
        var options = TableOptions()
        // What is in no basket is in no list.
        if file.format == .items { (options.format, options.columnCount) = ("items", columnCount) }
        let table = try DataTable.read(file.path, options)
        #expect(table.contents == .bits(rows), "\(name)")
      }
    }
  }

  @Test("names are the first line of CSV")
  func namesInText() throws {
    let names = ["a", "b c", "0", "x,y", "say \"hi\"", "true", "größe", ""]
    let rows = BinaryMatrix([[1, 0, 1, 0, 1, 0, 1, 0]])
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/a.csv")
      try file.write(rows, names: names)
      let text = try String(contentsOfFile: file.path, encoding: .utf8)
      #expect(text == "a,b c,\"0\",\"x,y\",\"say \"\"hi\"\"\",\"true\",größe,\"\"\n1,0,1,0,1,0,1,0\n")
    }
  }

  @Test("missing cells are nothing in CSV, NaN in NPY, and refused by others")
  func missing() throws {
    let rows = PartialRows([[1, nil, 0], [nil, 0, 1], [1, 1, 1]])
    func bytes(_ format: TableFile.Format, _ rows: PartialRows) throws -> [UInt8] {
      var bytes: [UInt8] = []
      let writer = TableWriter(format, .init(columnCount: rows.columnCount)) { (part) throws(DensityError) in
        bytes += part
        return true
      }
      try writer.write(rows)
      try writer.finish()
      return bytes
    }
    #expect(try String(decoding: bytes(.text, rows), as: UTF8.self) == "1,,0\n,0,1\n1,1,1\n")
    #expect(try String(decoding: bytes(.text, PartialRows([[1], [nil]])), as: UTF8.self) == "1\nNA\n")
    let npy = try bytes(.npy, rows)
    let numbers = npy.suffix(36).withUnsafeBytes { [Float]($0, order: .little) }
    #expect(numbers.map { $0.isNaN ? -1 : $0 } == [1, -1, 0, -1, 0, 1, 1, 1, 1])
    let reason = "row 1, column 2 is missing, which only CSV, NPY and packed files can say"
    for format in [TableFile.Format.idx, .svmlight, .items] {
      #expect(throws: DensityError.unwritable(path: "standard output", reason: reason)) {
        try bytes(format, rows)
      }
    }
  }

  @Test("a cell that is missing late makes floats of the rows before it, too")
  func missingLate() throws {
    let values = BinaryMatrix.random(500, 70, seed: 9)
    var known = BinaryMatrix(rowCount: 500, columnCount: 70) { _, _ in true }
    known[450, 69] = false
    func bytes(blocks: [Range<Int>]) throws -> [UInt8] {
      var bytes: [UInt8] = []
      let writer = TableWriter(.npy, .init(columnCount: 70)) { (part) throws(DensityError) in
        bytes += part
        return true
      }
      for rows in blocks {
        if rows.contains(450) {
          try writer.write(PartialRows(values: values.rows(rows), known: known.selecting(rows)))
        } else {
          try writer.write(values.rows(rows))
        }
      }
      try writer.finish()
      return bytes
    }
    let blocks = try bytes(blocks: [0..<64, 64..<65, 65..<400, 400..<460, 460..<500])
    #expect(try blocks == bytes(blocks: [0..<500]))
    #expect(
      blocks.suffix(4 * 35_000).withUnsafeBytes { [Float]($0, order: .little) }.count(where: \.isNaN) == 1)
  }

  @Test("what fails on the way leaves the file as it was")
  func atomic() throws {
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/a.csv")
      try file.write(BinaryMatrix([[1]]))
      let error = DensityError.invalidConfiguration("no more")
      #expect(throws: error) {
        try file.writing(.init(columnCount: 1)) { (writer) throws(DensityError) in
          try writer.write(BinaryMatrix(rowCount: 1_000_000, columnCount: 1))
          throw error
        }
      }
      #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "1\n")
      #expect(try names(in: folder) == ["a.csv"])
      let none = try TableFile(path: folder + "/none/a.svm")
      let reason = "there is no folder \(folder)/none"
      #expect(throws: DensityError.unwritable(path: none.path, reason: reason)) {
        try none.write(BinaryMatrix([[1]]))
      }
    }
  }

  @Test("gzip of several members comes back")
  func members() throws {
    var generator = SplitMix(state: 3)
    let rows = randomBits(rowCount: 50_000, columnCount: 100, using: &generator)
    try withTemporaryDirectory { folder in
      let file = try TableFile(path: folder + "/a.csv.gz")
      try file.write(rows)
      #expect(try DataTable.read(file.path).contents == .bits(rows))
    }
  }

  @Test("missing cells, names and pictures come back")
  func comesBack() throws {
    var generator = SplitMix(state: 6)
    let values = randomBits(rowCount: 300, columnCount: 12, using: &generator)
    let known = randomBits(rowCount: 300, columnCount: 12, probability: 0.9, using: &generator)
    let rows = PartialRows(values: values, known: known)
    let columnNames = ["a", "b c", "0", "x,y", "say \"hi\"", "true", "größe", "1", "NA", "-", "#k", "z"]
    let image = ImageShape(height: 3, width: 4)
    try withTemporaryDirectory { folder in
      for name in ["a.csv", "a.csv.gz", "a.npy"] {
        let file = try TableFile(path: folder + "/" + name)
        try file.writing(.init(columnCount: 12, names: columnNames)) { (writer) throws(DensityError) in
          try writer.write(rows)
        }
        let table = try DataTable.read(file.path)
        #expect(table.contents == .partial(rows), "\(name)")
        if file.format == .text { #expect(table.columnNames == columnNames) }
      }
      let pictures = try TableFile(path: folder + "/a.pbm.gz")
      try pictures.write(values, imageShape: image)
      let table = try DataTable.read(pictures.path)
      #expect(table.contents == .bits(values) && table.imageShape == image)
      let thin = try TableFile(path: folder + "/thin.csv")
      let column = PartialRows([[1], [nil], [0], [nil]])
      try thin.writing(.init(columnCount: 1)) { (writer) throws(DensityError) in try writer.write(column) }
      #expect(try DataTable.read(thin.path).contents == .partial(column))
    }
  }
}
