import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Calibration of conditionals")
struct ConditionalCalibrationTests {
  /// Independent bits of given probabilities.
  private func independent(_ p: [Double]) -> IndependentBernoulli {
    IndependentBernoulli(
      logits: Matrix(rowCount: 1, columnCount: p.count, elements: p.map { Float(log($0 / (1 - $0))) }))
  }

  /// Forecasts of 0.5 twice and of 0.9; their sums of x − p by row are 0, 1, −1, 0 and 0.1, 0.1, −0.9, 0.1.
  @Test("bins, gaps, errors and chance by hand")
  func byHand() throws {
    let rows = BinaryMatrix([[0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1]])
    let found = try independent([0.5, 0.5, 0.9]).conditionalCalibration(of: rows)
    #expect(found.rowCount == 4 && found.cellCount == 12 && found.conditioning == .before)
    #expect(found.bins.count == 15 && found.bins.count { $0.cellCount > 0 } == 2)
    let (half, high) = (found.bins[7], found.bins[13])
    #expect(half.cellCount == 8 && half.rowCount == 4 && half.predicted == 0.5 && half.observed == 0.5)
    // 4/3 of Σ G² = 2, over 8 cells.
    #expect(abs((half.gapStandardError ?? 0) - (4.0 / 3 * 2).squareRoot() / 8) < 1e-7)
    #expect(high.cellCount == 4 && abs(high.predicted - 0.9) < 1e-7 && high.observed == 0.75)
    #expect(abs(high.gap + 0.15) < 1e-7)
    // G − gap·n is 0.25 three times and −0.75.
    #expect(abs((high.gapStandardError ?? 0) - (4.0 / 3 * 0.75).squareRoot() / 4) < 1e-7)
    #expect(abs(found.calibrationError - 0.6 / 12) < 1e-7)
    // Of the signs + and −: 0 − 0.1, 1 − 0.1, −1 + 0.9, 0 − 0.1, whose mean is 0.15.
    let terms = [-0.1, 0.9, -0.1, -0.1]
    let variance = terms.reduce(0) { $0 + ($1 - 0.15) * ($1 - 0.15) } / 3
    #expect(abs((found.calibrationErrorStandardError ?? 0) - (variance / 4).squareRoot() / 3) < 1e-7)
    let variances = [8 * 0.25, 4 * 0.09]
    let chance = found.calibrationErrorByChance
    #expect(abs(chance.mean - variances.reduce(0) { $0 + (2 * $1 / .pi).squareRoot() } / 12) < 1e-7)
    let spread = (variances.reduce(0, +) * (1 - 2 / .pi)).squareRoot() / 12
    #expect(abs((chance.standardDeviation ?? 0) - spread) < 1e-7)
    #expect(abs(found.variableGaps[2].gap + 0.15) < 1e-7 && found.variableGaps[0].gap == 0)
    // 0.1 three times and −0.9: a standard error of 0.5 / √4.
    #expect(abs((found.variableGaps[2].standardError ?? 0) - 0.25) < 1e-7)
    // Were it calibrated: 4 of 0.09.
    #expect(abs(found.variableGaps[2].chanceDeviation - 0.15) < 1e-7)
    #expect(found.variableGaps[2].z == nil)

    // Independent bits are what they are given all others too; variances are then those of the rows' sums
    // about their means.
    let others = try independent([0.5, 0.5, 0.9]).conditionalCalibration(of: rows, given: .others)
    #expect(abs(others.calibrationError - 0.6 / 12) < 1e-6 && others.conditioning == .others)
    let sums = (2.0.squareRoot() + (3 * 0.01 + 0.81 - 0.6 * 0.6 / 4).squareRoot()) * (2 / .pi).squareRoot()
    #expect(abs(others.calibrationErrorByChance.mean - sums / 12) < 1e-6)
    #expect(others.calibrationErrorByChance.standardDeviation == nil)
  }

