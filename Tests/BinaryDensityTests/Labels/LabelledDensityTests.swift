import Autodiff
import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Labelled densities")
struct LabelledDensityTests {
  /// Independent variables of given probabilities.
  private func independent(_ p: [Double]) -> IndependentBernoulli {
    IndependentBernoulli(
      logits: Matrix(rowCount: 1, columnCount: p.count, elements: p.map { Float(log($0 / (1 - $0))) }))
  }

  @Test("posteriors are those of Bayes' rule by hand, at any temperature")
  func bayes() throws {
    let p = [[0.9, 0.2, 0.5], [0.3, 0.6, 0.4], [0.1, 0.1, 0.8]]
    let weights = [0.5, 0.3, 0.2]
    let labelled = LabelledDensity(
      classes: ["x", "y", "z"], densities: p.map(independent), classWeights: [5, 3, 2])
    let rows = BinaryMatrix.allRows(ofWidth: 3)
    let scores = try labelled.classScores(of: rows)
    let marginals = labelled.logProbabilities(of: rows)
    for row in 0..<8 {
      let joint = (0..<3).map { c in
        (0..<3).reduce(weights[c]) { $0 * (rows[row, $1] ? p[c][$1] : 1 - p[c][$1]) }
      }
      let total = joint.reduce(0, +)
      #expect(abs(exp(marginals[row]) - total) < 1e-6)
      for (found, expected) in zip(scores.posteriors()[row], joint) {
        #expect(abs(found - expected / total) < 1e-6)
      }
      let roots = joint.map { pow($0, 1 / 2.5) }
      for (found, expected) in zip(scores.posteriors(ofRow: row, temperature: 2.5), roots) {
        #expect(abs(found - expected / roots.reduce(0, +)) < 1e-6)
      }
      #expect(scores.mostProbable()[row] == joint.indices.max { joint[$0] < joint[$1] })
    }
    #expect(abs(marginals.reduce(0) { $0 + exp($1) } - 1) < 1e-6)
  }

  @Test(
    "the fitted temperature has the smallest log loss, and undoes a factor", arguments: [1, 2, 3] as [UInt64])
  func temperature(seed: UInt64) {
    // Classes drawn from the posteriors themselves, of scores that were then made five times too large.
    var generator = Philox(seed: seed)
    let count = 4000
    let scores = (0..<3 * count).map { _ in Double.random(in: -3...3, using: &generator) }
    let honest = ClassScores(classCount: 3, logJoint: scores)
    let labels = (0..<count).map { row in
      var u = Double.random(in: 0..<1, using: &generator)
      for (index, p) in honest.posteriors(ofRow: row).enumerated() {
        u -= p
        if u < 0 { return index }
      }
      return 2
    }
    let sure = ClassScores(classCount: 3, logJoint: scores.map { 5 * $0 })
    let fitted = sure.fittedTemperature(labels: labels)
    #expect(abs(fitted - 5) < 0.6)
    func loss(_ temperature: Double) -> Double {
      ClassificationSummary(sure, labels: labels, temperature: temperature).logLoss
    }
    for factor in [0.8, 0.95, 0.99, 1.01, 1.05, 1.25] { #expect(loss(fitted) < loss(fitted * factor)) }
    let summary = ClassificationSummary(sure, labels: labels, temperature: fitted)
    #expect(
      summary.calibrationError < 0.03 && ClassificationSummary(sure, labels: labels).calibrationError > 0.1)
  }

  @Test("the ends of the range, and nothing to fit to")
  func temperatureEnds() {
    let right = ClassScores(classCount: 2, logJoint: [0, -1, -1, 0])
    #expect(abs(right.fittedTemperature(labels: [0, 1]) - 0.01) < 1e-4)
    #expect(abs(right.fittedTemperature(labels: [1, 0]) / 10_000 - 1) < 0.01)
    #expect(ClassScores(classCount: 2, logJoint: []).fittedTemperature(labels: []) == 1)
    #expect(ClassScores(classCount: 1, logJoint: [-3]).fittedTemperature(labels: [0]) == 1)
    // A class that is impossible, and a row that no class can have.
    let odd = ClassScores(classCount: 2, logJoint: [-1, -.infinity, -.infinity, -.infinity])
    #expect(odd.posteriors(temperature: 3) == [[1, 0], [0.5, 0.5]])
    #expect(odd.fittedTemperature(labels: [0, 1]).isFinite)
  }

