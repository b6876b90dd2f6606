import BinaryDensity
import Foundation
import Testing
import _TestSupport

/// The folder of the package, found from where this file was compiled.
let packageRoot = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// Runs a body with the path of a file that holds the bytes.
@discardableResult
func withFile<R>(
  _ bytes: some Collection<UInt8>, named name: String = "file", _ body: (_ path: String) throws -> R
) throws -> R {
  try withTemporaryDirectory { folder in
    let path = folder + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}

/// The error of a malformed file, without the path that a test cannot know before.
struct Malformed: Equatable, CustomTestStringConvertible {
  let location: DensityError.Location
  let expected: String
  let found: String

  init(_ location: DensityError.Location, _ expected: String, _ found: String) {
    self.location = location
    self.expected = expected
    self.found = found
  }

  var testDescription: String { "\(location): \(expected) / \(found)" }

  func error(path: String) -> DensityError {
    .malformed(path: path, at: location, expected: expected, found: found)
  }
}

/// Expects that reading a file of the given bytes throws exactly one error, which names the file.
func expectMalformed<R>(
  _ bytes: some Collection<UInt8>, _ malformed: Malformed, sourceLocation: SourceLocation = #_sourceLocation,
  reading read: (String) throws -> R
) throws {
  try withFile(bytes) { path in
    #expect(throws: malformed.error(path: path), sourceLocation: sourceLocation) { _ = try read(path) }
  }
}

/// Returns a table of fair or other coin tosses.
func randomBits(
  rowCount: Int, columnCount: Int, probability: Double = 0.5,
  using generator: inout some RandomNumberGenerator
) -> BinaryMatrix {
  BinaryMatrix(rowCount: rowCount, columnCount: columnCount) { _, _ in
    Double.random(in: 0..<1, using: &generator) < probability
  }
}
