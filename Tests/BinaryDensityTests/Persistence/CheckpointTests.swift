import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Checkpoints")
struct CheckpointTests {
  /// Writes the checkpoint of a training stopped at its third step, and gives its bytes.
  private func bytes(_ training: TrainingCase, at path: String) throws -> [UInt8] {
    func write(_ model: some TrainableDensity) throws {
      let trainer = try Trainer(model, data: TrainingCase.data(), configuration: training.configuration)
      _ = try trainer.run { if case .step(let progress) = $0 { progress.step < 3 } else { true } }
      try Checkpoint(model: trainer.model, training: trainer.state).write(to: path)
    }
    try write(training.model(11))
    return try AtomicFile.read(path)
  }

  @Test(arguments: TrainingCase.all)
  func saveLoadSaveIsByteEqual(_ training: TrainingCase) throws {
    try withTemporaryDirectory { path in
      let file = path + "/a.safetensors"
      let original = try bytes(training, at: file)
      let checkpoint = try Checkpoint(contentsOf: file)
      try checkpoint.write(to: path + "/b.safetensors")
      #expect(try AtomicFile.read(path + "/b.safetensors") == original)

      // Without training state, with the shape of a picture.
      let small = Checkpoint(model: checkpoint.model, imageShape: ImageShape(height: 1, width: 11))
      try small.write(to: path + "/c.safetensors")
      let loaded = try Checkpoint(contentsOf: path + "/c.safetensors")
      #expect(loaded.imageShape == ImageShape(height: 1, width: 11) && loaded.training == nil)
      try loaded.write(to: path + "/d.safetensors")
      #expect(try AtomicFile.read(path + "/c.safetensors") == AtomicFile.read(path + "/d.safetensors"))
      let rows = BinaryMatrix.allRows(ofWidth: 11)
      #expect(loaded.model.logProbabilities(of: rows) == checkpoint.model.logProbabilities(of: rows))
    }
  }

  /// All that training states add to a file is checked too; a byte of every few, for these files are longer.
  @Test(arguments: TrainingCase.all)
  func flippedBytesAndTruncationsOfATrainingAreDetected(_ training: TrainingCase) throws {
    try withTemporaryDirectory { path in
      let file = path + "/last.safetensors"
      let original = try bytes(training, at: file)
      // A prime, so that the bytes hit stand at all places within words and keys.
      for index in stride(from: 0, to: original.count, by: 97) {
        var damaged = original
        damaged[index] ^= 1 << UInt8(index % 8)
        #expect(try !loads(damaged, at: file), "byte \(index)")
        #expect(try !loads(Array(original[..<index]), at: file), "\(index) bytes")
      }
    }
  }

  private func tiny(at path: String) throws -> [UInt8] {
    let model = try FVSBN(FVSBN.Configuration(variableCount: 2), seed: 1)
    try Checkpoint(model: model).write(to: path)
    return try AtomicFile.read(path)
  }

  private func loads(_ bytes: [UInt8], at path: String) throws -> Bool {
    try AtomicFile.write(bytes, to: path)
    do {
      _ = try Checkpoint(contentsOf: path)
      return true
    } catch {
      // One line that names the file.
      #expect(error.description.contains(path) && !error.description.contains("\n"))
      return false
    }
  }