  @Test("a range of which no cell is on has the error of a calibrated one, and a bias is no chance")
  func oneSided() throws {
    let none = BinaryMatrix(Array(repeating: [0, 0], count: 50))
    let rare = try independent([0.01, 0.01]).conditionalCalibration(of: none)
    #expect(abs((rare.bins[0].gapStandardError ?? 0) - (0.01 * 0.99 / 100).squareRoot()) < 1e-7)
    // Forecasts of a half, and all cells are on, given those before or all others.
    let all = BinaryMatrix(Array(repeating: [1, 1], count: 50))
    let biased = try independent([0.5, 0.5]).conditionalCalibration(of: all, given: .others)
    #expect(biased.calibrationError == 0.5 && biased.calibrationErrorByChance.mean < 1e-9)
  }

  @Test("rows are independent, cells of a row are not")
  func clusters() throws {
    // Whole rows are on or off: 40 cells a row tell no more than one.
    let (rowCount, count) = (50, 40)
    let rows = BinaryMatrix((0..<rowCount).map { row in Array(repeating: row % 5 < 2 ? 1 : 0, count: count) })
    let found = try independent(Array(repeating: 0.5, count: count)).conditionalCalibration(of: rows)
    let bin = found.bins[7]
    #expect(bin.cellCount == 2000 && abs(bin.gap + 0.1) < 1e-12)
    let expected = (0.4 * 0.6 / Double(rowCount - 1)).squareRoot()
    #expect(abs((bin.gapStandardError ?? 0) - expected) < 1e-12)
    #expect(abs((found.calibrationErrorStandardError ?? 0) - expected) < 1e-12)
    // Of a variable 50 values with a variance of a quarter each.
    #expect(found.variableGaps.allSatisfy { abs(($0.z ?? 0) + 0.1 * 50 / 12.5.squareRoot()) < 1e-12 })
  }

