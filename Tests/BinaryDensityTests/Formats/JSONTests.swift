import BinaryDensity
import Testing

@Suite("JSON")
struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8)[...], path: "file")
  }

  @Test(
    "Text that is its own serialization",
    arguments: [
      "null", "true", "false", "0", "-17", "9223372036854775807", "-9223372036854775808", "0.1", "-2.5e-300",
      "1e+16", "5e-324", "\"\"", "\"zwölf 🎲\"", #""\"\\\n\r\t\u0000\u001f""#, "[]", "{}", "[1,[2.5,[]],{}]",
      #"{"b":1,"a":{"":null},"c":[true,"x"]}"#,
    ])
  func canonical(text: String) throws {
    let value = try parse(text)
    #expect(value.description == text)
    #expect(try parse(value.indentedDescription) == value)
  }

  @Test("Other spellings of a value")
  func spellings() throws {
    #expect(try parse(" \t\r\n[ 1 , 2 ] \n") == [1, 2])
    #expect(try parse(#""\/\b\f\u00e9\u00E9\ud83c\udfb2""#) == .string("/\u{8}\u{C}éé🎲"))
    #expect(try parse("1E2") == .real(100))
    #expect(try parse("18446744073709551615") == .largeInteger(.max))
    #expect(try parse("18446744073709551615").description == "18446744073709551615")
    #expect(try parse("18446744073709551616") == .real(0x1p64))
    #expect(try parse("-0") == 0)
  }

  @Test(
    "Text that is not JSON, and the byte where it goes wrong",
    arguments: [
      ("", 0), (" ", 1), ("nul", 3), ("nulL", 3), ("truefalse", 4), ("1 2", 2), ("01", 1), ("+1", 0),
      ("-", 1),
      ("1.", 2), (".5", 0), ("1e", 2), ("1e+", 3), ("1e999", 0), ("NaN", 0), ("Infinity", 0), ("'a'", 0),
      ("\"a", 2), ("\"a\nb\"", 2), (#""\x""#, 1), (#""\u12G4""#, 5), (#""\ud800""#, 1),
      (#""\ud800\u0041""#, 1),
      (#""\udc00""#, 1), ("[1,]", 3), ("[1 2]", 3), ("[1", 2), ("[", 1), ("{\"a\":1,}", 7), ("{a:1}", 1),
      ("{\"a\" 1}", 5), ("{\"a\":}", 5), ("{\"a\":1", 6), ("{\"a\":1 \"b\":2}", 7),
      ("{\"a\":1,\"b\":2,\"a\":3}", 13),
      ("[1]]", 3), ("/* */ 1", 0),
    ])
  func malformed(text: String, place: Int) throws {
    let error = try #require(throws: DensityError.self) { try parse(text) }
    guard case .malformed("file", at: .byte(place), _, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test(
    "Bytes that are no UTF-8", arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
  func brokenUTF8(bytes: [UInt8]) throws {
    #expect(
      throws: DensityError.malformed(
        path: "file", at: .byte(0), expected: "UTF-8", found: "other bytes in a string")
    ) {
      try JSONValue(parsing: ([0x22] + bytes + [0x22])[...], path: "file")
    }
  }

  @Test("Deep nesting is refused before it exhausts the stack")
  func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(64))
    #expect(throws: DensityError.self) { try parse(nested(65)) }
    #expect(throws: DensityError.self) { try parse(String(repeating: "[{\"a\":", count: 1_000_000)) }
  }

  @Test("Places are those of the slice")
  func slice() {
    let bytes = Array("xx[1,]yy".utf8)
    #expect(
      throws: DensityError.malformed(
        path: "file", at: .byte(5), expected: "a JSON value", found: "']'")
    ) {
      try JSONValue(parsing: bytes[2..<6], path: "file")
    }
  }

  @Test("Every Double reads back as itself", arguments: [1, 2, 3] as [UInt64])
  func doubles(seed: UInt64) throws {
    var bits = seed
    for _ in 0..<10_000 {
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: bits)
      guard value.isFinite else { continue }
      #expect(try parse(JSONValue.real(value).description).number?.bitPattern == bits)
    }
  }

  @Test("What is not finite is null, and large unsigned numbers are strings")
  func specialNumbers() {
    let values: JSONValue = [.real(.nan), .real(.infinity), .real(-.infinity), JSONValue(Double?.none)]
    #expect(values.description == "[null,null,null,null]")
    #expect(JSONValue(UInt64.max) == "18446744073709551615")
    for value in [0, 7, UInt64(Int64.max), UInt64.max] { #expect(JSONValue(value).unsigned == value) }
    #expect(JSONValue.integer(-1).unsigned == nil)
  }

  @Test("Values are reached by what they are")
  func access() {
    let value: JSONValue = ["a": 1, "b": [2.5, "x", true, nil]]
    #expect(value["a"]?.integer == 1 && value["a"]?.number == 1 && value["a"]?.string == nil)
    #expect(value["b"]?.elements?.map(\.number) == [2.5, nil, nil, nil])
    #expect(value["b"]?.elements?[1].string == "x" && value["b"]?.elements?[2].bool == true)
    #expect(value["c"] == nil && value.members?.map(\.key) == ["a", "b"])
  }

  @Test("The form for people")
  func indented() {
    let value: JSONValue = ["model": "nade", "layers": [500, 500], "none": [:]]
    let expected = """
      {
        "model": "nade",
        "layers": [
          500,
          500
        ],
        "none": {}
      }
      """
    #expect(value.indentedDescription == expected)
  }
}
