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
          Float.maskedLinear(
            x.view, weights: w.view, bias: nil, mask: mask, method: method, into: y.mutableView)
        }
        return y.bitPatterns
      }
      expectSameBits("weight gradient") {
        var dw = Matrix<Float>(rowCount: 200, columnCount: 300)
        set.run {
          Float.maskedLinearWeightGradient(
            x.view, dy.view, mask: mask, method: method, into: dw.mutableView)
        }
        return dw.bitPatterns
      }
    }
    for method in [ProductMethod.dense, .bf16] {
      expectSameBits("input gradient") {
        var dx = Matrix<Float>(rowCount: 300, columnCount: 200)
        set.run {
          Float.maskedLinearInputGradient(
            dy.view, weights: w.view, mask: mask, method: method, into: dx.mutableView)
        }
        return dx.bitPatterns
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func recursionKeepsItsBits(set: InstructionSet) {
    let (w, v) = (Matrix<Float>.uniform(30, 300, seed: 135), Matrix<Float>.uniform(30, 300, seed: 136))
    let (b, c) = (Matrix<Float>.uniform(1, 30, seed: 137), Matrix<Float>.uniform(1, 300, seed: 138))
    let x = Matrix<Float>.bits(101, 30, seed: 139)
    let u = Matrix<Float>.uniform(101, 30, in: 0...1, seed: 140)
    let operands = NADEOperands(
      w: w.view, v: v.view, b: b.view, c: c.view, ordering: Array(0..<30), activation: .sigmoid)
    expectSameBits("nade") {
      var z = Matrix<Float>(rowCount: 101, columnCount: 30)
      set.run { Float.nade(x.view, parameters: operands, into: z.mutableView) }
      return z.bitPatterns
    }
    expectSameBits("nadeSample") {
      var (sample, z) = (Matrix<Float>(rowCount: 101, columnCount: 30), x)
      set.run {
        Float.nadeSample(
          uniforms: u.view, parameters: operands, into: sample.mutableView, logits: z.mutableView)
      }
      return sample.bitPatterns + z.bitPatterns
    }
    expectSameBits("nadeGradient") {
      var (dw, dv) = (Matrix<Float>(rowCount: 30, columnCount: 300), w)
      var (db, dc) = (b, c)
      set.run {
        Float.nadeGradient(
          x.view, parameters: operands, u.view,
          into: NADEGradients(w: dw.mutableView, v: dv.mutableView, b: db.mutableView, c: dc.mutableView))
      }
      return dw.bitPatterns + dv.bitPatterns + db.bitPatterns + dc.bitPatterns
    }
  }

  @Test(arguments: InstructionSet.available)
  func elementwiseKernelsKeepTheirBits(set: InstructionSet) {
    let x = Matrix<Float>.uniform(300, 500, in: -9...9, seed: 141)
    let t = Matrix<Float>.bits(300, 500, seed: 142)
    expectSameBits("apply") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 500)
      set.run { Float.apply(.tanh, x.view, into: y.mutableView) }
      return y.bitPatterns
    }
    expectSameBits("bernoulliLogLikelihood") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 1)
      set.run { Float.bernoulliLogLikelihood(logits: x.view, targets: t.view, into: y.mutableView) }
      return y.bitPatterns
    }
    expectSameBits("sums") {
      var row = Matrix<Float>(rowCount: 1, columnCount: 500)
      let sum = set.run {
        Float.accumulateSumOfRows(x.view, scaledBy: 1, into: row.mutableView)
        return Float.sumOfSquares(x.view).bitPattern
      }
      return row.bitPatterns + [UInt32(truncatingIfNeeded: sum), UInt32(truncatingIfNeeded: sum >> 32)]
    }
    expectSameBits("uniforms and dropout") {
      var y = Matrix<Float>(rowCount: 300, columnCount: 500)
      var generator = Philox(seed: 143)
      set.run {
        generator.fill(y.mutableView)
        Float.dropout(
          x.view, rate: 0.5, scaledBy: 2, bits: generator, into: y.mutableView, accumulating: true)
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
      Float.product(a.view, b.view, transposing: .none, into: c.mutableView, accumulating: false)
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