  @Test func everyFlippedByteIsDetected() throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      let original = try tiny(at: file)
      #expect(try loads(original, at: file))
      for index in original.indices {
        for mask in [UInt8(1), 0x80] {
          var damaged = original
          damaged[index] ^= mask
          #expect(try !loads(damaged, at: file), "byte \(index), mask \(mask)")
        }
      }
    }
  }

  @Test func everyTruncationIsDetected() throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      let original = try tiny(at: file)
      for count in original.indices { #expect(try !loads(Array(original[..<count]), at: file)) }
      #expect(try !loads(original + [0], at: file))
    }
  }

  /// Files that are sound safetensors with a right checksum, but no checkpoint.
  @Test(arguments: [
    "other format", "no format", "unknown model", "no model", "broken configuration", "no configuration",
    "impossible configuration", "absurd configuration", "overflowing configuration", "other shapes",
    "missing array", "wrong picture", "overflowing picture", "negative picture", "broken training",
    "missing optimizer",
    "unknown optimizer", "numbers in place of text", "array of other numbers",
    "array of no numbers", "unknown array", "unknown metadata",
  ])
  func soundFilesThatAreNoCheckpoint(_ fault: String) throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      _ = try tiny(at: file)
      var contents = try SafetensorsFile(contentsOf: file)
      let configuration = try #require(contents.metadata["configuration"])
      func with(variableCount: String) -> String {
        configuration.replacingOccurrences(
          of: "\"variable_count\":2", with: "\"variable_count\":\(variableCount)")
      }
      switch fault {
      case "other format": contents.metadata["format"] = "BinaryDensity 999"
      case "no format": contents.metadata["format"] = nil
      case "unknown model": contents.metadata["model"] = "made2"
      case "no model": contents.metadata["model"] = nil
      case "broken configuration": contents.metadata["configuration"] = "{"
      case "no configuration": contents.metadata["configuration"] = nil
      case "impossible configuration": contents.metadata["configuration"] = with(variableCount: "0")
      case "absurd configuration": contents.metadata["configuration"] = with(variableCount: "1000000000000")
      case "overflowing configuration":
        contents.metadata["configuration"] = with(variableCount: "9223372036854775807")
      case "other shapes": contents.metadata["configuration"] = with(variableCount: "3")
      case "missing array": contents.tensors.removeLast()
      case "wrong picture": contents.metadata["image"] = "{\"height\":5,\"width\":5}"
      case "negative picture": contents.metadata["image"] = "{\"height\":-1,\"width\":-2}"
      case "overflowing picture":
        contents.metadata["image"] = "{\"height\":9223372036854775807,\"width\":9223372036854775807}"
      case "numbers in place of text": contents.metadata["configuration"] = "7"
      case "array of other numbers":
        contents.tensors = contents.tensors.map {
          SafetensorsFile.Tensor(
            name: $0.name, shape: $0.shape, scalars: .int64(Array(repeating: 0, count: $0.scalars.count)))
        }
      case "array of no numbers":
        contents.tensors[0] = SafetensorsFile.Tensor(
          name: contents.tensors[0].name, shape: [2, 2], scalars: .float32([0, .nan, 0, 0]))
      case "unknown array":
        contents.tensors.append(.init(name: "model.c", shape: [1], scalars: .float32([0])))
      case "unknown metadata": contents.metadata["temperature"] = "2"
      case "broken training": contents.metadata["training"] = "{}"
      case "missing optimizer", "unknown optimizer":
        let trainer = try Trainer(
          FVSBN(FVSBN.Configuration(variableCount: 2), seed: 1),
          data: DataSplits(name: "d", train: .allRows(ofWidth: 2)),
          configuration: .recommended(for: .fvsbn, rowCount: 4))
        try Checkpoint(model: trainer.model, training: trainer.state).write(to: file)
        contents = try SafetensorsFile(contentsOf: file)
        if fault == "missing optimizer" {
          contents.tensors.removeLast()
        } else {
          contents.metadata["training"] = contents.metadata["training"]?
            .replacingOccurrences(of: "\"adam\"", with: "\"newton\"")
        }
      default: Issue.record("\(fault) is not built")
      }
      try contents.write(to: file)
      #expect(try !loads(AtomicFile.read(file), at: file))
    }
  }

  @Test(arguments: [ModelKind.nade, .made])
  func sizesBeyondAnyMachineAreRefusedBeforeTheyAreAllocated(_ kind: ModelKind) throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      let model: any NetworkDensity =
        kind == .nade
        ? try NADE(NADE.Configuration(variableCount: 2, hiddenCount: 3), seed: 1)
        : try MADE(MADE.Configuration(variableCount: 2, hiddenCounts: [3]), seed: 1)
      try Checkpoint(model: model).write(to: file)
      let sound = try SafetensorsFile(contentsOf: file)
      let configuration = try #require(sound.metadata["configuration"])
      for (text, replacement) in [
        ("\"variable_count\":2", "\"variable_count\":9223372036854775807"),
        ("\"hidden_count\":3", "\"hidden_count\":9223372036854775807"),
        ("\"hidden_counts\":[3]", "\"hidden_counts\":[9223372036854775807]"),
        ("\"mask_count\":1", "\"mask_count\":9223372036854775807"),
      ] where configuration.contains(text) {
        var contents = sound
        contents.metadata["configuration"] = configuration.replacingOccurrences(of: text, with: replacement)
        try contents.write(to: file)
        #expect(try !loads(AtomicFile.read(file), at: file), "\(replacement)")
      }
    }
  }

  @Test("other writers' files: no checksum, biases as vectors, other floating-point types")
  func otherWriters() throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      let model = try MADE(MADE.Configuration(variableCount: 5, hiddenCounts: [4]), seed: 1)
      try Checkpoint(model: model).write(to: file)
      #expect(try CheckpointOutline(contentsOf: file).hasChecksum)
      var contents = try SafetensorsFile(contentsOf: file)
      contents.tensors = contents.tensors.map { tensor in
        guard case .float32(let values) = tensor.scalars else { return tensor }
        return .init(
          name: tensor.name, shape: tensor.shape[0] == 1 ? [tensor.shape[1]] : tensor.shape,
          scalars: .float64(values.map(Double.init)))
      }
      try AtomicFile.write(withoutChecksum(contents), to: file)
      let rows = BinaryMatrix.allRows(ofWidth: 5)
      #expect(
        try Checkpoint(contentsOf: file).model.logProbabilities(of: rows) == model.logProbabilities(of: rows))
      #expect(try !CheckpointOutline(contentsOf: file).hasChecksum)
    }
  }

  /// Returns the bytes of a file as other tools write it.
  private func withoutChecksum(_ contents: SafetensorsFile) -> [UInt8] {
    let bytes = contents.encoded()
    let length = Int(bytes[0]) + Int(bytes[1]) << 8
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
      .replacing(#/"crc32":"[0-9a-f]{8}",/#, with: "")
    return safetensors(header: header, data: Array(bytes[(8 + length)...]))
  }

  @Test("an outline tells what the whole file tells, without its numbers", arguments: TrainingCase.all)
  func outline(_ training: TrainingCase) throws {
    try withTemporaryDirectory { path in
      let file = path + "/last.safetensors"
      var damaged = try bytes(training, at: file)
      let whole = try Checkpoint(contentsOf: file)
      // Damage among the numbers is not seen, for they are not read.
      damaged[damaged.count - 1] ^= 1
      try AtomicFile.write(damaged, to: file)
      let outline = try CheckpointOutline(contentsOf: file)
      #expect(outline.checkpoint.training?.progress == whole.training?.progress)
      #expect(
        try DensityArchive(of: outline.checkpoint.model).hasTheForm(of: DensityArchive(of: whole.model)))
      #expect(outline.checkpoint.model.parameterCount == whole.model.parameterCount)
      #expect(throws: DensityError.self) { try Checkpoint(contentsOf: file) }
    }
  }

  @Test func aMissingFileAndAFolder() throws {
    try withTemporaryDirectory { path in
      #expect(throws: DensityError.missingFile(path: path + "/none")) {
        try Checkpoint(contentsOf: path + "/none")
      }
      let error = #expect(throws: DensityError.self) { try Checkpoint(contentsOf: path) }
      guard case .unreadable(path, _) = error else {
        Issue.record("\(String(describing: error)) does not say that a folder cannot be read")
        return
      }
    }
  }

  @Test(arguments: ["", "\n", "0,1,0\n1,0,1\n", "\u{89}PNG\r\n", "{\"format\":\"BinaryDensity 1\"}"])
  func filesOfOtherKinds(_ text: String) throws {
    try withTemporaryDirectory { path in
      let file = path + "/model.safetensors"
      let isLoaded = try loads(Array(text.utf8), at: file)
      #expect(!isLoaded)
    }
  }
}
