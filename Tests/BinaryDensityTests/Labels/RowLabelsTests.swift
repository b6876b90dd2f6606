import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Labels of rows")
struct RowLabelsTests {
  private func read(_ text: String, column: String? = nil, name: String = "rows.csv") throws -> RowLabels {
    try withTemporaryDirectory { folder in
      let path = folder + "/" + name
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return try column.map { try RowLabels.read(column: $0, of: path) } ?? RowLabels.read(path)
    }
  }

  private func complaint(_ text: String, column: String? = nil) -> String {
    do {
      _ = try read(text, column: column)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test("a line each, with any line ends and blanks around")
  func lines() throws {
    let labels = try read("cat\r\n dog \ncat\nbird with wings\n\n\n")
    #expect(labels.classes == ["bird with wings", "cat", "dog"])
    #expect(try labels.indices(in: labels.classes) == [1, 2, 1, 0])
    #expect(try read("10\n9\n-1\n10").classes == ["-1", "9", "10"])
  }

  @Test("a column of a table, by name or number, quoted or not")
  func columns() throws {
    let table = "id,a,kind,b\np1,1,\"big, red\",0\np2,0,small,1\n# note\np3,0,\"big, red\",1\n"
    for column in ["kind", "3"] {
      let labels = try read(table, column: column)
      #expect(labels.classes == ["big, red", "small"] && labels.count == 3)
      #expect(try labels.indices(in: labels.classes) == [0, 1, 0])
    }
    #expect(try read("a\tb\tc\n1\t0\tx\n1\t1\ty\n", column: "c").words == ["x", "y"])
    #expect(try read("a,y\n1,1\n0,0\n1,1\n", column: "y").words == ["1", "0"])
  }

  @Test("labels that are missing, too many, or nowhere are refused at their place")
  func refusals() throws {
    #expect(
      complaint("a\n\nb\n").hasSuffix(
        "line 2: expected a label, found nothing; leave rows without a label out of the table"))
    #expect(
      complaint("a,kind\n1,x\n0,\n", column: "kind").contains(
        "line 3, column 2 (\"kind\"): expected a label, found nothing"))
    #expect(complaint("a,kind\n1,x\n0,NA\n", column: "kind").contains("line 3, column 2"))
    let many = (0..<3000).map { "w\($0)" }.joined(separator: "\n")
    #expect(complaint(many).contains("line 1025: expected labels of at most 1024 classes"))
    #expect(complaint(String(repeating: "x", count: 5000)).contains("5000 bytes"))
    #expect(complaint("a,kind\n1,x\n0,y\n", column: "sort").contains("--labels sort: no such column"))
    let labels = try read("cat\ndog\n")
    #expect(throws: DensityError.self) { try labels.indices(in: ["cat"]) }
    #expect(throws: DensityError.self) { try labels.check(rowCount: 3, of: "table") }
  }

  @Test("IDX of whole numbers along one axis, plain and gzip")
  func idx() throws {
    try withTemporaryDirectory { folder in
      let array = IDXArray(dimensions: [4], elements: .uint8([7, 2, 7, 10]))
      for name in ["labels", "labels.gz"] {
        try array.write(to: folder + "/" + name)
        let labels = try RowLabels.read(folder + "/" + name)
        #expect(labels.classes == ["2", "7", "10"] && labels.count == 4)
      }
      try IDXArray(dimensions: [2, 2], elements: .uint8([7, 2, 7, 1])).write(to: folder + "/square")
      #expect(throws: DensityError.self) { try RowLabels.read(folder + "/square") }
      try IDXArray(dimensions: [1], elements: .float32([7])).write(to: folder + "/real")
      #expect(throws: DensityError.self) { try RowLabels.read(folder + "/real") }
    }
  }

  @Test("rows and labels go together, and are held out together")
  func splits() throws {
    let rows = BinaryMatrix.random(40, 3, seed: 1)
    let words = (0..<40).map { row in (0..<3).contains { rows[row, $0] } ? "some" : "none" }
    let data = DataSplits(name: "rows", train: rows)
    let labelled = try LabelledSplits(data, [.train: RowLabels(words)])
    #expect(labelled.classes == ["none", "some"] && labelled.classCounts.reduce(0, +) == 40)
    let held = try labelled.holdingOutValidation(seed: 5)
    #expect(try held.data.train == data.holdingOutValidation(seed: 5).train)
    for split in [DataSplit.train, .validation] {
      let (rows, labels) = (try #require(held.data[split]), try #require(held[split]))
      #expect(rows.rowCount == labels.count)
      for row in 0..<rows.rowCount {
        #expect((labels[row] == 1) == (0..<3).contains { rows[row, $0] })
      }
    }
    #expect(throws: DensityError.self) {
      try LabelledSplits(data, [.train: RowLabels(Array(words.dropLast()))])
    }
    #expect(throws: DensityError.self) {
      try LabelledSplits(data, [.train: RowLabels(words.map { _ in "one" })])
    }
    #expect(throws: DensityError.self) {
      try LabelledSplits(
        DataSplits(name: "rows", train: rows, validation: rows),
        [.train: RowLabels(words), .validation: RowLabels(words.map { $0 + "!" })])
    }
  }
}
