import BinaryDensity
import Testing

@Suite("Tables of text: what is wrong with them")
struct TextErrorTests {
  static func cell(_ line: Int, _ column: Int, _ name: String? = nil) -> DensityError.Location {
    .lineCell(line: line, column: column - 1, name: name)
  }

  static let ifNames = "; --header yes takes line 1 for names)"
  static let ifTitle = " (is line 1 a title? delete it, or put # before it)"
  static let noRow = "a row of 0 and 1"
  static let end = "the end of the file"

  static let wrong: [(String, Malformed)] = [
    ("", Malformed(.byte(0), "a table of 0 and 1", "an empty file")),
    ("\n \n", Malformed(.line(2), noRow, end)), ("a,b\n", Malformed(.line(1), noRow, end)),
    ("\u{FEFF}", Malformed(.line(0), noRow, end)), ("# c\n", Malformed(.line(1), noRow, end)),
    // Values.
    (
      "1,0\n0,2\n",
      Malformed(
        cell(2, 2), "0 or 1",
        "\"2\" (--missing 2 takes it for a missing cell, --ignore 2 leaves the column out)")
    ),
    ("a,b\n\n1,0\n0,-1\n", Malformed(cell(4, 2, "b"), "0 or 1", "\"-1\" (--values -1,1 takes -1 for 0)")),
    (
      "-1,1\n1,-1\n",
      Malformed(cell(1, 1), "0 or 1", "\"-1\" (--values -1,1 takes -1 for 0 and 1 for 1)")
    ),
    (
      "id,a\n17,1\n18,0\n",
      Malformed(
        cell(2, 1, "id"), "0 or 1", "\"17\" (no bits in this column? --ignore id leaves the column out)")
    ),
    (
      "milk,bread\nbread,tea\n",
      Malformed(
        cell(2, 1, "milk"), "0 or 1",
        "\"bread\" (no bits in any column; if each line lists what is on, say --format items)")
    ),
    (
      "u17,1\nu18,0\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"u17\" (no bits in this column? --ignore 1 leaves the column out\(ifNames)")
    ),
    (
      "a,my day\n0,2020-01-02\n",
      Malformed(
        cell(2, 2, "my day"), "0 or 1",
        "\"2020-01-02\" (no bits in this column? --ignore \"my day\" leaves the column out)")
    ),
    (
      "01,1\n1,0\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"01\" (--missing 01 takes it for a missing cell, --ignore 1 leaves the column out)")
    ),
    (
      "0,1\n1_0,1\n",
      Malformed(
        cell(2, 1), "0 or 1",
        "\"1_0\" (--missing 1_0 takes it for a missing cell, --ignore 1 leaves the column out)")
    ),
    (
      "0.5 1\n0 1\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"0.5\" (--missing 0.5 takes it for a missing cell, --ignore 1 leaves the column out)")
    ),
    (
      "a,0,0\n1,0,1\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"a\" (--missing a takes it for a missing cell, --ignore 1 leaves the column out\(ifNames)")
    ),
    (
      "1,0,oops\n0,1,1\n1,1,0\n",
      Malformed(
        cell(1, 3), "0 or 1",
        "\"oops\" (--missing oops takes it for a missing cell, --ignore 3 leaves the column out\(ifNames)")
    ),
    (
      "1,9\n0,1\n1,1\n",
      Malformed(
        cell(1, 2), "0 or 1",
        "\"9\" (--missing 9 takes it for a missing cell, --ignore 2 leaves the column out)")
    ),
    (
      "2,0\n0,1\n1,1\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"2\" (--missing 2 takes it for a missing cell, --ignore 1 leaves the column out)")
    ),
    (
      "a,b\n1,0\n#VALUE!,1\n0,1\n",
      Malformed(
        cell(3, 1, "a"), "0 or 1",
        "\"#VALUE!\" (--missing #VALUE! takes it for a missing cell, --ignore a leaves the column out)")
    ),
    (
      "#REF!,1\n0,1\n0,0\n",
      Malformed(
        cell(1, 1), "0 or 1",
        "\"#REF!\" (--missing #REF! takes it for a missing cell, --ignore 1 leaves the column out\(ifNames)")
    ),
    (
      "a\n1\n#x\n0\n",
      Malformed(
        cell(3, 1, "a"), "0 or 1",
        "\"#x\" (--missing #x takes it for a missing cell, --ignore a leaves the column out)")
    ),
    ("yes,1\ntrue,0\n", Malformed(cell(2, 1), "yes or no, as above", "\"true\"")),
    (
      "a,b\n1,0\na,b\n0,1\n",
      Malformed(cell(3, 1, "a"), "0 or 1", "\"a\" (the name of the column again: were files joined?)")
    ),
    (
      "0 1 1000000000000000000000000000000000\n",
      Malformed(
        cell(1, 3), "0 or 1",
        "\"100000000000000000000000\"… (no bits in this column? --ignore 3 leaves the column out)")
    ),
    // Delimiters.
    ("1,0;0,0\n0,1;1,0\n", Malformed(cell(1, 1), "0 or 1", "\"1,0\" (a decimal comma? write 1.0 or 1)")),
    ("1,0 0,0\n0,1 1,0\n", Malformed(cell(1, 1), "0 or 1", "\"1,0\" (a decimal comma? write 1.0 or 1)")),
    (
      "1,0,0\n1;0;0\n0,0,1\n",
      Malformed(
        cell(2, 1), "0 or 1",
        "\"1;0;0\" (semicolon in a table of comma: one delimiter must divide all cells)")
    ),
    (
      "1,0;0,0\n1,0,0,0\n1,0,0,1\n",
      Malformed(
        cell(1, 2), "0 or 1", "\"0;0\" (semicolon in a table of comma: one delimiter must divide all cells)")
    ),
    (
      "1,0\n0 1\n1,1\n",
      Malformed(
        cell(2, 1), "0 or 1", "\"0 1\" (blanks in a table of comma: one delimiter must divide all cells)")
    ),
    (
      "1 0 1\n0 1 1\n1\t\t0 1\n",
      Malformed(
        .line(3), "cells between blanks",
        "two tabs with nothing between them: tabs and spaces both divide the cells of this file")
    ),
    // Lengths.
    ("0 1\n0 1 1\n", Malformed(.line(2), "2 columns as in line 1", "3 columns")),
    ("x y\n\n0 1\n\n0\n", Malformed(.line(5), "2 columns as the names in line 1", "1 column")),
    ("0\n0 1\n", Malformed(.line(2), "1 column as in line 1", "2 columns")),
    (
      "101\n0 1 1\n0 0 1\n",
      Malformed(cell(1, 1), "0 or 1", "\"101\" (no bits in this column? --ignore 1 leaves the column out)")
    ),
    ("1\t0\n1\t0\n1\n", Malformed(.line(3), "2 columns as in line 1", "1 column")),
    ("01\n10\n011\n", Malformed(.line(3), "2 digits as in line 1", "3 digits")),
    (
      "a,b\n1,1,\n1,0,\n0,0,1\n",
      Malformed(.line(2), "2 columns as the names in line 1", "3 columns\(ifTitle)")
    ),
    ("// c\n1,0\n0,1\n", Malformed(.line(2), "1 column as the names in line 1", "2 columns\(ifTitle)")),
    ("; c\n1,0\n0,1\n", Malformed(.line(2), "1 column as the names in line 1", "2 columns\(ifTitle)")),
    (
      "Survey 2020\n1,0\n0,1\n", Malformed(.line(2), "1 column as the names in line 1", "2 columns\(ifTitle)")
    ),
    ("101\n01\n", Malformed(.line(2), "3 digits as in line 1", "2 digits")),
    // Quotes.
    ("1,0\n\"1,0\n1,1\n", Malformed(.line(2), "a quote that closes", end)),
    ("\"1,0\n", Malformed(.line(1), "a quote that closes", "one that does not")),
    (
      "\"1\"0,1\n",
      Malformed(
        cell(1, 1), "0 or 1", "\"\\\"1\\\"0\" (no bits in this column? --ignore 1 leaves the column out)")
    ),
  ]

  @Test("every way a text can be wrong, plain and gzip", arguments: wrong)
  func malformed(text: String, error: Malformed) throws {
    try expectMalformed(text.utf8, error, reading: { try DataTable.read($0) })
    if !text.isEmpty {
      try expectMalformed(Gzip.compress(Array(text.utf8)), error, reading: { try DataTable.read($0) })
    }
  }

  @Test("with options too")
  func withOptions() throws {
    try expectMalformed(
      "a,b\n-1,1\n0,1\n".utf8,
      Malformed(
        Self.cell(3, 1, "a"), "-1 or 1",
        "\"0\" (--missing takes a word for a missing cell, --ignore a leaves the column out)"),
      reading: { try DataTable.read($0, options(values: "-1,1")) })
    try expectMalformed(
      "a,b\n1,0\n".utf8,
      Malformed(
        Self.cell(1, 1), "0 or 1",
        "\"a\" (--missing a takes it for a missing cell, --ignore 1 leaves the column out)"),
      reading: { try DataTable.read($0, options(header: false)) })
  }

  @Test("an empty last column is empty in every row")
  func emptyColumn() throws {
    let text = "a,b\n" + String(repeating: "1,0,\n", count: 300) + "1,0,1\n"
    try expectMalformed(
      text.utf8, Malformed(.line(302), "2 columns as the names in line 1", "3 columns"),
      reading: { try DataTable.read($0) })
  }

  @Test(
    "what is no table is refused by what it is",
    arguments: [
      ("<!DOCTYPE html>\n<html>", "HTML"), ("\n <HTML>", "HTML"), ("<?xml version='1.0'?>", "XML"),
      ("{\"a\": 1}", "JSON"), ("[[0, 1]]", "JSON"), ("%PDF-1.4\n", "PDF"),
      ("PAR1\u{15}\u{4}", "read_parquet"),
      ("SQLite format 3\0", "SQLite"), ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
      ("\u{10}\0\0\0\0\0\0\0{\"w\":0}", "checkpoint"), ("0 1\n0 \0\n", "a binary file, not a table"),
      ("[[1 0]\n [0 1]]\n", "a printout"), ("     [,1] [,2]\n[1,]    1    0\n", "a printout"),
      ("$FL2\0\0", "read_spss"), ("<stata_dta><header>", "read_stata"),
      ("\u{72}\u{2}\u{1}\0\0", "read_stata"),
      ("1,0\n\u{1}\u{2}", "a binary file, not a table"),
    ])
  func refused(text: String, word: String) throws {
    try expectRefusal(text.utf8, word)
  }

  @Test("also where it is no text at all")
  func refusedBytes() throws {
    try expectRefusal([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "read_hdf")
    try expectRefusal([0x89] + Array("PNG\r\n\u{1A}\n".utf8), "PNG")
    try expectRefusal([0x80, 4, 0x95, 0], "pickle")
    try expectRefusal(Gzip.compress(Gzip.compress(Array("1,0\n".utf8))), "gzip data within gzip data")
    try expectRefusal([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "Excel")
    // A column may be called as a file begins.
    try #expect(take("PAR1,ORC\n0,1\n".utf8).names == ["PAR1", "ORC"])
  }

  func expectRefusal(_ bytes: some Collection<UInt8>, _ word: String) throws {
    try withFile(bytes) { path in
      do throws(DensityError) {
        _ = try DataTable.read(path)
        Issue.record("a table")
      } catch {
        #expect(error.description.hasPrefix("\(path): byte ") && error.description.contains(word))
        #expect(!error.description.contains("\n"))
      }
    }
  }

  @Test(
    "a line without end, or a quote, is one error and no memory", arguments: ["", "a,b\n1,0\n", "1,0\n\""])
  func endless(start: String) throws {
    let bytes = Gzip.compress(
      Array(start.utf8) + Array(String(repeating: "1,0,", count: 10 << 20).utf8), level: 1)
    try withFile(bytes) { path in
      let line = start.utf8.count { $0 == 0x0A } + 1
      let found = "none; is it a table of text?"
      let malformed = Malformed(.line(line), "a line end within 32 MiB", found)
      #expect(throws: malformed.error(path: path)) { try DataTable.read(path) }
    }
  }
}
