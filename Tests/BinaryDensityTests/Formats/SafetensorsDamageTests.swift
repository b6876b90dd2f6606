import BinaryDensity
import Testing

@Suite("Safetensors that are wrong")
struct SafetensorsDamageTests {
  /// One way a file can be wrong.
  struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let bytes: [UInt8]
    let location: DensityError.Location
    let expected: String
    let found: String

    init(
      _ name: String, header: String, data: [UInt8] = [], length: UInt64? = nil,
      at location: DensityError.Location, expected: String, found: String
    ) {
      self.init(
        name, safetensors(header: header, data: data, length: length), at: location, expected: expected,
        found: found)
    }

    init(
      _ name: String, _ bytes: [UInt8], at location: DensityError.Location, expected: String, found: String
    ) {
      testDescription = name
      self.bytes = bytes
      self.location = location
      self.expected = expected
      self.found = found
    }

    /// A fault of the one array of a header.
    static func array(
      _ name: String, _ fields: String, data: [UInt8] = [], at field: String, expected: String, found: String
    ) -> Fault {
      Fault(
        name, header: #"{"w":{\#(fields)}}"#, data: data, at: .field("array 'w', \(field)"),
        expected: expected,
        found: found)
    }
  }

  private static let types = "one of F16, BF16, F32, F64, I32, I64, U8, BOOL"
  private static let sizes = "an array of integers not below 0"
  private static let pair = "two integers, the start and an end not before it"

  static let faults: [Fault] = [
    Fault(
      "no byte", [], at: .byte(0), expected: "8 bytes that hold the length of the header",
      found: "a file of 0"),
    Fault(
      "no length", [1, 2, 3, 4, 5, 6, 7], at: .byte(0),
      expected: "8 bytes that hold the length of the header",
      found: "a file of 7"),
    Fault(
      "length beyond the file", header: "{}", length: 3, at: .byte(0),
      expected: "a header of at most 2 bytes",
      found: "a length of 3"),
    Fault(
      "length beyond Int", header: "{}", length: .max, at: .byte(0), expected: "a header of at most 2 bytes",
      found: "a length of 18446744073709551615"),
    Fault(
      "no header", header: "", at: .byte(8), expected: "a header that starts with '{'", found: "none"),
    Fault(
      "space first", header: " {}", at: .byte(8), expected: "a header that starts with '{'",
      found: "the byte 32"),
    Fault("not JSON", header: "{\"w\"}", at: .byte(12), expected: "':'", found: "'}'"),
    Fault(
      "nested without end", header: #"{"w":"# + String(repeating: "[", count: 100_000), at: .byte(76),
      expected: "at most 64 levels of nesting", found: "more"),
    Fault("zeros as padding", header: "{}\0\0", at: .byte(10), expected: "the end", found: "the byte 0"),
    Fault(
      "broken UTF-8", [4, 0, 0, 0, 0, 0, 0, 0] + [0x7B, 0x22, 0xFF, 0x22], at: .byte(9), expected: "UTF-8",
      found: "other bytes in a string"),
    Fault(
      "a name twice", header: #"{"w":1,"w":2}"#, at: .byte(15), expected: "a new key",
      found: "'w' a second time"),
    Fault(
      "a metadata key twice", header: #"{"__metadata__":{"k":"","k":""}}"#, at: .byte(32),
      expected: "a new key",
      found: "'k' a second time"),
    Fault(
      "metadata no object", header: #"{"__metadata__":[]}"#, at: .field("__metadata__"),
      expected: "an object",
      found: "an array"),
    Fault(
      "metadata no string", header: #"{"__metadata__":{"k":1}}"#, at: .field("__metadata__.k"),
      expected: "a string",
      found: "the number 1"),
    Fault(
      "checksum of another form", header: #"{"__metadata__":{"crc32":"ABCDEF01"}}"#,
      at: .field("__metadata__.crc32"),
      expected: "a checksum of 8 hexadecimal digits", found: "'ABCDEF01'"),
    Fault(
      "checksum wrong", header: #"{"__metadata__":{"crc32":"00000000"}}"#, at: .field("checksum"),
      expected: "00000000", found: "d01c807e; the file is damaged"),
    Fault(
      "an empty name", header: #"{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, at: .field("header"),
      expected: "a name for every array", found: "an empty one"),
    Fault(
      "an array that is none", header: #"{"w":7}"#, at: .field("array 'w'"), expected: "an object",
      found: "the number 7"),
    .array(
      "an unknown field", #""dtype":"U8","shape":[0],"data_offsets":[0,0],"kind":1"#, at: "kind",
      expected: "one of dtype, shape, data_offsets", found: "an unknown field"),
    .array("no type", #""shape":[0],"data_offsets":[0,0]"#, at: "dtype", expected: types, found: "nothing"),
    .array(
      "an unknown type", #""dtype":"F8_E4M3","shape":[0],"data_offsets":[0,0]"#, at: "dtype", expected: types,
      found: "'F8_E4M3'"),
    .array(
      "a type that is no string", #""dtype":32,"shape":[0],"data_offsets":[0,0]"#, at: "dtype",
      expected: types,
      found: "the number 32"),
    .array("no shape", #""dtype":"U8","data_offsets":[0,0]"#, at: "shape", expected: sizes, found: "nothing"),
    .array(
      "a negative dimension", #""dtype":"U8","shape":[-1],"data_offsets":[0,0]"#, at: "shape",
      expected: sizes,
      found: "[-1]"),
    .array(
      "a dimension that is not whole", #""dtype":"U8","shape":[1,1.5],"data_offsets":[0,0]"#, at: "shape",
      expected: sizes, found: "[1,1.5]"),
    .array(
      "a shape that is a number", #""dtype":"U8","shape":3,"data_offsets":[0,3]"#, at: "shape",
      expected: sizes,
      found: "the number 3"),
    .array(
      "a size that overflows", #""dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]"#,
      at: "shape",
      expected: "a size that can be counted", found: "[4294967296, 4294967296]"),
    .array(
      "a size in bytes that overflows", #""dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]"#,
      at: "shape", expected: "a size that can be counted", found: "[2305843009213693952]"),
    .array("no offsets", #""dtype":"U8","shape":[0]"#, at: "data_offsets", expected: pair, found: "nothing"),
    .array(
      "one offset", #""dtype":"U8","shape":[0],"data_offsets":[0]"#, at: "data_offsets", expected: pair,
      found: "[0]"),
    .array(
      "three offsets", #""dtype":"U8","shape":[0],"data_offsets":[0,0,0]"#, at: "data_offsets",
      expected: pair,
      found: "[0,0,0]"),
    .array(
      "an end before the start", #""dtype":"U8","shape":[1],"data_offsets":[1,0]"#, data: [1],
      at: "data_offsets",
      expected: pair, found: "[1,0]"),
    .array(
      "a negative start", #""dtype":"U8","shape":[1],"data_offsets":[-1,0]"#, at: "data_offsets",
      expected: pair,
      found: "[-1,0]"),
    .array(
      "an offset beyond Int", #""dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775808]"#,
      at: "data_offsets", expected: pair, found: "[0,9223372036854775808]"),
    .array(
      "too few bytes for the shape", #""dtype":"F32","shape":[2],"data_offsets":[0,4]"#, data: [1, 2, 3, 4],
      at: "data_offsets", expected: "8 bytes for F32 [2]", found: "4"),
    .array(
      "a huge array in a small file", #""dtype":"U8","shape":[1000000000000],"data_offsets":[0,9]"#,
      data: Array(repeating: 0, count: 9), at: "data_offsets",
      expected: "1000000000000 bytes for U8 [1000000000000]",
      found: "9"),
    .array(
      "a hole at the start", #""dtype":"U8","shape":[1],"data_offsets":[1,2]"#, data: [1, 2],
      at: "data_offsets",
      expected: "a start of 0, where the array before it ends", found: "1"),
    Fault(
      "an overlap",
      header: #"{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, data: [1, 2, 3],
      at: .field("array 'w', data_offsets"), expected: "a start of 2, where the array before it ends",
      found: "1"),
    Fault(
      "data missing", header: #"{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: [1, 2],
      at: .byte(63), expected: "3 bytes of data", found: "2"),
    Fault(
      "data to spare", header: #"{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: [1, 2, 3, 4],
      at: .byte(65), expected: "3 bytes of data", found: "4"),
  ]

  @Test("Every way a file can be wrong", arguments: faults)
  func fault(fault: Fault) {
    #expect(
      throws: DensityError.malformed(
        path: "file", at: fault.location, expected: fault.expected, found: fault.found)
    ) { try SafetensorsFile(decoding: fault.bytes, path: "file", requiringChecksum: false) }
  }

  @Test("Any one byte changed to any other is found")
  func changedBytes() {
    let bytes = SafetensorsTests.example.encoded()
    for index in bytes.indices {
      for mask in UInt8(1)...255 {
        var changed = bytes
        changed[index] ^= mask
        let error = #expect(throws: DensityError.self) {
          try SafetensorsFile(decoding: changed, path: "file")
        }
        if error == nil { return }
      }
    }
  }

  @Test("A file cut anywhere, or lengthened, is found")
  func truncation() {
    let bytes = SafetensorsTests.example.encoded()
    for count in bytes.indices {
      #expect(throws: DensityError.self) {
        try SafetensorsFile(decoding: Array(bytes[..<count]), path: "file")
      }
    }
    #expect(throws: DensityError.self) { try SafetensorsFile(decoding: bytes + [0], path: "file") }
  }

  @Test("A changed byte is told as damage, in one line")
  func message() throws {
    var bytes = SafetensorsTests.example.encoded()
    bytes[bytes.count - 1] ^= 1
    let error = try #require(throws: DensityError.self) { try SafetensorsFile(decoding: bytes, path: "m") }
    let pattern = #/m: checksum: expected [0-9a-f]{8}, found [0-9a-f]{8}; the file is damaged/#
    #expect(error.description.wholeMatch(of: pattern) != nil, "\(error)")
  }
}
