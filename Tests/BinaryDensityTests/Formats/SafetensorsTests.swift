import BinaryDensity
import Kernels
import Testing
import _TestSupport

/// Returns a file made by hand of its three fields.
func safetensors(header: String, data: [UInt8], length: UInt64? = nil) -> [UInt8] {
  let length = length ?? UInt64(header.utf8.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array(header.utf8) + data
}

@Suite("Safetensors")
struct SafetensorsTests {
  static let example = SafetensorsFile(
    metadata: ["model": "nade", "é": "\"quoted\"\n", "a": #"{"crc32":"01234567"}"#, "z\"crc32": "01234567"],
    tensors: [
      .init(
        name: "weights", shape: [2, 3],
        scalars: .float32([1, -2.5, .infinity, -0.0, .leastNonzeroMagnitude, 7])),
      .init(name: "empty", shape: [0, 4], scalars: .float32([])),
      .init(name: "bytes", shape: [3], scalars: .uint8([0, 127, 255])),
      .init(name: "scalar", shape: [], scalars: .float64([.pi])),
      .init(name: "integers", shape: [1, 2, 1], scalars: .int64([.min, .max])),
      .init(name: "short", shape: [2], scalars: .int32([.min, 7])),
      .init(name: "half", shape: [1], scalars: .float16([0x3C00])),
      .init(name: "brain", shape: [1, 1], scalars: .bfloat16([0x3F80])),
      .init(name: "truth", shape: [2], scalars: .bool([0, 1])),
    ])

  @Test("A file by hand, byte for byte")
  func handMade() throws {
    let header =
      #"{"__metadata__":{"crc32":"eea1dd17","k":"v"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    // 1.0 and -2.0 as IEEE 754, the lowest byte first; 98 bytes of header and six spaces.
    let bytes = safetensors(header: header + "      ", data: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
    let file = SafetensorsFile(
      metadata: ["k": "v"], tensors: [.init(name: "w", shape: [2], scalars: .float32([1, -2]))])
    #expect(file.encoded() == bytes)
    #expect(try SafetensorsFile(decoding: bytes, path: "file") == file)
  }

  @Test("Saved, loaded and saved again, a file has the same bytes")
  func roundTrip() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/model.safetensors"
      try Self.example.write(to: path)
      let loaded = try SafetensorsFile(contentsOf: path)
      #expect(loaded == Self.example)
      let bytes = try AtomicFile.read(path)
      #expect(loaded.encoded() == bytes)
      #expect(bytes[..<8].reduce(0) { $0 + Int($1) } > 0 && Int(bytes[0]) % 8 == 0, "the data is aligned")
      #expect(throws: DensityError.missingFile(path: path + "x")) {
        try SafetensorsFile(contentsOf: path + "x")
      }
    }
  }

  @Test("Nothing at all is a file too")
  func empty() throws {
    let file = SafetensorsFile()
    #expect(try SafetensorsFile(decoding: file.encoded(), path: "file") == file)
    let bare = safetensors(header: "{}", data: [])
    #expect(try SafetensorsFile(decoding: bare, path: "file", requiringChecksum: false) == file)
  }

  @Test("Not-a-numbers keep their bits")
  func notANumber() throws {
    let bits: [UInt32] = [0x7FC0_0001, 0xFFC1_2345]
    let scalars = SafetensorsFile.Scalars.float32(bits.map { Float(bitPattern: $0) })
    let file = SafetensorsFile(tensors: [.init(name: "w", shape: [2], scalars: scalars)])
    let loaded = try SafetensorsFile(decoding: file.encoded(), path: "file")
    guard case .float32(let values)? = loaded.tensor(named: "w")?.scalars else {
      Issue.record("no array of floats")
      return
    }
    #expect(values.map(\.bitPattern) == bits)
  }

  @Test("A header in another order, with spaces, as other tools write")
  func otherWriters() throws {
    let header = """
      {"b": {"shape": [1], "dtype": "U8", "data_offsets": [2, 3]},
       "__metadata__": {"format": "pt"},
       "a": {"data_offsets": [0, 2], "dtype": "U8", "shape": [2]}}
      """
    let bytes = safetensors(header: header, data: [5, 6, 7])
    let file = try SafetensorsFile(decoding: bytes, path: "file", requiringChecksum: false)
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.tensor(named: "b")?.scalars == .uint8([7]))
    #expect(
      throws: DensityError.malformed(
        path: "file", at: .field("__metadata__.crc32"), expected: "a checksum of 8 hexadecimal digits",
        found: "none")
    ) { try SafetensorsFile(decoding: bytes, path: "file") }
  }

  @Test(
    "A checksum with white space around its colon, as other tools write", arguments: [": ", " :\t", "\n: "])
  func spacedChecksum(colon: String) throws {
    func bytes(_ digits: String) -> [UInt8] {
      safetensors(
        header: "{ \"__metadata__\": {\"crc32\"\(colon)\"\(digits)\"},"
          + " \"a\": {\"data_offsets\": [0, 2], \"dtype\": \"U8\", \"shape\": [2]}}", data: [5, 6])
    }
    var checksum = CRC32()
    checksum.update(bytes("00000000"))
    let digits = CRC32.text(of: checksum.value)
    #expect(
      try SafetensorsFile(decoding: bytes(digits), path: "file").tensor(named: "a")?.scalars
        == .uint8([5, 6]))
    #expect(throws: DensityError.self) {
      try SafetensorsFile(decoding: bytes(digits == "01234567" ? "76543210" : "01234567"), path: "file")
    }
  }

  @Test("Contracts of the writer")
  func contracts() async {
    await #expect(processExitsWith: .failure) {
      _ = SafetensorsFile.Tensor(name: "w", shape: [2, 2], scalars: .float32([1, 2, 3]))
    }
    await #expect(processExitsWith: .failure) {
      _ = SafetensorsFile.Tensor(name: "w", shape: [-1, -1], scalars: .float32([1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = SafetensorsFile.Tensor(name: "__metadata__", shape: [], scalars: .float32([1]))
    }
    await #expect(processExitsWith: .failure) { _ = SafetensorsFile(metadata: ["crc32": ""]).encoded() }
    await #expect(processExitsWith: .failure) {
      let tensor = SafetensorsFile.Tensor(name: "w", shape: [0], scalars: .float32([]))
      _ = SafetensorsFile(tensors: [tensor, tensor]).encoded()
    }
  }
}
