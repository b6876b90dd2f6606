import CKernels
import Kernels
import Testing
import _TestSupport

/// Runs a kernel on 1, 2, 3 and 8 threads and expects the same bits.
private func expectSameBits(
  _ name: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ kernel: () -> [UInt32]
) {
  let expected = Threads.run(on: 1, kernel)
  for count in [2, 3, 8] {
    #expect(Threads.run(on: count, kernel) == expected, name, sourceLocation: sourceLocation)
  }
}

@Suite struct ThreadTests {
  @Test(arguments: InstructionSet.available)
  func productsKeepTheirBits(set: InstructionSet) {
    let mask = Staircase.random(inputCount: 200, outputCount: 300, seed: 131)
    let x = Matrix<Float>.bits(300, 200, seed: 132)
    let w = Matrix<Float>.uniform(200, 300, seed: 133)
    let dy = Matrix<Float>.uniform(300, 300, seed: 134)
    for method in ProductMethod.allCases {
      expectSameBits("maskedLinear") {
        var y = Matrix<Float>(rowCount: 300, columnCount: 300)
        set.run {
          y.withUnsafeMutableView(reading: x, w) { y, x, w in
            Float.maskedLinear(
              x, weights: w, bias: nil, mask: mask, method: method, into: y)
          }
        }
        return y.bitPatterns
      }
      expectSameBits("weight gradient") {
        var dw = Matrix<Float>(rowCount: 200, columnCount: 300)
        set.run {
          dw.withUnsafeMutableView(reading: x, dy) { dw, x, dy in
            Float.maskedLinearWeightGradient(
              x, dy, mask: mask, method: method, into: dw)
          }
        }
        return dw.bitPatterns
      }
    }
    for method in [ProductMethod.dense, .bf16] {
      expectSameBits("input gradient") {
        var dx = Matrix<Float>(rowCount: 300, columnCount: 200)
        set.run {
          dx.withUnsafeMutableView(reading: dy, w) { dx, dy, w in
            Float.maskedLinearInputGradient(
              dy, weights: w, mask: mask, method: method, into: dx)
          }
        }
        return dx.bitPatterns
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func recursionKeepsItsBits(set: InstructionSet) {
    let network = NADENetwork(variables: 30, hidden: 300, activation: .sigmoid, seed: 135)
    let x = Matrix<Float>.bits(101, 30, seed: 139)
    let u = Matrix<Float>.uniform(101, 30, in: 0...1, seed: 140)
    expectSameBits("nade") {
      var z = Matrix<Float>(rowCount: 101, columnCount: 30)
      set.run { network.nade(x, into: &z) }
      return z.bitPatterns
    }
    expectSameBits("nadeSample") {
      var (sample, z) = (Matrix<Float>(rowCount: 101, columnCount: 30), x)
      set.run { network.sample(uniforms: u, into: &sample, logits: &z) }
      return sample.bitPatterns + z.bitPatterns
    }
    expectSameBits("nadeGradient") {
      var gradients = network
      set.run { network.accumulateGradient(x, u, into: &gradients) }
      return gradients.elements.map(\.bitPattern)
    }
  }

  @Test(arguments: InstructionSet.available)
  func elementwiseKernelsKeepTheirBits(set: InstructionSet) {
    let x = Matrix<Float>.uniform(300, 500, in: -9...9, seed: 141)
    let t = Matrix<Float>.bits(300, 500, seed: 142)
    expectSameBits("apply") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 500)
      set.run {
        y.withUnsafeMutableView(reading: x) { y, x in
          Float.apply(.tanh, x, into: y)
        }
      }
      return y.bitPatterns
    }
    expectSameBits("bernoulliLogLikelihood") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 1)
      set.run {
        y.withUnsafeMutableView(reading: x, t) { y, x, t in
          Float.bernoulliLogLikelihood(logits: x, targets: t, into: y)
        }
      }
      return y.bitPatterns
    }
    expectSameBits("sums") {
      var row = Matrix<Float>(rowCount: 1, columnCount: 500)
      let sum = set.run {
        row.withUnsafeMutableView(reading: x) { row, x in
          Float.accumulateSumOfRows(x, scaledBy: 1, into: row)
        }
        return x.withUnsafeView { x in Float.sumOfSquares(x) }.bitPattern
      }
      return row.bitPatterns + [UInt32(truncatingIfNeeded: sum), UInt32(truncatingIfNeeded: sum >> 32)]
    }
    expectSameBits("uniforms and dropout") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 500)
      var generator = Philox(seed: 143)
      set.run {
        y.withUnsafeMutableView { y in generator.fill(y) }
        y.withUnsafeMutableView(reading: x) { y, x in
          Float.dropout(
            x, rate: 0.5, scaledBy: 2, bits: generator, into: y, accumulating: true)
        }
      }
      return y.bitPatterns
    }
  }

  /// Kernels called from many tasks at once, which then contend for the workers, give what they give alone.
  @Test func callersDoNotDisturbEachOther() async {
    let a = Matrix<Float>.uniform(200, 150, seed: 144)
    let b = Matrix<Float>.uniform(150, 180, seed: 145)
    @Sendable func result() -> [UInt32] {
      var c = Matrix<Float>(rowCount: 200, columnCount: 180)
      c.withUnsafeMutableView(reading: a, b) { c, a, b in
        Float.product(a, b, transposing: .none, into: c, accumulating: false)
      }
      return c.bitPatterns
    }
    let expected = result()
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<16 {
        group.addTask {
          (0..<40).allSatisfy { _ in Threads.run(on: 1 + task % 4) { result() } == expected }
        }
      }
      for await isEqual in group { #expect(isEqual) }
    }
  }

  /// Every task of a job runs exactly once, whatever the number of tasks and threads, and jobs may be nested.
  @Test(arguments: [1, 2, 3, 8], [0, 1, 2, 7, 1000])
  func tasksRunOnce(threads: Int, tasks: Int) {
    let nested = 3
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, tasks * nested))
    counts.initialize(repeating: 0, count: max(1, tasks * nested))
    defer { counts.deallocate() }
    Threads.run(on: threads) {
      for _ in 0..<20 {
        ck_parallel(
          tasks,
          { context, index in
            guard let first = context?.assumingMemoryBound(to: Int32.self) else { return }
            ck_parallel(
              3,
              { context, index in
                guard let count = context?.assumingMemoryBound(to: Int32.self) else { return }
                count[index] += 1
              }, first + 3 * index)
          }, counts)
      }
    }
    #expect((0..<tasks * nested).allSatisfy { counts[$0] == 20 })
  }

  @Test func countIsKeptPerCaller() {
    let count = Threads.count
    #expect(count >= 1)
    Threads.run(on: 7) {
      #expect(Threads.count == 7)
      Threads.run(on: 2) { #expect(Threads.count == 2) }
      #expect(Threads.count == 7)
    }
    #expect(Threads.count == count)
  }

  @Test func countCanBeSet() async {
    await #expect(processExitsWith: .success) {
      Threads.count = 3
      guard Threads.count == 3 else { fatalError("\(Threads.count)") }
    }
    await #expect(processExitsWith: .failure) { Threads.count = 0 }
  }
}
