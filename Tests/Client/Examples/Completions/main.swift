// Learns digits, hides the lower half of some and completes them; prints pictures of two pixels a character:
//
//     Completions FOLDER-OF-MNIST [COUNT]
//
// From the left: the digit, what the network was shown, and three draws of the rest. In the order of the pixels the upper
// half comes first, so that every draw is exact and costs what a sample costs.

import BinaryDensity
import Foundation
import Kernels

/// Two lines of pixels as one of characters; what is not known is a dot.
func lines(_ pixels: [Bool?], width: Int) -> [String] {
  stride(from: 0, to: pixels.count - width, by: 2 * width).map { start in
    (start..<start + width).reduce(into: "") { line, place in
      switch (pixels[place], pixels[place + width]) {
      case (true?, true?): line += "█"
      case (true?, _): line += "▀"
      case (_, true?): line += "▄"
      case (nil, nil): line += "·"
      default: line += " "
      }
    }
  }
}

func run(_ arguments: [String]) throws {
  guard arguments.count == 1 || arguments.count == 2,
    let count = Int(arguments.count == 2 ? arguments[1] : "3")
  else {
    print("usage: Completions FOLDER-OF-MNIST [COUNT]")
    exit(2)
  }
  let digits = try DataSplits.mnist(directory: arguments[0])
  guard let shape = digits.imageShape, let test = digits.test else { return }

  // A small network, a tenth of the digits, a few passes: enough to see strokes go on.
  let data = DataSplits(name: digits.name, train: digits.train.rows(0..<5000), imageShape: shape)
  let network = try NADE(NADE.Configuration(variableCount: data.variableCount, hiddenCount: 80), seed: 1)
  let training = TrainingConfiguration(epochCount: 12, learningRate: 0.004, seed: 1)
  let trainer = try Trainer(network, data: data, configuration: training)
  _ = try trainer.run()

  // The lower half is not known.
  let originals = test.rows(0..<min(count, test.rowCount))
  let upper = 0..<shape.height / 2 * shape.width
  let evidence = PartialRows(originals, knownColumns: upper)

  let inference = try trainer.model.inference()
  var generator = Philox(seed: 1)
  guard let draws = try inference.sample(given: evidence, count: 3, using: &generator) else { return }
  for row in 0..<originals.rowCount {
    let original = (0..<originals.columnCount).map { originals[row, $0] as Bool? }
    var pictures = [lines(original, width: shape.width), lines(evidence[row: row], width: shape.width)]
    for draw in 0..<draws.count {
      let completed = (0..<draws.rows.columnCount).map { draws.rows[row * draws.count + draw, $0] as Bool? }
      pictures.append(lines(completed, width: shape.width))
    }
    for line in pictures[0].indices { print(pictures.map { $0[line] }.joined(separator: " ")) }
  }
  let marginals = try inference.logMarginals(of: evidence) ?? []
  print("draws are \(draws.areExact ? "exact" : "approximate")")
  print("log p of the upper halves:", marginals.map(\.description).joined(separator: ", "))
}

do {
  try run(Array(CommandLine.arguments.dropFirst()))
} catch {
  FileHandle.standardError.write(Data("Completions: \(error)\n".utf8))
  exit(1)
}
