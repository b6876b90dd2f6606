import Kernels
import _TestSupport

/// A NADE's parameters, and its gradients, in either precision.
struct NADENetwork<Scalar: KernelScalar> {
  var w: Matrix<Scalar>
  var v: Matrix<Scalar>
  var b: Matrix<Scalar>
  var c: Matrix<Scalar>
  var ordering: [Int32]
  var activation: Activation

  private func withOperands(_ body: (NADEOperands<Scalar>) -> Void) {
    withUnsafeViews(of: w, v, b, c) { w, v, b, c in
      body(NADEOperands(w: w, v: v, b: b, c: c, ordering: ordering, activation: activation))
    }
  }

  func nade(_ x: Matrix<Scalar>, into z: inout Matrix<Scalar>) {
    z.withUnsafeMutableView(reading: x) { z, x in
      withOperands { Scalar.nade(x, parameters: $0, into: z) }
    }
  }

  func accumulateGradient(_ x: Matrix<Scalar>, _ dz: Matrix<Scalar>, into gradients: inout NADENetwork) {
    withUnsafeViews(of: x, dz) { x, dz in
      gradients.w.withUnsafeMutableView { w in
        gradients.v.withUnsafeMutableView { v in
          gradients.b.withUnsafeMutableView { b in
            gradients.c.withUnsafeMutableView { c in
              let gradients = NADEGradients(w: w, v: v, b: b, c: c)
              withOperands { Scalar.nadeGradient(x, parameters: $0, dz, into: gradients) }
            }
          }
        }
      }
    }
  }

  func sample(uniforms u: Matrix<Scalar>, into x: inout Matrix<Scalar>, logits z: inout Matrix<Scalar>) {
    x.withUnsafeMutableView { x in
      z.withUnsafeMutableView(reading: u) { z, u in
        withOperands { Scalar.nadeSample(uniforms: u, parameters: $0, into: x, logits: z) }
      }
    }
  }

  /// All four matrices one after another.
  var elements: [Scalar] { w.elements + v.elements + b.elements + c.elements }

  var zeros: NADENetwork {
    func zero(_ m: Matrix<Scalar>) -> Matrix<Scalar> {
      Matrix(nanPaddedRowCount: m.rowCount, columnCount: m.columnCount) { _, _ in 0 }
    }
    return NADENetwork(
      w: zero(w), v: zero(v), b: zero(b), c: zero(c), ordering: ordering, activation: activation)
  }
}

extension NADENetwork<Float> {
  /// Weights from the hidden state's inputs are uniform in ± `scale`, all others in ± 1.
  init(variables: Int, hidden: Int, activation: Activation, scale: Double = 1, seed: UInt64) {
    var generator = Philox(seed: seed, stream: 9)
    self.init(
      w: .uniform(variables, hidden, in: -scale...scale, seed: seed),
      v: .uniform(variables, hidden, seed: seed + 1),
      b: .uniform(1, variables, seed: seed + 2), c: .uniform(1, hidden, seed: seed + 3),
      ordering: (0..<Int32(variables)).shuffled(using: &generator), activation: activation)
  }

  var inDouble: NADENetwork<Double> {
    NADENetwork<Double>(
      w: w.inDouble, v: v.inDouble, b: b.inDouble, c: c.inDouble, ordering: ordering, activation: activation)
  }
}
