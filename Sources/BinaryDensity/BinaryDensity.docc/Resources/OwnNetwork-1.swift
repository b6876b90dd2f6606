import Autodiff
import BinaryDensity
import Kernels

/// A network whose hidden units have gates.
///
///     h = tanh(x·w + c) ∘ σ(x·u + d),   logits = h·v + b
struct GatedNetwork: NetworkDensity, AutoregressiveDensity {
  let variableCount: Int
  let hiddenCount: Int
  var parameters = Parameters<Float>()
  var ordering: Ordering { .natural(count: variableCount) }
  var allowsHiddenDropout: Bool { false }

  init(variableCount: Int, hiddenCount: Int, seed: UInt64) throws {
    self.variableCount = variableCount
    self.hiddenCount = hiddenCount
    parameters = try Parameters(
      initialising: parameterShapes, seed: seed)
  }
}
