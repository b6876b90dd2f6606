import Autodiff
import BinaryDensity
import Foundation

/// A file of the repository.
func repositoryFile(_ path: String) -> String {
  // Tests/Client/Sources/Client/TutorialChecks.swift
  var root = URL(fileURLWithPath: #filePath)
  for _ in 0..<5 { root.deleteLastPathComponent() }
  return root.appendingPathComponent(path).path
}

/// Runs the code of the tutorials, on the votes that come with the repository, in the current folder.
func checkTutorials() throws {
  let votes = repositoryFile("Data/house-votes-84.csv")
  let table = try DataTable.read(votes)
  guard case .partial(let partial) = table.contents else { return expect(false, "the votes have no gaps") }
  let whole = partial.values.selecting(
    (0..<partial.rowCount).filter { partial.known.onBitCount(ofRow: $0) == partial.columnCount })
  expect(whole.rowCount == 232, "\(whole.rowCount) members voted on everything")
  try checkScores(whole, names: table.columnNames)
  try checkGaps(votes, partial)
  try checkOwnNetwork(whole)
}

/// Rows of which every other cell is another's are the oddest, and columns are found by name.
private func checkScores(_ whole: BinaryMatrix, names: [String]?) throws {
  let train = whole.rows(0..<200)
  var planted = BinaryMatrix(rowCount: 2, columnCount: whole.columnCount)
  for column in 0..<whole.columnCount {
    planted[0, column] = !whole[200, column] == (column % 2 == 0)
    planted[1, column] = !whole[201, column] == (column % 3 == 0)
  }
  let new = whole.rows(200..<232) + planted
  let backwards = Array((0..<whole.columnCount).reversed())
  try TableFile(path: "train.csv").write(train, names: names)
  try TableFile(path: "new.csv").write(
    new.selecting(columns: backwards), names: names.map { names in backwards.map { names[$0] } })
  let oddest = try scoreTable("new.csv", trainedOn: "train.csv", writingTo: "scores.csv", top: 3)
  expect(Set(oddest.prefix(2).map(\.row)) == [32, 33], "the oddest rows are \(oddest)")
  let lines = try String(contentsOfFile: "scores.csv", encoding: .utf8).split(separator: "\n")
  expect(lines.count == 34, "\(lines.count) scores were written")
}

/// What is exact is said to be, and what is known is kept.
private func checkGaps(_ path: String, _ rows: PartialRows) throws {
  guard let filled = try fillGaps(in: path, writingTo: "filled.csv") else {
    return expect(false, "nothing was filled")
  }
  expect(
    filled.marginals.count == 435 && filled.marginals.allSatisfy(\.isExact), "a marginal is no exact one")
  expect(filled.cells.count == 392, "\(filled.cells.count) cells were missing")
  expect(filled.cells.allSatisfy { (0...1).contains($0.probability) }, "a probability is none")
  expect(filled.draws.areExact && filled.draws.rows.rowCount == 5 * 435, "the draws are others")
  let known = filled.mostProbable.rows
  let isKept = (0..<rows.rowCount).allSatisfy { row in
    rows.known.onBits(ofRow: row).allSatisfy { known[row, $0] == rows.values[row, $0] }
  }
  expect(isKept && filled.mostProbable.areProved, "a known cell was changed, or a row is not proved")
  expect(try DataTable.read("filled.csv").rows(split: .test) == known, "the file holds other rows")
}

/// A network of one's own: its loss is its likelihood, it learns, and a file gives it back.
private func checkOwnNetwork(_ whole: BinaryMatrix) throws {
  let small = try GatedNetwork(variableCount: 9, hiddenCount: 6, seed: 4)
  expect(abs(excess(small)) < 1e-5, "the gated network's probabilities do not sum to 1")

  let data = DataSplits(name: "votes", train: whole.rows(0..<180), validation: whole.rows(180..<232))
  let network = try GatedNetwork(variableCount: 17, hiddenCount: 32, seed: 1)
  let (loss, gradients) = lossAndGradients(of: network, data.train)
  let mean = network.logProbabilities(of: data.train).reduce(0, +) / Double(data.train.rowCount)
  expect(abs(Double(loss) + mean) < 1e-4, "the loss is \(loss), not \(-mean)")
  // d loss / d b of the first variable, which nothing comes before: σ(b) less the share of ones.
  let share = Double((0..<180).count { data.train[$0, 0] }) / 180
  expect(abs(Double(gradients["b"][0, 0]) - (0.5 - share)) < 1e-5, "the gradient is \(gradients["b"][0, 0])")

  let restored = try trainAndKeep(network, on: data, in: "gated.safetensors")
  func nll(_ density: any Density, _ rows: BinaryMatrix) -> Double {
    -density.logProbabilities(of: rows).reduce(0, +) / Double(rows.rowCount)
  }
  let floor = try IndependentBernoulli.fit(to: data.train)
  let (own, other) = (nll(restored, whole.rows(180..<232)), nll(floor, whole.rows(180..<232)))
  expect(own < other - 1, "the gated network has \(own) nats, independent bits \(other)")
  do {
    let wider = try GatedNetwork(variableCount: 17, hiddenCount: 33, seed: 0)
    _ = try Parameters(contentsOf: "gated.safetensors", shapes: wider.parameterShapes)
    expect(false, "a wider network took the parameters")
  } catch let error {
    expect("\(error)".contains("gated.safetensors") && "\(error)".contains("'w'"), "\(error)")
  }
}
