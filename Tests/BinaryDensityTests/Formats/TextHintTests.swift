import BinaryDensity
import Testing

@Suite("Tables of text: what is advised where a cell is wrong")
struct TextHintTests {
  static let wrong: [(String, Malformed)] = [
    (
      "a,b\non,off\noff,on\n",
      Malformed(
        TextErrorTests.cell(2, 1, "a"), "0 or 1", "\"on\" (--values off,on takes off for 0 and on for 1)")
    ),
    (
      "ja,nein\nnein,ja\nja,ja\n",
      Malformed(
        TextErrorTests.cell(2, 1, "ja"), "0 or 1", "\"nein\" (--values nein,ja takes nein for 0 and ja for 1)"
      )
    ),
    (
      "0,255\n255,0\n",
      Malformed(TextErrorTests.cell(1, 2), "0 or 1", "\"255\" (--values 0,255 takes 0 for 0 and 255 for 1)")
    ),
    (
      "a,b\n1,0\n0,1\nTotal,1\n",
      Malformed(TextErrorTests.cell(4, 1, "a"), "0 or 1", "\"Total\" (a footer? delete the last line)")
    ),
    (
      "a,b\n'1','0'\n'0','1'\n",
      Malformed(
        TextErrorTests.cell(2, 1, "a"), "0 or 1",
        "\"'1'\" (a single quote: write cells without quotes, or in double quotes)")
    ),
    (
      "a,b\n“1”,“0”\n",
      Malformed(
        TextErrorTests.cell(2, 1, "a"), "0 or 1", "\"“1”\" (a curly quote: write cells without quotes)")
    ),
    (
      "a,b\n1,0\n1\u{A0},0\n0,1\n",
      Malformed(
        TextErrorTests.cell(3, 1, "a"), "0 or 1", "\"1\u{A0}\" (a no-break space: write plain spaces)")
    ),
    (
      "Survey\na,b\n1,0\n0,1\n",
      Malformed(
        TextErrorTests.cell(2, 2, "Survey"), "0 or 1",
        "\"b\" (names? then line 1 is a title: delete it, or put # before it)")
    ),
    (
      "My,survey\na,b\n1,0\n0,1\n",
      Malformed(
        TextErrorTests.cell(2, 1, "My"), "0 or 1",
        "\"a\" (names? then line 1 is a title: delete it, or put # before it)")
    ),
  ]

  @Test("words for bits, footers, titles, quotes and blanks that are none", arguments: wrong)
  func hint(text: String, error: Malformed) throws {
    try expectMalformed(text.utf8, error, reading: { try DataTable.read($0) })
  }
}
