import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Arrays read from a safetensors file")
struct SafetensorsReaderTests {
  /// Writes arrays to a file and opens it.
  private func withReader(
    _ tensors: [SafetensorsFile.Tensor], _ body: (SafetensorsReader) throws -> Void
  ) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/arrays.safetensors"
      try SafetensorsFile(tensors: tensors).write(to: path)
      try body(SafetensorsReader(path: path))
    }
  }

  /// Widths around the padding, and rows of which a window holds many, one, or a part.
  @Test(
    "a matrix comes back",
    arguments: [(0, 3), (3, 0), (1, 1), (5, 17), (700, 500), (3, 65_536), (2, 200_001)])
  func matrices(rowCount: Int, columnCount: Int) throws {
    let matrix = Matrix<Float>.uniform(rowCount, columnCount, in: -1...1, seed: 3)
    try withReader([.init(name: "before", shape: [3], scalars: .uint8([1, 2, 3])), .init(name: "w", matrix)])
    {
      try #expect($0.matrix(named: "w", rowCount: rowCount, columnCount: columnCount) == matrix)
    }
  }

  @Test("every floating-point type becomes floats")
  func types() throws {
    let values: [Float] = [1, -2.5, 0.375, 0]
    try withReader([
      .init(name: "F16", shape: [2, 2], scalars: .float16([0x3C00, 0xC100, 0x3600, 0x8000])),
      .init(name: "BF16", shape: [2, 2], scalars: .bfloat16([0x3F80, 0xC020, 0x3EC0, 0])),
      .init(name: "F32", shape: [2, 2], scalars: .float32(values)),
      .init(name: "F64", shape: [2, 2], scalars: .float64(values.map(Double.init))),
    ]) { reader in
      for name in ["F16", "BF16", "F32", "F64"] {
        try #expect(reader.matrix(named: name, rowCount: 2, columnCount: 2).elements == values, "\(name)")
      }
      try reader.expectNothingElse()
    }
  }

  @Test("a bias is a vector or a matrix of one row")
  func biases() throws {
    try withReader([
      .init(name: "b", shape: [3], scalars: .float32([1, 2, 3])),
      .init(name: "c", shape: [1, 3], scalars: .float32([1, 2, 3])),
    ]) {
      let (b, c) = (
        try $0.matrix(named: "b", rowCount: 1, columnCount: 3),
        try $0.matrix(named: "c", rowCount: 1, columnCount: 3)
      )
      #expect(b == c)
    }
  }

  @Test("integers of every width")
  func integers() throws {
    try withReader([
      .init(name: "I32", shape: [1, 2], scalars: .int32([-1, 5])),
      .init(name: "I64", shape: [2], scalars: .int64([-1, 5])),
      .init(name: "U8", shape: [1, 2], scalars: .uint8([1, 255])),
      .init(name: "F32", shape: [1, 2], scalars: .float32([-1, 5])),
      .init(name: "fraction", shape: [1, 2], scalars: .float32([-1, 0.5])),
    ]) { reader in
      for name in ["I32", "I64", "F32"] {
        try #expect(reader.integers(named: name, shape: [1, 2]) == [-1, 5])
      }
      try #expect(reader.integers(named: "U8", shape: [1, 2]) == [1, 255])
      #expect(
        throws: DensityError.malformed(
          path: reader.path, at: .field("array 'fraction'"), expected: "whole numbers", found: "0.5")
      ) { try reader.integers(named: "fraction", shape: [1, 2]) }
    }
  }

  @Test("what is not as it should be is told by name")
  func faults() throws {
    try withReader([
      .init(name: "w", shape: [2, 3], scalars: .float32([1, 2, 3, 4, 5, 6])),
      .init(name: "n", shape: [2, 2], scalars: .float32([1, 2, 3, .nan])),
      .init(name: "i", shape: [2, 2], scalars: .float16([0, 0x7C00, 0, 0])),
      .init(name: "l", shape: [1, 1], scalars: .float64([1e300])),
      .init(name: "k", shape: [1, 1], scalars: .int64([1])),
    ]) { reader in
      let path = reader.path
      #expect(
        throws: DensityError.mismatch(
          path: path, expected: "the array 'w' as F32 [3, 2]", found: "F32 [2, 3]")
      ) { try reader.matrix(named: "w", rowCount: 3, columnCount: 2) }
      #expect(
        throws: DensityError.mismatch(
          path: path, expected: "the array 'k' as F32 [1, 1]", found: "I64 [1, 1]")
      ) { try reader.matrix(named: "k", rowCount: 1, columnCount: 1) }
      #expect(
        throws: DensityError.malformed(
          path: path, at: .field("header"), expected: "an array 'v'", found: "none")
      ) { try reader.matrix(named: "v", rowCount: 2, columnCount: 3) }
      for (name, count, found) in [
        ("n", 2, "nan at [1, 1]"), ("i", 2, "inf at [0, 1]"), ("l", 1, "inf at [0, 0]"),
      ] {
        #expect(
          throws: DensityError.malformed(
            path: path, at: .field("array '\(name)'"), expected: "finite numbers", found: found)
        ) { try reader.matrix(named: name, rowCount: count, columnCount: count) }
      }
      _ = try reader.integers(named: "k", shape: [1, 1])
      _ = try reader.matrix(named: "w", rowCount: 2, columnCount: 3)
    }
  }

  @Test("an array that nothing asked for is told by name")
  func unknown() throws {
    try withReader([.init(name: "w", Matrix(rowCount: 1, columnCount: 1))]) { reader in
      #expect(
        throws: DensityError.malformed(
          path: reader.path, at: .field("array 'w'"), expected: "only arrays of the model",
          found: "one that it does not know")
      ) { try reader.expectNothingElse() }
    }
  }

  @Test("a pipe is read too")
  func pipe() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/pipe"
      try #require(mkfifo(path, 0o600) == 0)
      let matrix = Matrix<Float>.uniform(30, 70, in: -1...1, seed: 4)
      let bytes = SafetensorsFile(tensors: [.init(name: "w", matrix)]).encoded()
      let writer = Thread { try? AtomicFile.write(bytes, to: path) }
      writer.start()
      try #expect(SafetensorsReader(path: path).matrix(named: "w", rowCount: 30, columnCount: 70) == matrix)
    }
  }
}
