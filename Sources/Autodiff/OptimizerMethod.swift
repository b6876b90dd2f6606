/// The update rules.
public enum OptimizerMethod: Hashable, Sendable, Codable {
  /// Stochastic gradient descent: `v ← momentum·v + g`, `w ← w − rate·v`.
  case sgd(momentum: Double = 0)
  /// Adagrad: `s ← s + g²`, `w ← w − rate·g / (√s + ε)`.
  ///
  /// - Source: Duchi, Hazan, Singer, JMLR 12, 2011.
  case adagrad(epsilon: Double = 1e-6)
  /// Adam; with a weight decay, AdamW: the decay is decoupled from the gradient's scale.
  ///
  /// - Source: Kingma & Ba, Adam, ICLR 2015, Algorithm 1; Loshchilov & Hutter, Decoupled Weight Decay
  ///   Regularization, ICLR 2019, Algorithm 2.
  case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0)

  /// The names of the matrices kept for each parameter.
  public var slotNames: [String] {
    switch self {
    case .sgd: ["velocity"]
    case .adagrad: ["squares"]
    case .adam: ["mean", "variance"]
    }
  }
}
