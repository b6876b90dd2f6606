import Kernels
import Testing
import _TestSupport

/// A network of given sizes with a random ordering, whose hidden units have random degrees in no order: some
/// depend on no variable, and some on so many that no logit may see them.
///
/// Weights and biases are small multiples of 1/8, so that with ReLU every sum is exact in single precision: the
/// kernel and the reference must agree on every bit.
private struct RandomNetwork {
  let ordering: [Int32]
  var hidden: [(weights: Matrix<Float>, bias: Matrix<Float>, mask: Staircase)] = []
  var output: (weights: Matrix<Float>, mask: Staircase)?
  var direct: (weights: Matrix<Float>, mask: Staircase)?
  var bias: Matrix<Float>
  var activation = Activation.relu
  let isResidual: Bool

  /// A residual network has the same degrees in layers of as many units, and adds the one to the other.
  init(
    _ variableCount: Int, _ hiddenCounts: [Int], direct hasDirect: Bool, residual isResidual: Bool = false,
    seed: UInt64
  ) {
    self.isResidual = isResidual
    var generator = Philox(seed: seed, stream: 0x5A3)
    /// Numbers in ±3/8, NaN where the mask forbids.
    func weights(_ mask: Staircase) -> Matrix<Float> {
      Matrix(nanPaddedRowCount: mask.inputCount, columnCount: mask.outputCount) {
        let weight = Float(generator.integer(below: 7) - 3) / 8
        return mask.permits($0, $1) ? weight : .nan
      }
    }
    func bias(_ count: Int) -> Matrix<Float> {
      Matrix(nanPaddedRowCount: 1, columnCount: count) { _, _ in Float(generator.integer(below: 17) - 8) / 8 }
    }
    let variables = generator.permutation(of: variableCount)
    ordering = variables.map(Int32.init)
    var positions = variables
    for (position, variable) in variables.enumerated() { positions[variable] = position }
    let inputDegrees = positions.map { $0 + 1 }
    var degrees = inputDegrees
    for count in hiddenCounts {
      let adds = isResidual && !hidden.isEmpty && count == degrees.count
      let outputDegrees =
        adds ? degrees : (0..<count).map { _ in generator.integer(below: variableCount + 1) }
      let mask = Staircase(inputDegrees: degrees, outputDegrees: outputDegrees)
      hidden.append((weights(mask), bias(count), mask))
      degrees = outputDegrees
    }
    if !hiddenCounts.isEmpty {
      let mask = Staircase(inputDegrees: degrees, outputDegrees: positions)
      output = (weights(mask), mask)
    }
    if hasDirect {
      let mask = Staircase(inputDegrees: inputDegrees, outputDegrees: positions)
      direct = (weights(mask), mask)
    }
    self.bias = bias(variableCount)
  }

  /// Draws a row for each row of uniforms.
  func draw<Scalar: KernelScalar>(
    _ uniforms: Matrix<Float>, in type: Scalar.Type = Float.self
  ) -> (words: [UInt64], logits: Matrix<Scalar>) {
    func converted(_ matrix: Matrix<Float>) -> Matrix<Scalar> {
      Matrix(nanPaddedRowCount: matrix.rowCount, columnCount: matrix.columnCount) { Scalar(matrix[$0, $1]) }
    }
    let owned = hidden.map { (converted($0.weights), converted($0.bias), $0.mask) }
    let (v, d, b, u) = (
      output.map { converted($0.weights) }, direct.map { converted($0.weights) }, converted(bias),
      converted(uniforms)
    )
    var z = Matrix<Scalar>(rowCount: u.rowCount, columnCount: u.columnCount, repeating: .nan)
    // What is not overwritten would show.
    var words = [UInt64](repeating: .max, count: max(1, u.rowCount * ((u.columnCount + 63) / 64)))
    let network = MaskedNetwork(
      ordering: ordering,
      hidden: owned.enumerated().map { index, layer in
        MaskedLayer(
          weights: layer.0, bias: layer.1, mask: layer.2,
          addsInputs: isResidual && index > 0 && layer.0.rowCount == layer.0.columnCount)
      },
      activation: activation,
      output: output.flatMap { output in
        v.map { MaskedLayer(weights: $0, bias: b, mask: output.mask) }
      },
      direct: direct.flatMap { direct in
        d.map { MaskedLayer(weights: $0, bias: output == nil ? b : nil, mask: direct.mask) }
      })
    words.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress {
        z.withUnsafeMutableView(reading: u) { z, u in
          Scalar.networkSample(uniforms: u, network: network, into: base, logits: z)
        }
      }
    }
    return (words, z)
  }
}

