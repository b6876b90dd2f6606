import Kernels
import Testing
import _TestSupport

extension NADENetwork<Double> {
  /// The largest |a| that the rows pass through, and whether some unit has come back from beyond 100 to within 50.
  func largestActivation(_ x: Matrix<Float>) -> (largest: Double, returns: Bool) {
    var (largest, returns) = (0.0, false)
    for row in 0..<x.rowCount {
      for unit in 0..<c.columnCount {
        var (a, peak) = (c[0, unit], 0.0)
        for variable in ordering.map(Int.init) where x[row, variable] != 0 {
          a += w[variable, unit]
          peak = max(peak, abs(a))
          returns = returns || (peak > 100 && abs(a) < 50)
        }
        largest = max(largest, peak)
      }
    }
    return (largest, returns)
  }
}

private let activations = [Activation.sigmoid, .relu]
/// Scales of weights: ordinary ones, some whose activations pass ±100 and come back, so that exp(−a) leaves the
/// range of single precision on the way, and some where a single factor does.
private let scales: [Double] = [1, 40, 200]

@Suite struct NADETests {
  /// Returns a bound on the error of any logit.
  ///
  /// With inputs, weights and biases of at most 1, |a| ≤ D + 1 after at most D roundings of it, so a errs by
  /// at most (D + 1)²·u, and so does h, whose slope is at most 1, besides 3 ulp. The logit adds H products and
  /// as many roundings of |z| ≤ H·max h.
  private func bound(_ network: NADENetwork<Float>) -> Double {
    let d = Double(network.w.rowCount)
    let h = Double(network.c.columnCount)
    let largest = network.activation == .sigmoid ? 1 : d + 1
    return roundoff * (h * ((d + 1) * (d + 1) + 6) + (h + 2) * (h * largest + 1))
  }

  @Test(arguments: InstructionSet.available, activations)
  func logits(set: InstructionSet, activation: Activation) {
    for hidden in sizesAroundVectors + [512, 600] {
      for (rows, variables) in [(1, 7), (5, 16), (17, 9), (33, 20), (0, 3)] {
        let network = NADENetwork(variables: variables, hidden: hidden, activation: activation, seed: 31)
        let x = Matrix<Float>.bits(rows, variables, seed: 32)
        var z = Matrix<Float>(rowCount: rows, columnCount: variables, repeating: .nan)
        let (exact, exactX) = (network.inDouble, x.inDouble)
        var expected = z.inDouble
        set.run { network.nade(x, into: &z) }
        exact.nade(exactX, into: &expected)
        let limit = bound(network)
        #expect(firstMismatch(z, expected) { _, _ in limit } == nil, "\(rows) rows, \(hidden) hidden units")
      }
    }
  }

  /// The gradients sum over rows and positions what the logits' errors and as many roundings perturb.
  @Test(arguments: InstructionSet.available, activations)
  func gradients(set: InstructionSet, activation: Activation) {
    for hidden in sizesAroundVectors + [130] {
      for (rows, variables) in [(1, 7), (5, 16), (35, 11), (70, 8), (0, 3)] {
        // Distances from ReLU's kink far above rounding: weights in steps of 1/8, biases between the steps.
        var network = NADENetwork(variables: variables, hidden: hidden, activation: activation, seed: 33)
        network.w = Matrix(nanPaddedRowCount: variables, columnCount: hidden) {
          (network.w[$0, $1] * 8).rounded() / 8
        }
        network.c = Matrix(nanPaddedRowCount: 1, columnCount: hidden) {
          (network.c[$0, $1] * 8).rounded() / 8 + 0.0625
        }
        let x = Matrix<Float>.bits(rows, variables, seed: 34)
        let dz = Matrix<Float>.uniform(rows, variables, seed: 35)
        var result = network.zeros
        let (exact, exactX, exactDz) = (network.inDouble, x.inDouble, dz.inDouble)
        var expected = exact.zeros
        set.run {
          network.accumulateGradient(x, dz, into: &result)
        }
        exact.accumulateGradient(exactX, exactDz, into: &expected)
        // Sums of rows · D products of magnitude at most D + 1 (da sums D terms), each of factors good to
        // (D + 8) roundings, in rows · D additions.
        let terms = Double(rows * variables)
        let d = Double(variables)
        let limit = roundoff * terms * (d + 1) * (terms + d + 8)
        let pairs = [
          (result.w, expected.w), (result.v, expected.v), (result.b, expected.b), (result.c, expected.c),
        ]
        for (name, (matrix, reference)) in zip(["w", "v", "b", "c"], pairs) {
          let mismatch = firstMismatch(matrix, reference) { _, _ in limit }
          #expect(mismatch == nil, "gradient of \(name), \(rows) rows, \(hidden) hidden units")
        }
      }
    }
  }

