import Arguments
import BinaryDensity

/// Standard output as a destination of the library's bytes.
enum StandardOutput {
  /// Its name in errors, by which they have a status of their own.
  static let name = "standard output"

  /// Writes bytes at once; returns whether anyone still reads.
  ///
  /// - Throws: `DensityError.unwritable`.
  static func write(_ bytes: [UInt8]) throws(DensityError) -> Bool {
    do throws(OutputError) {
      return try Terminal.writeToStandardOutput(bytes)
    } catch {
      throw .unwritable(path: name, reason: error.reason)
    }
  }
}

extension TableWriter {
  /// A writer of CSV whose rows go to standard output as they come.
  static func standardOutput(_ shape: Shape) -> TableWriter {
    TableWriter(.text, shape, path: StandardOutput.name) { (bytes) throws(DensityError) in
      try StandardOutput.write(bytes)
    }
  }
}