@Suite struct NetworkSampleTests {
  /// Depths 0 to 3, with and without direct weights, around the lengths of steps, blocks, panels and groups.
  private static let shapes: [(variables: Int, hidden: [Int], direct: Bool)] = [
    (1, [], true), (1, [1], false), (2, [3], true), (16, [1], false), (17, [5, 1], true), (31, [], true),
    (33, [100], false), (48, [48, 16, 17], false), (49, [20], true), (64, [33], false),
    (65, [7, 8, 9], true),
    (97, [], true), (100, [40, 150], false), (130, [300], true), (1, [2, 2], false), (33, [20, 20], true),
    (65, [33, 33, 9, 9], false), (130, [70, 70, 70], true),
  ]

  @Test("drawn as by a whole pass for every variable", arguments: InstructionSet.available)
  func agreesWithTheReference(set: InstructionSet) {
    for (index, shape) in Self.shapes.enumerated() {
      // Layers of as many units are those of a residual network.
      let network = RandomNetwork(
        shape.variables, shape.hidden, direct: shape.direct, residual: true, seed: UInt64(index))
      for rowCount in [1, 5, 17, 40] {
        let uniforms = Matrix<Float>.uniform(rowCount, shape.variables, in: 0...1, seed: UInt64(rowCount))
        let expected = network.draw(uniforms, in: Double.self)
        let result = set.run { network.draw(uniforms) }
        #expect(result.words == expected.words, "\(shape), \(rowCount) rows")
        #expect(result.logits.inDouble == expected.logits, "\(shape), \(rowCount) rows")
      }
    }
  }

  /// The same network and uniforms give the same bits in any company and on any number of threads.
  @Test(arguments: InstructionSet.available)
  func rowsAreIndependent(set: InstructionSet) {
    for activation in [Activation.relu, .tanh] {
      var network = RandomNetwork(70, [50, 40, 40], direct: true, residual: true, seed: 7)
      network.activation = activation
      let uniforms = Matrix<Float>.uniform(150, 70, in: 0...1, seed: 8)
      let all = set.run { Threads.run(on: 1) { network.draw(uniforms) } }
      for count in [2, 3, 8] {
        let again = set.run { Threads.run(on: count) { network.draw(uniforms) } }
        #expect(again.words == all.words && again.logits.bitPatterns == all.logits.bitPatterns)
      }
      for range in [0..<1, 149..<150, 15..<32, 60..<130] {
        let some = set.run { network.draw(uniforms.rows(range)) }
        #expect(some.words == Array(all.words[2 * range.lowerBound..<2 * range.upperBound]))
        #expect(some.logits.bitPatterns == all.logits.rows(range).bitPatterns)
      }
    }
  }

  /// One variable of a given logit.
  private func decision(_ z: Float, _ u: Float) -> Bool {
    var network = RandomNetwork(1, [], direct: true, seed: 1)
    network.bias = Matrix(rowCount: 1, columnCount: 1, repeating: z)
    return network.draw(Matrix(rowCount: 1, columnCount: 1, elements: [u])).words[0] == 1
  }

  @Test(arguments: InstructionSet.available)
  func decides(set: InstructionSet) {
    let z = Matrix<Float>.uniform(1, 300, in: -8...8, seed: 93)
    let u = Matrix<Float>.uniform(1, 300, in: 0...1, seed: 94)
    set.run {
      for i in 0..<300 {
        let probability = 1 / (1 + Double.exponential(-Double(z[0, i])))
        // Within rounding of the threshold either decision is right.
        guard abs(Double(u[0, i]) - probability) > 8 * roundoff else { continue }
        #expect(decision(z[0, i], u[0, i]) == (Double(u[0, i]) < probability))
      }
      #expect(decision(.infinity, 1 - 0x1p-24) && decision(200, 1 - 0x1p-24))
      #expect(!decision(-.infinity, 0) && !decision(-200, 0x1p-32))
      #expect(!decision(.nan, 0))
    }
  }
}
