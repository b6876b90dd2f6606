import Arguments
import BinaryDensity
import Foundation

extension DataSplits {
  /// Loads a training table to be searched, the tables beside it, and the test rows.
  ///
  /// Those have `valid` and `test` in the place of `train` in their names; a folder is that of MNIST.
  /// - Throws: `UsageError` for a name without `train` in it, or a table without test rows.
  static func searched(_ train: String) throws -> (data: DataSplits, test: BinaryMatrix) {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: train, isDirectory: &isFolder), isFolder.boolValue {
      return try tested(DataSplits.mnist(directory: train))
    }
    func sibling(_ part: String) throws -> String {
      let folder = train.lastIndex(of: "/").map { train[...$0] } ?? ""
      let name = train.dropFirst(folder.count)
      guard let place = name.range(of: "train", options: .backwards) else {
        throw UsageError("--train: expected a name with 'train' in it, found '\(train)'")
      }
      return folder + name.replacingCharacters(in: place, with: part)
    }
    return try tested(DataSplits.load(train: train, validation: sibling("valid"), test: sibling("test")))
  }

  private static func tested(_ data: DataSplits) throws -> (data: DataSplits, test: BinaryMatrix) {
    guard let test = data.test, test.rowCount > 0 else {
      throw UsageError("\(data.name): there are no test rows")
    }
    return (data, test)
  }
}