  @Test("in parts as at once; of a single row without errors")
  func parts() throws {
    let density = try ModelCase.nade(7, 5, .relu, ordering: .random).model(seed: 1)
    let rows = BinaryMatrix.allRows(ofWidth: 7)
    var parts = ConditionalCalibration(variableCount: 7, given: .before)
    for range in [0..<1, 1..<60, 60..<128] {
      let block = rows.rows(range)
      parts.add(try density.contributions(of: block), of: block)
    }
    let whole = try density.conditionalCalibration(of: rows)
    #expect(parts.bins == whole.bins && parts.calibrationError == whole.calibrationError)
    #expect(parts.calibrationErrorStandardError == whole.calibrationErrorStandardError)
    #expect(parts.variableGaps == whole.variableGaps)
    let single = try density.conditionalCalibration(of: rows.rows(5..<6))
    #expect(
      single.calibrationErrorStandardError == nil && single.bins.allSatisfy { $0.gapStandardError == nil })
    #expect(single.variableGaps.allSatisfy { $0.standardError == nil } && single.calibrationError > 0)
  }

  /// A sum of half-normals is more than 5 standard deviations above its mean less often than one alone, once in 7000; so one
  /// of these raises a false alarm once in 300 choices of the seeds, and a variable's gap, 5 of its errors, even less.
  @Test(
    "on its own samples a density is calibrated as far as chance goes",
    arguments: InferenceCase.all.filter {
      $0.testDescription.contains("NADE of") || $0.testDescription.hasPrefix("fitted")
    },
    [1, 2] as [UInt64])
  func ownSamples(_ inferenceCase: InferenceCase, seed: UInt64) throws {
    let density = try inferenceCase.density(seed)
    guard density.autoregressive() != nil, density.variableCount > 1 else { return }
    var generator = Philox(seed: seed)
    let found = try density.conditionalCalibration(of: density.sample(count: 3000, using: &generator))
    let chance = found.calibrationErrorByChance
    #expect(found.calibrationError < chance.mean + 5 * (chance.standardDeviation ?? 0))
    #expect(found.variableGaps.allSatisfy { abs($0.z ?? 0) < 5 })
  }

  /// Over 200 tables a mean is known to √(1/200) of a deviation; a deviation itself to 5 %, and bounds are 4 of these.
  ///
  /// Sums of few cells are not normal, hence 5 % more.
  @Test("chance and standard errors are what many tables show", arguments: Conditioning.allCases)
  func coverage(_ conditioning: Conditioning) throws {
    let density = try ModelCase.nade(7, 5, .relu, ordering: .random).model(seed: 3, spread: 0.7)
    let other = Sharpened(base: try density.chain(), factor: 2)
    var generator = Philox(seed: 11)
    var (errors, chances, wrong, wrongErrors) = ([Double](), [Double](), [Double](), [Double]())
    for _ in 0..<200 {
      let rows = try density.sample(count: 300, using: &generator)
      let found = try density.conditionalCalibration(of: rows, given: conditioning)
      errors.append(found.calibrationError)
      chances.append(found.calibrationErrorByChance.mean)
      let sharp = try other.conditionalCalibration(of: rows, given: conditioning)
      wrong.append(sharp.calibrationError)
      wrongErrors.append(try #require(sharp.calibrationErrorStandardError))
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    func deviation(_ values: [Double]) -> Double {
      (values.reduce(0) { $0 + ($1 - mean(values)) * ($1 - mean(values)) } / Double(values.count - 1))
        .squareRoot()
    }
    #expect(
      abs(mean(errors) - mean(chances)) < 4 * deviation(errors) / 200.0.squareRoot() + 0.05 * mean(chances))
    #expect(abs(deviation(wrong) / mean(wrongErrors) - 1) < 0.25)
    // Twice too sure: far beyond chance in each of the tables.
    #expect(wrong.min() ?? 0 > 2 * (chances.max() ?? 1))
  }

  @Test("twice too large logits are too sure: low forecasts too low, high ones too high")
  func sharpened() throws {
    let density = try ModelCase.nade(7, 5, .relu, ordering: .random).model(seed: 3)
    var generator = Philox(seed: 5)
    let rows = try density.sample(count: 4000, using: &generator)
    let found = try Sharpened(base: try density.chain(), factor: 2).conditionalCalibration(of: rows)
    let chance = found.calibrationErrorByChance
    #expect(found.calibrationError > chance.mean + 20 * (chance.standardDeviation ?? 1))
    for bin in found.bins.prefix(4) + found.bins.suffix(4) where bin.cellCount > 500 {
      let z = bin.gap / (bin.gapStandardError ?? 1)
      #expect(bin.predicted < 0.5 ? z > 3 : z < -3, "\(bin)")
    }
  }

  @Test("a mixture of several orders is asked given all others; a wrong question is refused")
  func severalOrders() throws {
    let mixture = try CompositeCase.mixture.density(seed: 1)
    let rows = BinaryMatrix.random(100, 7, seed: 3)
    let found = try mixture.conditionalCalibration(of: rows)
    #expect(found.conditioning == .others && found.cellCount == 700)
    #expect(
      try CompositeCase.mixtureOfOneOrder.density(seed: 1).conditionalCalibration(of: rows).conditioning
        == .before)
    #expect {
      _ = try mixture.conditionalCalibration(of: rows, given: .before)
    } throws: { error in
      guard case DensityError.unsupported(let reason)? = error as? DensityError else { return false }
      return reason.contains("mixture of several orders")
    }
  }

  @Test("bars of the reliability diagram are as high as cells are on")
  func diagram() throws {
    let rows = BinaryMatrix([[0, 1], [1, 1], [0, 0], [1, 1]])
    let image = try independent([0.5, 0.9]).conditionalCalibration(of: rows).reliabilityDiagram(side: 150)
    #expect(image.width == 164 && image.height == 201)
    func level(_ x: Int, _ y: Int) -> UInt8 { image.pixels[(7 + 150 - 1 - y) * image.width + 7 + x] }
    // Half of those forecast at 0.5, three quarters of those at 0.9.
    #expect(level(72, 60) == 230 && level(72, 80) == 40)
    #expect(level(132, 111) == 230 && level(132, 115) == 110 && level(138, 137) == 40)
  }
}

/// A chain whose logits are so many times too large.
private struct Sharpened: AutoregressiveDensity {
  let base: any AutoregressiveDensity
  let factor: Float
  var variableCount: Int { base.variableCount }
  var ordering: Ordering { base.ordering }

  func conditionalLogits(of rows: BinaryMatrix) -> Matrix<Float> {
    let logits = base.conditionalLogits(of: rows)
    return Matrix(rowCount: logits.rowCount, columnCount: logits.columnCount) { factor * logits[$0, $1] }
  }
}
