/// The constants of one Adam step.
public struct AdamStep<Scalar: KernelScalar> {
  package let rate: Scalar
  package let beta1: Scalar
  package let beta2: Scalar
  package let epsilon: Scalar
  package let weightDecay: Scalar
  /// The bias correction 1 / (1 − β₁ᵗ).
  package let meanCorrection: Scalar
  /// The bias correction 1 / (1 − β₂ᵗ).
  package let varianceCorrection: Scalar

  package init(
    rate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, stepNumber: Int
  ) {
    self.rate = Scalar(rate)
    self.beta1 = Scalar(beta1)
    self.beta2 = Scalar(beta2)
    self.epsilon = Scalar(epsilon)
    self.weightDecay = Scalar(weightDecay)
    func power(_ base: Double) -> Double {
      var result = 1.0
      var square = base
      var exponent = stepNumber
      while exponent > 0 {
        if exponent & 1 == 1 { result *= square }
        square *= square
        exponent >>= 1
      }
      return result
    }
    meanCorrection = Scalar(1 / (1 - power(beta1)))
    varianceCorrection = Scalar(1 / (1 - power(beta2)))
  }
}
