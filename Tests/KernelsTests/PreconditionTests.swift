import Kernels
import Testing
import _TestSupport

/// Broken contracts stop the process, also where assertions are compiled away.
@Suite struct PreconditionTests {
  @Test func wrongShapesStop() async {
    await #expect(processExitsWith: .failure) {
      let (a, b) = (Matrix<Float>(rowCount: 2, columnCount: 3), Matrix<Float>(rowCount: 4, columnCount: 5))
      var c = Matrix<Float>(rowCount: 2, columnCount: 5)
      Float.product(a.view, b.view, transposing: .none, into: c.mutableView, accumulating: false)
    }
    await #expect(processExitsWith: .failure) {
      let x = Matrix<Float>(rowCount: 2, columnCount: 3)
      var y = Matrix<Float>(rowCount: 2, columnCount: 4)
      Float.apply(.relu, x.view, into: y.mutableView)
    }
  }

  @Test func wrongMaskStops() async {
    await #expect(processExitsWith: .failure) {
      let (x, w) = (Matrix<Float>(rowCount: 2, columnCount: 3), Matrix<Float>(rowCount: 3, columnCount: 4))
      var y = Matrix<Float>(rowCount: 2, columnCount: 4)
      Float.maskedLinear(
        x.view, weights: w.view, bias: nil, mask: Staircase(denseInputCount: 3, outputCount: 5),
        method: .dense, into: y.mutableView)
    }
  }

  @Test func orderingOutOfRangeStops() async {
    await #expect(processExitsWith: .failure) {
      let (w, b) = (Matrix<Float>(rowCount: 2, columnCount: 4), Matrix<Float>(rowCount: 1, columnCount: 2))
      let c = Matrix<Float>(rowCount: 1, columnCount: 4)
      let x = Matrix<Float>(rowCount: 1, columnCount: 2)
      var z = x
      let operands = NADEOperands(
        w: w.view, v: w.view, b: b.view, c: c.view, ordering: [0, 2], activation: .relu)
      Float.nade(x.view, parameters: operands, into: z.mutableView)
    }
  }
}
