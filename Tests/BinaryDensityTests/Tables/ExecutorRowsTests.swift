import Autodiff
import BinaryDensity
import Kernels
import Testing
import _TestSupport

@Suite("Rows of bits as an executor's input")
struct ExecutorRowsTests {
  /// A graph of a masked layer, and what runs it.
  private func executor<Scalar: KernelScalar>(
    _ type: Scalar.Type, columnCount: Int, isSparse: Bool
  ) -> (executor: Executor<Scalar>, x: Graph.Value, loss: Graph.Value) {
    var graph = Graph()
    let x = graph.input("x", columns: columnCount, isSparse: isSparse)
    let mask = graph.mask(
      Staircase(inputDegrees: Array(1...columnCount), outputDegrees: Array(0..<columnCount)))
    let w = graph.parameter("w", rows: columnCount, columns: columnCount)
    let z = graph.maskedLinear(x, weights: w, mask: mask)
    let loss = graph.mean(graph.bernoulliLogLikelihood(logits: z, targets: x), over: .rows)
    var parameters = Parameters<Scalar>()
    parameters.append("w", .uniform(columnCount, columnCount, seed: 5))
    return (
      Executor(graph, outputs: [z], loss: loss, batchCapacity: 40, parameters: parameters), x, loss
    )
  }

  /// The loss and the gradients, to compare.
  private func results<Scalar: KernelScalar>(_ executor: Executor<Scalar>, _ loss: Graph.Value) -> [[Scalar]]
  {
    executor.forward()
    executor.backward()
    return [executor[loss].elements, executor.gradients["w"].elements]
  }

  @Test("give what a batch of them gives", arguments: [1, 17, 64, 130], [false, true])
  func areAsABatch(columnCount: Int, isSparse: Bool) {
    func check<Scalar: KernelScalar>(_ type: Scalar.Type) {
      let (executor, x, loss) = executor(type, columnCount: columnCount, isSparse: isSparse)
      // Fewer rows than before, and again more.
      for count in [13, 1, 40] {
        let rows = RowSourceTests.rows(count, columnCount, seed: UInt64(count))
        let batch = RowBatch<Scalar>(capacity: count, columnCount: columnCount)
        rows.gather(Array(0..<count), into: batch)
        executor.set(x, to: batch)
        let expected = results(executor, loss)
        executor.set(x, to: rows)
        #expect(executor.batchSize == count && executor[x].elements.count == count * columnCount)
        #expect(results(executor, loss) == expected)
        #expect((0..<count).allSatisfy { row in executor[x][row: row] == rows[row: row].map { $0 ? 1 : 0 } })
      }
    }
    check(Float.self)
    check(Double.self)
  }

  @Test func rowsOfOtherColumnsAreABrokenContract() async {
    await #expect(processExitsWith: .failure) {
      var graph = Graph()
      let x = graph.input("x", columns: 3)
      let total = graph.sum(x, over: .columns)
      let executor = Executor<Float>(graph, outputs: [total], batchCapacity: 2, parameters: [:])
      executor.set(x, to: BinaryMatrix([[1, 0, 1, 1]]))
    }
  }
}
