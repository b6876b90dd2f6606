import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("What the command says to bad input")
struct ErrorTests {
  /// A command line, the status it ends with, and words of its one line of complaint.
  struct Fault: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let status: Int32
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ line: String, _ status: Int32, _ words: String...) {
      arguments = line.split(separator: " ").map(String.init)
      self.status = status
      self.words = words
    }
  }

  /// The files that the faults speak of.
  private func withFiles(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/train.csv", rowCount: 50)
      try DensityProgram.writeTable(folder + "/narrow.csv", rowCount: 5, columnCount: 4)
      try Data("0,1,0\n0,2,0\n".utf8).write(to: URL(fileURLWithPath: folder + "/values.csv"))
      try Data("0,1,0\n0,1\n".utf8).write(to: URL(fileURLWithPath: folder + "/ragged.csv"))
      try Data().write(to: URL(fileURLWithPath: folder + "/empty.csv"))
      try DensityProgram.writeTable(folder + "/broad.csv", rowCount: 2, columnCount: 9000)
      var huge = try NADE(NADE.Configuration(variableCount: 6, hiddenCount: 3), seed: 1)
      let matrices = huge.parameters.matrices.map { matrix in
        Matrix<Float>(rowCount: matrix.rowCount, columnCount: matrix.columnCount) {
          ($0 + $1) % 2 == 0 ? 1e30 : -1e30
        }
      }
      var parameters = Parameters<Float>()
      for (name, matrix) in zip(huge.parameters.names, matrices) { parameters.append(name, matrix) }
      huge.parameters = parameters
      try Checkpoint(model: huge).write(to: folder + "/huge.safetensors")
      // Only a row whose first two bits are on overflows.
      var edge = try NADE(NADE.Configuration(variableCount: 6, hiddenCount: 2), seed: 1)
      edge.parameters["w"] = Matrix(rowCount: 6, columnCount: 2) { row, _ in row < 2 ? 3e38 : 0 }
      edge.parameters["v"] = Matrix(rowCount: 6, columnCount: 2) { _, unit in unit == 0 ? 1 : -1 }
      try Checkpoint(model: edge).write(to: folder + "/edge.safetensors")
      try (String(repeating: "0,0,0,0,0,0\n", count: 1100) + "1,1,0,0,0,0\n").write(
        toFile: folder + "/late.csv", atomically: true, encoding: .utf8)
      try SafetensorsFile(metadata: [
        "format": "BinaryDensity 2", "model": "nade",
        "configuration": "{\"\u{1b}[31m\u{202e}\":\"" + String(repeating: "x", count: 100_000) + "\"}",
      ]).write(to: folder + "/text.safetensors")
      try DensityProgram.writeTable(folder + "/other.csv", rowCount: 40)
      let model = try FVSBN(FVSBN.Configuration(variableCount: 6), seed: 1)
      let file = folder + "/model.safetensors"
      try Checkpoint(model: model).write(to: file)
      try Checkpoint(model: Mixture([model, model])).write(to: folder + "/mixture.safetensors")
      var bytes = try AtomicFile.read(file)
      try AtomicFile.write(Array(bytes[..<(bytes.count - 5)]), to: folder + "/short.safetensors")
      bytes[bytes.count - 3] ^= 4
      try AtomicFile.write(bytes, to: folder + "/flipped.safetensors")
      try SafetensorsFile(metadata: ["format": "another"]).write(to: folder + "/foreign.safetensors")
      let idx = IDXArray(dimensions: [9, 6], elements: .uint8(Array(repeating: 1, count: 54))).encoded
      try AtomicFile.write(Array(idx[..<40]), to: folder + "/short.idx")
      try IDXArray(dimensions: [9, 6], elements: .uint8(Array(repeating: 1, count: 54)))
        .write(to: folder + "/whole.idx.gz")
      let gzip = try AtomicFile.read(folder + "/whole.idx.gz")
      try AtomicFile.write(Array(gzip[..<(gzip.count - 6)]), to: folder + "/short.idx.gz")
      try body(folder)
    }
  }

  @Test(arguments: [
    Fault("trian", 64, "did you mean train?"),
    Fault("train --from model.safetensors --start zero train.csv", 64, "--start", "--from"),
    Fault("train train.csv --data train.csv", 64, "<table> and --data are the same"),
    Fault("train", 64, "no table is named", "'density train table.csv'"),
    Fault("dance", 64, "dance", "train, fit, distill, reproduce, evaluate, sample, logprob, "),
    Fault("help dance", 64, "dance"),
    Fault("--verbose", 64, "--verbose"),
    Fault("train --hiden 5", 64, "--hiden", "did you mean --hidden?"),
    Fault("sample model.safetensors --cout 5", 64, "--cout", "did you mean --count?"),
    Fault("train --hidden many", 64, "--hidden", "many"),
    Fault("train --model fvsbn --hidden 8", 64, "--hidden", "no hidden units"),
    Fault("train --masks 2", 64, "--masks", "MADE"),
    Fault("train --orders 2", 64, "--orders", "EoNADE"),
    Fault("train --model made --masks 2 --orders 3", 64, "--orders", "--masks", "at most as many"),
    Fault("train --model made --masks 9 --orders 9 --ordering scans", 64, "--orders", "8 scans", "--masks"),
    Fault("train --model made --masks 4 --orders 2 --fresh-masks", 64, "--orders", "fresh masks"),
    Fault("train --model made --masks 4 --orders 2 --ordering natural", 64, "--orders", "random"),
    Fault("train --model eonade --orders 2 --ordering natural", 64, "--orders", "resampled"),
    Fault("train --model eonade --hidden none", 64, "--hidden"),
    Fault("train --binarize dynamic --data train.csv", 64, "--binarize", "bits"),
    Fault("sample model.safetensors -o s.csv --logprob s.csv", 64, "same file"),
    Fault("train --momentum 0.5", 64, "--momentum", "sgd"),
    Fault("train --threshold 9 --data train.csv", 64, "--threshold", "stochastic"),
    Fault("train --hidden none", 64, "--hidden", "none"),
    Fault("train --hidden 5,5 --data train.csv", 64, "--hidden", "one layer"),
    Fault("train --model made --hidden 5,0", 64, "--hidden", "5,0"),
    Fault("train --model made --hidden 900000,900000 --data train.csv", 64, "GB", "memory"),
    Fault("train --masks 2", 64, "--masks", "MADE"),
    Fault("train --model made --masks 0", 64, "--masks", "0"),
    Fault("train --residual", 64, "--residual", "MADE"),
    Fault("train --model made --hidden 8,4 --residual --data train.csv", 64, "residual", "as many"),
    Fault("train --epochs 0", 64, "--epochs", "0"),
    Fault("train --batch 0", 64, "--batch", "0"),
    Fault("train --patience 0", 64, "--patience", "0"),
    Fault("train --steps-per-epoch 0", 64, "--steps-per-epoch", "0"),
    Fault("fit train.csv --steps 0", 64, "--steps", "0"),
    Fault("fit train.csv --steps 100 --budget 5s", 64, "--steps", "--budget"),
    Fault("fit train.csv --steps 100 --resume", 64, "--steps", "--resume"),
    Fault("train --validate-every 0", 64, "--validate-every", "0"),
    Fault("train --momentum 1", 64, "--momentum", "1"),
    Fault("train --clip nan", 64, "--clip", "nan"),
    Fault("train --threads 0", 64, "--threads", "0"),
    Fault("train --seed -1", 64, "--seed", "-1"),
    Fault("train --seed 18446744073709551616", 64, "--seed", "18446744073709551616"),
    Fault("train --rate -1", 64, "--rate", "-1"),
    Fault("train --model vae", 64, "--model", "vae", "nade"),
    Fault("train --components 5", 64, "--components", "bernoulli-mixture"),
    Fault("train --model bernoulli-mixture --components 0", 64, "--components", "0"),
    Fault("train --model chow-liu --epochs 5", 64, "--epochs", "chow-liu"),
    Fault("train --model chow-liu --shifts 0.4", 64, "--shifts", "chow-liu"),
    Fault("train --shifts 1.5", 64, "--shifts", "1.5"),
    Fault("train --shifts 0.4 --data train.csv", 64, "pictures", "--image 28x28"),
    Fault("train --model bernoulli --fresh-masks", 64, "--fresh-masks", "bernoulli"),
    Fault("train --model chow-liu --data values.csv", 65, "values.csv", "line 2"),
    Fault("train --schedule cosin", 64, "--schedule", "did you mean cosine?"),
    Fault("train --epochs", 64, "--epochs"),
    Fault("train --epochs 1 --epochs 2", 64, "--epochs", "twice"),
    Fault("train --ordering resampled --data train.csv", 64, "one ordering"),
    Fault("train --activation tanh --data train.csv", 64, "sigmoid or relu"),
    Fault("train --data . --test train.csv", 64, "--test", "folder"),
    Fault("train --data none.csv", 66, "none.csv", "no such file"),
    Fault("train --data none/", 66, "none/", "no such file"),
    Fault("train --data .", 65, "train-images-idx3-ubyte"),
    Fault("train --data train.csv --test none.csv", 66, "none.csv", "no such file"),
    Fault("train --data values.csv", 65, "values.csv", "line 2", "0 or 1", "2"),
    Fault("train --data ragged.csv", 65, "ragged.csv", "line 2"),
    Fault("train --data empty.csv", 65, "empty.csv", "empty"),
    Fault("train --data short.idx", 65, "short.idx", "byte"),
    Fault("train --data train.csv --test narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("train --data train.csv --validation narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("train --data train.csv --run train.csv/run", 73, "train.csv/run", "cannot be written"),
    Fault("train --resume --run none", 66, "none/last.safetensors"),
    Fault("train --resume --run none --hidden 5", 64, "--hidden", "resumed"),
    Fault("train --from model.safetensors --hidden 5 --data train.csv", 64, "--hidden", "--from"),
    Fault("train --from model.safetensors --resume", 64, "--resume", "--from"),
    Fault("train --from model.safetensors --data narrow.csv", 65, "6 columns", "4"),
    Fault("train --from mixture.safetensors --data train.csv", 65, "mixture.safetensors", "a network"),
    Fault("train --from none.safetensors --data train.csv", 66, "none.safetensors", "no such file"),
    Fault("train --resume --run none --components 5", 64, "--components", "resumed"),
    Fault("train --resume --run none --fresh-masks", 64, "--fresh-masks", "resumed"),
    Fault("reproduce", 64, "made-500", "--list"),
    Fault("reproduce eonade-2-16 --published-training", 64, "--published-training", "eonade-2-16"),
    Fault("reproduce pixelrnn", 64, "pixelrnn", "nade-500"),
    Fault("reproduce nade-500 --data none", 66, "none", "no such file"),
    Fault("fit", 64, "table"),
    Fault("fit none.csv", 66, "none.csv", "no such file"),
    Fault("fit train.csv --budget soon", 64, "--budget", "soon"),
    Fault("fit train.csv --budget 99999999999999999999h", 64, "--budget", "99999999999999999999h"),
    Fault("fit train.csv --size 5M", 64, "--size", "5M", "5MB"),
    Fault("fit train.csv --size 0", 64, "--size", "0"),
    Fault("fit train.csv --size 100B", 64, "no model fits into 100 bytes", "the smallest takes"),
    Fault("distill model.safetensors", 64, "table"),
    Fault("distill none.safetensors train.csv", 66, "none.safetensors", "no such file"),
    Fault("distill model.safetensors none.csv", 66, "none.csv", "no such file"),
    Fault("distill model.safetensors narrow.csv", 65, "6 columns", "4"),
    Fault(
      "distill model.safetensors train.csv --size 100B", 64, "no network",
      "fits into 100 bytes; the smallest takes"),
    Fault("distill model.safetensors train.csv -o none/s.safetensors", 73, "none/s.safetensors", "no folder"),
    Fault("distill model.safetensors train.csv -o train.csv", 73, "train.csv", "same file"),
    Fault("train --data train.csv --resume --members 1", 64, "--members"),
    Fault("fit values.csv", 65, "values.csv", "line 2", "0 or 1", "2"),
    Fault("fit train.csv --validation narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("fit train.csv --test narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault("fit train.csv -o none/fit.safetensors", 73, "none/fit.safetensors", "no folder"),
    Fault("train --dropout 1", 64, "--dropout", "1"),
    Fault("train --dropout 0.5 --data train.csv", 64, "nade", "dropout of hidden units"),
    Fault("train --average 1", 64, "--average", "1"),
    Fault("evaluate", 64, "checkpoint"),
    Fault("evaluate none.safetensors", 66, "none.safetensors", "no such file"),
    Fault("evaluate . train.csv", 66, ".: cannot be read"),
    Fault("evaluate model.safetensors none.csv", 66, "none.csv", "no such file"),
    Fault("evaluate train.csv", 65, "train.csv", "not a checkpoint"),
    Fault("evaluate /dev/zero train.csv", 65, "/dev/zero", "not a checkpoint"),
    Fault("info /dev/zero", 65, "/dev/zero", "not a checkpoint"),
    Fault(
      "train --model bernoulli-mixture --components 1000000 --data broad.csv", 64, "mixture", "GB", "memory"),
    Fault("evaluate huge.safetensors train.csv", 65, "log p of row 1", "not a number"),
    Fault("logprob huge.safetensors train.csv", 65, "log p of row 1", "not a number"),
    Fault("evaluate edge.safetensors late.csv", 65, "log p of row 1101", "not a number"),
    Fault("logprob edge.safetensors late.csv -o s.csv", 65, "log p of row 1101", "not a number"),
    Fault("explain edge.safetensors late.csv -o s.csv", 65, "log p of row 1101", "not a number"),
    Fault("calibration edge.safetensors late.csv", 65, "log p of row 1101", "not a number"),
    Fault("sample huge.safetensors -o s.csv", 65, "log p of row 1", "not a number"),
    Fault("compare huge.safetensors", 65, "log p of row", "not a number"),
    Fault("compare model.safetensors huge.safetensors", 65, "log p of row", "not a number"),
    Fault("dependence huge.safetensors -o s.csv", 65, "log p of row", "not a number"),
    Fault("evaluate text.safetensors train.csv", 65, "text.safetensors", "\\u{1b}[31m", "…"),
    Fault("info text.safetensors", 65, "text.safetensors", "\\u{1b}[31m", "…"),
    Fault("evaluate short.safetensors train.csv", 65, "short.safetensors", "expected", "found"),
    Fault("evaluate flipped.safetensors train.csv", 65, "flipped.safetensors", "expected", "found"),
    Fault("evaluate foreign.safetensors train.csv", 65, "foreign.safetensors", "another"),
    Fault("evaluate model.safetensors narrow.csv", 65, "narrow.csv", "6 columns", "4"),
    Fault(
      "evaluate model.safetensors train.csv --against none.safetensors", 66, "none.safetensors",
      "no such file"),
    Fault("evaluate model.safetensors train.csv extra", 64, "extra"),
    Fault("evaluate model.safetensors train.csv --orders 4", 64, "--orders", "EoNADE", "fvsbn"),
    Fault("evaluate model.safetensors --split tset", 64, "--split", "did you mean test?"),
    Fault("logprob model.safetensors -", 65, "empty"),
    Fault("logprob model.safetensors short.idx", 65, "short.idx", "byte", "expected", "found"),
    Fault("logprob model.safetensors short.idx.gz", 65, "short.idx.gz", "byte", "expected", "found"),
    Fault("logprob model.safetensors train.csv -o none/scores.txt", 73, "none/scores.txt", "no folder"),
    Fault("logprob model.safetensors train.csv -o scores.doc", 73, "scores.doc", ".npy"),
    Fault("sample flipped.safetensors", 65, "flipped.safetensors", "expected", "found"),
    Fault("sample model.safetensors -o none/s.png", 73, "none/s.png", "no folder"),
    Fault("sample model.safetensors -o none/s.csv", 73, "none/s.csv", "no folder"),
    Fault("sample model.safetensors -o s.jpg", 73, "s.jpg", ".npy"),
    Fault("sample model.safetensors -n 0", 64, "--count", "0"),
    Fault("sample model.safetensors -n 100000000 --magnify 64", 64, "100000000 rows", "pixels"),
    // The names above the columns and the spaces between blocks count.
    Fault("sample model.safetensors -n 9000 --columns 9000 --magnify 64 -o x.png", 64, "9000 rows", "pixels"),
    Fault("info short.safetensors", 65, "short.safetensors", "expected", "found"),
    Fault("info", 64, "checkpoint"),
    Fault("export model.safetensors", 64, "--output"),
    Fault("export model.safetensors -o x.safetensors --to keras", 64, "--to", "keras", "pytorch"),
    Fault("export mixture.safetensors -o x.safetensors", 64, "MADE", "NADE", "FVSBN", "Mixture"),
    Fault("export model.safetensors -o none/x.safetensors", 73, "none/x.safetensors", "no folder"),
    Fault("import none.safetensors -o x.safetensors", 66, "none.safetensors", "no such file"),
    Fault("import flipped.safetensors -o x.safetensors", 65, "flipped.safetensors", "damaged"),
    Fault(
      "import model.safetensors -o x.safetensors", 65, "model.safetensors", "nearest is a MADE",
      "layers.0.weight"),
    Fault("import model.safetensors -o x.safetensors --activation gelu", 64, "--activation", "gelu", "relu"),
  ])
  func saysOneLineAndEndsWithAStatus(_ fault: Fault) throws {
    try withFiles { folder in
      let before = try names(in: folder)
      let result = try DensityProgram.finish(DensityProgram.start(fault.arguments, in: folder))
      #expect(result.status == fault.status, "\(result.errors)")
      let complaint = try #require(result.onlyLine, "\(result.errors)")
      for word in fault.words { #expect(complaint.contains(word), "\(complaint)") }
      #expect(result.output.isEmpty && complaint.utf8.count < 3000)
      #expect(!complaint.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
      // Nothing half-written.
      #expect(try names(in: folder) == before)
    }
  }

  @Test func aResumedRunMustBeTheSame() throws {
    try withFiles { folder in
      for (model, run) in [("fvsbn", "a"), ("made", "b")] {
        let result = try DensityProgram.run(
          "train", "--model", model, "--data", "train.csv", "--epochs", "1", "--run", run, in: folder)
        try #require(result.status == 0, "\(result.errors)")
      }
      func refusal(_ run: String, _ data: String = "train.csv") throws -> String? {
        let before = try names(in: folder + "/" + run)
        let result = try DensityProgram.run("train", "--resume", "--run", run, "--data", data, in: folder)
        #expect(result.status == 65 && result.output.isEmpty, "\(result.errors)")
        #expect(try names(in: folder + "/" + run) == before)
        return result.onlyLine
      }
      let other = try #require(try refusal("a", "other.csv"))
      #expect(other.contains("other: expected the data this training began with (train: 45 × 6, checksum "))
      #expect(other.contains("found other: 36 × 6, checksum "))
      // The best model of another family, then a best model in the place of the last.
      let files = FileManager.default
      try files.removeItem(atPath: folder + "/a/best.safetensors")
      try files.copyItem(atPath: folder + "/b/best.safetensors", toPath: folder + "/a/best.safetensors")
      #expect(try #require(try refusal("a")).contains("a/best.safetensors: expected the model of"))
      try files.removeItem(atPath: folder + "/b/last.safetensors")
      try files.copyItem(atPath: folder + "/b/best.safetensors", toPath: folder + "/b/last.safetensors")
      #expect(try #require(try refusal("b")).contains("b/last.safetensors: expected a checkpoint to resume"))
    }
  }

  @Test func divergenceIsOneLineAndLeavesNoCheckpoint() throws {
    try withFiles { folder in
      let result = try DensityProgram.run(
        "train", "--data", "train.csv", "--optimizer", "sgd", "--rate", "1e30", "--run", "run", in: folder)
      #expect(result.status == 70 && result.output.isEmpty)
      let complaint = try #require(result.complaint, "\(result.errors)")
      #expect(
        complaint.contains("step 1") && complaint.contains("log p of the") && complaint.contains("lower rate")
      )
      #expect(try names(in: folder + "/run") == ["history.jsonl", "run.json"])
    }
  }
}
