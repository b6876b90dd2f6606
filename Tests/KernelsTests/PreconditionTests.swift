import Kernels
import Testing
import _TestSupport

/// Broken contracts stop the process, also where assertions are compiled away.
@Suite struct PreconditionTests {
  @Test func wrongShapesStop() async {
    await #expect(processExitsWith: .failure) {
      let (a, b) = (Matrix<Float>(rowCount: 2, columnCount: 3), Matrix<Float>(rowCount: 4, columnCount: 5))
      var c = Matrix<Float>(rowCount: 2, columnCount: 5)
      c.withUnsafeMutableView(reading: a, b) { c, a, b in
        Float.product(a, b, transposing: .none, into: c, accumulating: false)
      }
    }
    await #expect(processExitsWith: .failure) {
      let x = Matrix<Float>(rowCount: 2, columnCount: 3)
      var y = Matrix<Float>(rowCount: 2, columnCount: 4)
      y.withUnsafeMutableView(reading: x) { y, x in
        Float.apply(.relu, x, into: y)
      }
    }
  }

  @Test func wrongMaskStops() async {
    await #expect(processExitsWith: .failure) {
      let (x, w) = (Matrix<Float>(rowCount: 2, columnCount: 3), Matrix<Float>(rowCount: 3, columnCount: 4))
      var y = Matrix<Float>(rowCount: 2, columnCount: 4)
      y.withUnsafeMutableView(reading: x, w) { y, x, w in
        Float.maskedLinear(
          x, weights: w, bias: nil, mask: Staircase(denseInputCount: 3, outputCount: 5),
          method: .dense, into: y)
      }
    }
  }

  @Test func orderingOutOfRangeStops() async {
    await #expect(processExitsWith: .failure) {
      var network = NADENetwork(variables: 2, hidden: 4, activation: .relu, seed: 1)
      network.ordering = [0, 2]
      let x = Matrix<Float>(rowCount: 1, columnCount: 2)
      var z = x
      network.nade(x, into: &z)
    }
  }
}
