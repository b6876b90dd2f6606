/// The element-wise functions a layer may apply.
public enum Activation: String, Hashable, Sendable, Codable, CaseIterable {
  /// max(0, x)
  case relu
  /// 1 / (1 + e⁻ˣ)
  case sigmoid
  /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
  case tanh
  /// log(1 + eˣ)
  case softplus
}
