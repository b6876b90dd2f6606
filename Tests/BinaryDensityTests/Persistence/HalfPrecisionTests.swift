import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Checkpoints in half precision")
struct HalfPrecisionTests {
  /// Every family, but for what is not the package's.
  private static let cases =
    InferenceCase.all.filter { $0.testDescription != "a client's own" } + InferenceCase.grouped

  private func elementTypes(_ path: String) throws -> Set<SafetensorsFile.ElementType> {
    let tensors = try SafetensorsFile(contentsOf: path).tensors
    return Set(tensors.map(\.scalars.elementType)).subtracting([.int32])
  }

  @Test("what is rounded is what is read, to the bit, in half the space", arguments: cases)
  func roundTrip(_ subject: InferenceCase) throws {
    try withTemporaryDirectory { folder in
      let density = try subject.density(3)
      let half = try #require(try density.inHalfPrecision())
      let rows = BinaryMatrix.allRows(ofWidth: density.variableCount)
      let expected = half.logProbabilities(of: rows)
      // Another density, not far from the first.
      #expect(abs(expected.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
      let original = density.logProbabilities(of: rows)
      let divergence = zip(original, expected).reduce(0) { sum, terms in
        terms.0 > -.infinity ? sum + exp(terms.0) * (terms.0 - terms.1) : sum
      }
      #expect(divergence < 1e-3)

      let (single, path) = (folder + "/single", folder + "/half")
      try Checkpoint(model: density).write(to: single)
      try Checkpoint(model: half).write(to: path)
      #expect(try elementTypes(single) == [.float32] && elementTypes(path) == [.float16])
      #expect(try !CheckpointOutline(contentsOf: single).isInHalfPrecision)
      #expect(try CheckpointOutline(contentsOf: path).isInHalfPrecision)
      let read = try Checkpoint(contentsOf: path)
      #expect(read.model.kind == density.kind && read.model.logProbabilities(of: rows) == expected)
      // Rounded again it stays what it is, and so does its file.
      let again = try #require(try read.model.inHalfPrecision())
      #expect(again.logProbabilities(of: rows) == expected)
      try read.write(to: folder + "/again")
      #expect(try AtomicFile.read(path) == AtomicFile.read(folder + "/again"))
      // The sizes that are told are those of the files.
      let bytes = try (AtomicFile.read(single).count, AtomicFile.read(path).count)
      #expect(try Checkpoint(model: density).byteCount() == bytes.0)
      #expect(try Checkpoint(model: density).byteCount(inHalfPrecision: true) == bytes.1)
      #expect(try Checkpoint(model: half).byteCount() == bytes.1)
      let parameterBytes = try SafetensorsFile(contentsOf: path).tensors.reduce(0) {
        $0 + ($1.scalars.elementType == .float16 ? 2 * $1.scalars.count : 0)
      }
      #expect(bytes.0 - bytes.1 >= parameterBytes)
    }
  }

  @Test("rows compressed by a model are read by its file")
  func coding() throws {
    try withTemporaryDirectory { folder in
      let density = try #require(try CompositeCase.mixtureOfEnsembles.density(seed: 2).inHalfPrecision())
      let rows = BinaryMatrix.random(100, 7, seed: 4)
      let bytes = try density.coder().compress(rows)
      try Checkpoint(model: density).write(to: folder + "/m")
      let read = try Checkpoint(contentsOf: folder + "/m").model
      #expect(try read.coder().decompress(bytes) == rows)
      // The same numbers in single precision are the same model.
      var file = try SafetensorsFile(contentsOf: folder + "/m")
      file.tensors = file.tensors.map { tensor in
        guard case .float16(let halves) = tensor.scalars else { return tensor }
        return .init(
          name: tensor.name, shape: tensor.shape, scalars: .float32(halves.map { Float(binary16Bits: $0) }))
      }
      try file.write(to: folder + "/wide")
      let wide = try Checkpoint(contentsOf: folder + "/wide").model
      #expect(try wide.coder().decompress(bytes) == rows)
    }
  }

  @Test("parameters beyond 65504 are not rounded")
  func tooLarge() throws {
    var model = try FVSBN(FVSBN.Configuration(variableCount: 3), seed: 1)
    model.parameters["b"] = Matrix(rowCount: 1, columnCount: 3, elements: [0, 65519, 1])
    let rounded = try #require(try model.inHalfPrecision() as? FVSBN)
    #expect(rounded.parameters["b"].elements == [0, 65504, 1])
    model.parameters["b"] = Matrix(rowCount: 1, columnCount: 3, elements: [0, -65520, 1])
    #expect(try model.inHalfPrecision() == nil)
    #expect(try Mixture([rounded, model]).inHalfPrecision() == nil)
    #expect(throws: DensityError.self) { try ClientDensity(seed: 1).inHalfPrecision() }
  }

  @Test("a training keeps single precision, whatever its numbers")
  func training() throws {
    try withTemporaryDirectory { folder in
      let subject = try #require(TrainingCase.all.first)
      func write(_ model: some TrainableDensity) throws {
        let trainer = try Trainer(model, data: TrainingCase.data(), configuration: subject.configuration)
        _ = try trainer.run { _ in false }
        var checkpoint = Checkpoint(model: trainer.model, training: trainer.state)
        checkpoint.model = try #require(try trainer.model.inHalfPrecision())
        try checkpoint.write(to: folder + "/t")
      }
      try write(subject.model(11))
      #expect(try !elementTypes(folder + "/t").contains(.float16))
    }
  }
}
