import BinaryDensity
import Foundation
import Testing

@Suite("The data files that come with the package")
struct DataFilesTests {
  @Test(
    "SHA-256 on the standard's examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        String(repeating: "a", count: 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ])
  func hash(message: String, digest: String) {
    #expect(sha256(Array(message.utf8)) == digest)
  }

  @Test("every file has the sum that Data/SHA256SUMS and Data/README.md state")
  func sums() throws {
    let folder = packageRoot + "/Data/"
    let lines = try String(contentsOfFile: folder + "SHA256SUMS", encoding: .utf8).split(separator: "\n")
    let readme = try String(contentsOfFile: folder + "README.md", encoding: .utf8)
    #expect(lines.count == 5)
    for line in lines {
      // The format of sha256sum: the sum, two spaces, the path.
      let parts = line.split(separator: " ")
      try #require(parts.count == 2)
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + parts[1])))
      #expect(sha256(bytes) == parts[0], "\(parts[1])")
      #expect(readme.contains(parts[0]), "\(parts[1])")
      #expect(readme.contains("\(bytes.count)"), "\(parts[1])")
    }
  }

  @Test("the labels are one byte an image")
  func labels() throws {
    for (name, count) in [("train", 60_000), ("t10k", 10_000)] {
      let array = try IDXArray.read(packageRoot + "/Data/mnist/\(name)-labels-idx1-ubyte.gz")
      #expect(array.dimensions == [count])
      guard case .uint8(let labels) = array.elements else {
        Issue.record("labels are \(array.elements.type)")
        continue
      }
      #expect(labels.allSatisfy { $0 < 10 })
    }
  }
}
