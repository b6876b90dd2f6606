import Autodiff
import Kernels

/// The derivative of a scalar function along one direction, by central differences, with what it may err by.
package struct DirectionalDerivative: Sendable {
  /// The quotient (f(h/2) − f(−h/2)) / h.
  package let value: Double
  /// A bound on the error of `value`.
  package let tolerance: Double

  /// Differentiates `f` at 0.
  ///
  /// Central differences of step h err by h²·f‴/6 + O(h⁴). The differences of the steps h and h/2 differ by
  /// three quarters of the first one's error, which is three times the second one's: their distance bounds
  /// the error of the second with a factor of 3 to spare. Rounding adds what `f` errs by, over h; a sum of at
  /// most 64 terms or so at each of a few levels errs by less than 256 roundings of its `magnitude`.
  package init(step h: Double = 0x1p-13, magnitude: Double, _ f: (Double) -> Double) {
    let coarse = (f(h) - f(-h)) / (2 * h)
    value = (f(h / 2) - f(-h / 2)) / h
    tolerance = abs(coarse - value) + 256 * 0x1p-53 * magnitude / h
  }
}

extension Parameters<Double> {
  /// Returns parameters of the same names and shapes with elements drawn evenly from −1 … 1.
  package func randomDirection(seed: UInt64) -> Parameters {
    var direction = Parameters()
    for (index, name) in names.enumerated() {
      direction.append(
        name,
        .uniform(
          self[name].rowCount, self[name].columnCount, seed: seed &* 1_000_003 &+ UInt64(index)))
    }
    return direction
  }

  /// Returns these plus `step` times others, which have the same names.
  package func moved(by step: Double, along direction: Parameters) -> Parameters {
    var result = Parameters()
    for name in names {
      let (origin, slope) = (self[name], direction[name])
      result.append(
        name,
        Matrix(nanPaddedRowCount: origin.rowCount, columnCount: origin.columnCount) {
          origin[$0, $1] + step * slope[$0, $1]
        })
    }
    return result
  }

  /// Returns Σ a·b over all elements.
  package func dot(_ other: Parameters) -> Double {
    names.reduce(0) { sum, name in
      zip(self[name].elements, other[name].elements).reduce(sum) { $0 + $1.0 * $1.1 }
    }
  }

  /// Returns Σ |a·b| over all elements.
  package func absoluteDot(_ other: Parameters) -> Double {
    names.reduce(0) { sum, name in
      zip(self[name].elements, other[name].elements).reduce(sum) { $0 + abs($1.0 * $1.1) }
    }
  }
}

/// One comparison of the reverse pass with finite differences along a random direction.
package struct GradientCheck: Sendable, CustomStringConvertible {
  /// gradient · direction, from the reverse pass.
  package let reverse: Double
  /// The same from finite differences.
  package let difference: DirectionalDerivative
  /// Σ |gradient · direction|: what an error is measured against.
  package let scale: Double

  /// Checks the loss of an executor whose inputs have been set, moving all of its parameters.
  ///
  /// `magnitude` is a bound on the sum of the magnitudes of the terms of the loss.
  package init(_ executor: Executor<Double>, loss: Graph.Value, magnitude: Double, seed: UInt64) {
    let origin = executor.parameters
    let direction = origin.randomDirection(seed: seed)
    executor.forward()
    executor.backward()
    let gradient = executor.gradients
    reverse = gradient.dot(direction)
    scale = gradient.absoluteDot(direction)
    difference = DirectionalDerivative(magnitude: magnitude) { step in
      executor.set(origin.moved(by: step, along: direction))
      executor.forward()
      return executor[loss][0, 0]
    }
    executor.set(origin)
  }

  /// Whether both agree, and the tolerance is small enough for that to mean something.
  package var holds: Bool {
    abs(reverse - difference.value) <= difference.tolerance && difference.tolerance <= 1e-5 * scale
  }

  /// The figures.
  package var description: String {
    "reverse \(reverse), difference \(difference.value) ± \(difference.tolerance), scale \(scale)"
  }
}
