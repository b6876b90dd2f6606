import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Files of parameters")
struct ParameterFileTests {
  private let shapes: [ParameterShape] = [
    .weights("w", .variables(5), .units(3)), .bias("c", .units(3)), .zeros("v", .units(3), .variables(5)),
  ]

  private func parameters() throws -> Parameters<Float> {
    var parameters = try Parameters(initialising: shapes, seed: 1)
    parameters["c"][0, 1] = -0.25
    return parameters
  }

  /// The message of the error that reading throws, on one line.
  private func message(_ path: String, _ shapes: [ParameterShape]) -> String {
    do throws(DensityError) {
      _ = try Parameters(contentsOf: path, shapes: shapes)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryDirectory { folder in
      let (first, second) = (folder + "/a.safetensors", folder + "/b.safetensors")
      let parameters = try parameters()
      try parameters.write(to: first)
      let read = try Parameters(contentsOf: first, shapes: shapes)
      #expect(read == parameters && read.names == ["w", "c", "v"])
      // In the order that is asked for.
      let others = try Parameters(contentsOf: first, shapes: [shapes[2], shapes[0], shapes[1]])
      #expect(others.names == ["v", "w", "c"] && others["c"] == parameters["c"])
      try read.write(to: second)
      #expect(try AtomicFile.read(first) == AtomicFile.read(second))
      #expect(try names(in: folder) == ["a.safetensors", "b.safetensors"])
    }
  }

  @Test func aFileOfAnotherProgramIsRead() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/plain.safetensors"
      var header = Array(#"{"b":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#.utf8)
      header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
      var bytes = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init) + header
      for number in [1.5, -2] { bytes += withUnsafeBytes(of: number.bitPattern.littleEndian, Array.init) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let read = try Parameters(contentsOf: path, shapes: [.bias("b", .units(2))])
      #expect(read["b"].elements == [1.5, -2])
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a.safetensors"
      try parameters().write(to: path)
      let wider: [ParameterShape] = [shapes[0], .bias("c", .units(4)), shapes[2]]
      #expect(message(path, wider) == "\(path): expected the array 'c' as F32 [1, 4], found F32 [1, 3]")
      #expect(
        message(path, shapes + [.bias("d", .units(3))])
          == "\(path): header: expected an array 'd', found none")
      #expect(
        message(path, Array(shapes.dropLast()))
          == "\(path): array 'v': expected only arrays of the model, found one that it does not know")
      #expect(message(folder + "/none", shapes) == "\(folder)/none: no such file")

      // A flipped bit, and half a file.
      var bytes = try AtomicFile.read(path)
      bytes[bytes.count - 3] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(message(path, shapes).contains("the file is damaged"))
      try Data(bytes.dropLast(8)).write(to: URL(fileURLWithPath: path))
      #expect(message(path, shapes).hasPrefix("\(path): "))
    }
  }

  @Test func aCheckpointIsNoFileOfParametersNorTheOtherWayRound() throws {
    try withTemporaryDirectory { folder in
      let (model, plain) = (folder + "/model.safetensors", folder + "/plain.safetensors")
      try Checkpoint(model: try FVSBN(FVSBN.Configuration(variableCount: 3), seed: 1)).write(to: model)
      #expect(
        message(model, [.bias("b", .units(3))])
          == "\(model): expected a file of format 'BinaryDensity parameters 1', found format 'BinaryDensity 2'"
      )
      try parameters().write(to: plain)
      #expect {
        try Checkpoint(contentsOf: plain)
      } throws: {
        "\($0)".contains("found format 'BinaryDensity parameters 1'")
      }
    }
  }

  @Test(arguments: [Float.nan, .infinity])
  func whatIsNotFiniteIsNotWritten(_ number: Float) throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a.safetensors"
      var parameters = try parameters()
      try parameters.write(to: path)
      let before = try AtomicFile.read(path)
      parameters["v"][2, 4] = number
      #expect {
        try parameters.write(to: path)
      } throws: {
        "\($0)" == "\(path): parameter 'v' holds a number that is not finite, and is not kept"
      }
      #expect(try AtomicFile.read(path) == before)
    }
  }

  @Test func aFolderThatIsNotThereIsSaid() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/none/a.safetensors"
      #expect {
        try self.parameters().write(to: path)
      } throws: {
        "\($0)".hasPrefix("\(path): cannot be written")
      }
    }
  }
}