  /// Activations far outside ±88 and back, in some rows and units, still give the logits and gradients of the
  /// reference.
  ///
  /// With |a| ≤ A after D additions a errs by at most D·A·u, and by twice that where the backward pass has
  /// subtracted the weights again; the rest is as in the tests above.
  @Test(arguments: InstructionSet.available, scales)
  func largeActivations(set: InstructionSet, scale: Double) {
    for hidden in [1, 17, 600] {
      for (rows, variables) in [(1, 30), (40, 31), (150, 30)] {
        let network = NADENetwork(
          variables: variables, hidden: hidden, activation: .sigmoid, scale: scale, seed: 44)
        let x = Matrix<Float>.bits(rows, variables, seed: 45)
        let dz = Matrix<Float>.uniform(rows, variables, seed: 46)
        let (exact, exactX, exactDz) = (network.inDouble, x.inDouble, dz.inDouble)
        let (largest, returns) = exact.largestActivation(x)
        if scale > 1 && hidden > 1 && rows > 1 { #expect(largest > 100 && returns) }
        var z = Matrix<Float>(rowCount: rows, columnCount: variables, repeating: .nan)
        var result = network.zeros
        set.run {
          network.nade(x, into: &z)
          network.accumulateGradient(x, dz, into: &result)
        }
        var (expectedZ, expected) = (z.inDouble, exact.zeros)
        exact.nade(exactX, into: &expectedZ)
        exact.accumulateGradient(exactX, exactDz, into: &expected)
        let (d, h, terms) = (Double(variables), Double(hidden), Double(rows * variables))
        let limit = roundoff * (h * (d * largest + 6) + (h + 2) * (h + 1))
        #expect(firstMismatch(z, expectedZ) { _, _ in limit } == nil, "\(rows) rows, \(hidden) units")
        let gradientLimit = roundoff * terms * (d + 1) * (terms + 2 * d * largest + 8)
        let pairs = [
          (result.w, expected.w), (result.v, expected.v), (result.b, expected.b), (result.c, expected.c),
        ]
        for (name, (matrix, reference)) in zip(["w", "v", "b", "c"], pairs) {
          let mismatch = firstMismatch(matrix, reference) { _, _ in gradientLimit }
          #expect(mismatch == nil, "gradient of \(name), \(rows) rows, \(hidden) units")
        }
      }
    }
  }

  @Test(arguments: InstructionSet.available, scales)
  func threadsKeepTheBits(set: InstructionSet, scale: Double) {
    let network = NADENetwork(variables: 31, hidden: 600, activation: .sigmoid, scale: scale, seed: 47)
    let x = Matrix<Float>.bits(150, 31, seed: 48)
    let u = Matrix<Float>.uniform(150, 31, in: 0...1, seed: 49)
    func bits() -> [UInt32] {
      var z = Matrix<Float>(rowCount: 150, columnCount: 31)
      var (sample, sampleZ) = (z, z)
      var result = network.zeros
      set.run {
        network.nade(x, into: &z)
        network.accumulateGradient(x, u, into: &result)
        network.sample(uniforms: u, into: &sample, logits: &sampleZ)
      }
      return z.bitPatterns + result.elements.map(\.bitPattern) + sample.bitPatterns + sampleZ.bitPatterns
    }
    let expected = Threads.run(on: 1, bits)
    for count in [2, 3, 8] { #expect(Threads.run(on: count, bits) == expected, "\(count) threads") }
  }

  @Test(arguments: InstructionSet.available, activations)
  func rowsAreIndependent(set: InstructionSet, activation: Activation) {
    for scale in scales {
      let network = NADENetwork(variables: 40, hidden: 600, activation: activation, scale: scale, seed: 36)
      let x = Matrix<Float>.bits(150, 40, seed: 37)
      func result(_ x: Matrix<Float>) -> Matrix<Float> {
        var z = Matrix<Float>(rowCount: x.rowCount, columnCount: 40)
        set.run { network.nade(x, into: &z) }
        return z
      }
      let all = result(x)
      for range in [0..<1, 0..<2, 5..<12, 20..<49, 16..<32, 3..<131, 149..<150] {
        #expect(result(x.rows(range)).bitPatterns == all.rows(range).bitPatterns)
      }
    }
  }

  /// A conditional does not change by a bit when a variable that comes later, or is the variable itself,
  /// flips.
  @Test(arguments: InstructionSet.available, activations)
  func laterVariablesLeaveNoTrace(set: InstructionSet, activation: Activation) {
    for scale in scales { laterVariablesLeaveNoTrace(set, activation, scale) }
  }

  private func laterVariablesLeaveNoTrace(_ set: InstructionSet, _ activation: Activation, _ scale: Double) {
    let network = NADENetwork(variables: 30, hidden: 50, activation: activation, scale: scale, seed: 38)
    var x = Matrix<Float>.bits(6, 30, seed: 39)
    func result() -> Matrix<Float> {
      var z = Matrix<Float>(rowCount: 6, columnCount: 30)
      set.run { network.nade(x, into: &z) }
      return z
    }
    let before = result()
    for (position, variable) in network.ordering.enumerated() {
      for row in 0..<6 { x[row, Int(variable)] = 1 - x[row, Int(variable)] }
      let after = result()
      for earlier in network.ordering[...position] {
        for row in 0..<6 {
          #expect(before[row, Int(earlier)].bitPattern == after[row, Int(earlier)].bitPattern)
        }
      }
      for row in 0..<6 { x[row, Int(variable)] = 1 - x[row, Int(variable)] }
    }
  }

  /// The sampler decides from the very logits that the likelihood of its sample has.
  @Test(arguments: InstructionSet.available, activations)
  func samplesFromItsLogits(set: InstructionSet, activation: Activation) {
    for (rows, hidden, scale) in [(1, 5, 1.0), (7, 17, 1), (40, 600, 1), (40, 600, 40), (2, 50, 200)] {
      let network = NADENetwork(variables: 25, hidden: hidden, activation: activation, scale: scale, seed: 40)
      let u = Matrix<Float>.uniform(rows, 25, in: 0...1, seed: 41)
      var x = Matrix<Float>(rowCount: rows, columnCount: 25, repeating: .nan)
      var z = x
      var again = x
      set.run {
        network.sample(uniforms: u, into: &x, logits: &z)
        network.nade(x, into: &again)
      }
      #expect(z.bitPatterns == again.bitPatterns)
      for row in 0..<rows {
        for i in 0..<25 {
          let probability = 1 / (1 + Double.exponential(-Double(z[row, i])))
          // Within rounding of the threshold either decision is right.
          guard abs(Double(u[row, i]) - probability) > 4 * roundoff else { continue }
          #expect(x[row, i] == (Double(u[row, i]) < probability ? 1 : 0))
        }
      }
    }
  }

  /// A weight that is infinite or not a number makes itself felt in the rows and at the positions that add it,
  /// and nowhere else.
  @Test(arguments: InstructionSet.available, [Float.nan, .infinity, -.infinity])
  func weightsThatAreNotFinite(set: InstructionSet, weight: Float) {
    for hidden in [20, 600] {
      var network = NADENetwork(variables: 12, hidden: hidden, activation: .sigmoid, seed: 50)
      network.w[Int(network.ordering[3]), hidden - 1] = weight
      let x = Matrix<Float>.bits(40, 12, seed: 51)
      let (exact, exactX) = (network.inDouble, x.inDouble)
      var z = Matrix<Float>(rowCount: 40, columnCount: 12)
      var expected = z.inDouble
      set.run { network.nade(x, into: &z) }
      exact.nade(exactX, into: &expected)
      let limit = bound(network)
      #expect(firstMismatch(z, expected) { _, _ in limit } == nil)
    }
  }

  @Test(arguments: InstructionSet.available, activations)
  func notANumberIsSeen(set: InstructionSet, activation: Activation) {
    var network = NADENetwork(variables: 10, hidden: 20, activation: activation, seed: 42)
    network.c[0, 19] = .nan
    let x = Matrix<Float>.bits(3, 10, seed: 43)
    var z = Matrix<Float>(rowCount: 3, columnCount: 10)
    set.run { network.nade(x, into: &z) }
    let isSeen = z.elements.allSatisfy { $0.isNaN }
    #expect(isSeen)
  }
}