  @Test("error, log loss, calibration error and confusions of a known case")
  func summary() {
    // Probabilities 0.9, 0.9, 0.9, 0.6 of the first class; the third is wrong.
    let p = [0.9, 0.9, 0.9, 0.6]
    let scores = ClassScores(classCount: 2, logJoint: p.flatMap { [log($0), log(1 - $0)] })
    let summary = ClassificationSummary(scores, labels: [0, 0, 1, 0])
    #expect(summary.rowCount == 4 && summary.errorCount == 1 && summary.error == 0.25)
    #expect(abs(summary.errorError - (0.25 * 0.75 / 4).squareRoot()) < 1e-12)
    let losses = [-log(0.9), -log(0.9), -log(0.1), -log(0.6)]
    let mean = losses.reduce(0, +) / 4
    #expect(abs(summary.logLoss - mean) < 1e-12)
    let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3
    #expect(abs((summary.logLossError ?? 0) - (variance / 4).squareRoot()) < 1e-12)
    // Three rows of confidence 0.9 of which two are right, one of 0.6 that is.
    #expect(abs(summary.calibrationError - (3 * abs(2.0 / 3 - 0.9) + 0.4) / 4) < 1e-12)
    #expect(summary.confusion == [[3, 0], [1, 0]])
    #expect(summary.bins.count == 15 && summary.bins[13].rowCount == 3 && summary.bins[9].rowCount == 1)
  }

  @Test("bars of the reliability diagram are as high as ranges are right")
  func diagram() {
    let scores = ClassScores(
      classCount: 2, logJoint: [0.99, 0.99, 0.99, 0.99].flatMap { [log($0), log(1 - $0)] })
    let image = ClassificationSummary(scores, labels: [0, 1, 0, 1]).reliabilityDiagram(side: 150)
    #expect(image.width == 164 && image.height == 201)
    // The last of 15 columns: half of its height right, the gap up to 0.99 grey; others empty.
    func level(_ x: Int, _ y: Int) -> UInt8 { image.pixels[(7 + 150 - 1 - y) * image.width + 7 + x] }
    #expect(level(145, 10) == 230 && level(145, 74) == 230 && level(145, 80) == 110 && level(5, 10) == 40)
  }

  @Test("save, load, save is byte-equal: of networks that see classes, and of a density a class")
  func checkpoints() throws {
    let network = drawn(
      try ConditionalNetwork(
        try NADE(NADE.Configuration(variableCount: 5, hiddenCount: 4, ordering: .random), seed: 1),
        classCount: 3, seed: 2), 3)
    // As it begins: a file has no weights that masks forbid.
    let made = try ConditionalNetwork(
      try MADE(MADE.Configuration(variableCount: 5, hiddenCounts: [6]), seed: 1), classCount: 3, seed: 2)
    var both = LabelledDensity(
      classes: ["0", "1", "ü,\""], networks: [network, made], classWeights: [3, 1, 1.1])
    both.temperature = 3.25
    let each = LabelledDensity(
      classes: ["0", "1"],
      densities: [independent([0.1, 0.5]), try ChowLiuTree.fit(to: .random(20, 2, seed: 1))],
      classWeights: [0.1, 0.7])
    let rows = BinaryMatrix.allRows(ofWidth: 5)
    for model in [both, each] {
      try withTemporaryDirectory { path in
        try Checkpoint(model: model).write(to: path + "/a.safetensors")
        let loaded = try Checkpoint(contentsOf: path + "/a.safetensors")
        try loaded.write(to: path + "/b.safetensors")
        #expect(try AtomicFile.read(path + "/a.safetensors") == AtomicFile.read(path + "/b.safetensors"))
        let density = try #require(loaded.model as? LabelledDensity)
        #expect(density.classes == model.classes && density.temperature == model.temperature)
        #expect(density.classWeights == model.classWeights && density.parameterCount == model.parameterCount)
        if model.variableCount == 5 {
          #expect(density.logProbabilities(of: rows) == model.logProbabilities(of: rows))
          #expect(try density.classScores(of: rows).logJoint == model.classScores(of: rows).logJoint)
        }
      }
    }
  }

  @Test("it is a mixture: draws, queries and marginals are those of its classes")
  func mixture() throws {
    let labelled = LabelledDensity(
      classes: ["a", "b"], densities: [independent([0.9, 0.1]), independent([0.2, 0.7])],
      classWeights: [1, 3])
    #expect(labelled.components?.map(\.weight) == [0.25, 0.75])
    var generator = Philox(seed: 3)
    let rows = try labelled.sample(count: 4000, using: &generator)
    // Four standard errors.
    #expect(abs(rows.columnMeans[0] - 0.375) < 4 * (0.375 * 0.625 / 4000).squareRoot())
    let each = try labelled.sampleOfEachClass(count: 500, using: &generator)
    #expect(each.rowCount == 1000)
    #expect(each.rows(0..<500).columnMeans[0] > 0.8 && each.rows(500..<1000).columnMeans[0] < 0.3)
    let marginal = try #require(try labelled.inference().logMarginals(of: PartialRows([[1, nil]])))
    #expect(abs(exp(marginal[0].value) - 0.375) < 1e-6)
  }
}
