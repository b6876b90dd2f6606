import Foundation

/// Runs a test in a folder of its own, which is removed afterwards.
@discardableResult
package func withTemporaryDirectory<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("density-" + UUID().uuidString)
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

/// Returns the names in a folder, hidden ones too, sorted.
package func names(in directory: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
}
