#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The working precision: every kernel is the C kernel of the same name.
extension Float: KernelScalar {
  public static func exponential(_ x: Float) -> Float { exp(x) }
  public static func logarithmOnePlus(_ x: Float) -> Float { log1p(x) }
  public static func logarithm(_ x: Float) -> Float { log(x) }
  public static func hyperbolicTangent(_ x: Float) -> Float { tanh(x) }

  public static func product(
    _ a: MatrixView<Float>, _ b: MatrixView<Float>, transposing: Transposition, into c: MatrixView<Float>,
    accumulating: Bool
  ) {
    Reference.product(a, b, transposing: transposing, into: c, accumulating: accumulating)
  }

  public static func maskedLinear(
    _ x: MatrixView<Float>, weights w: MatrixView<Float>, bias: MatrixView<Float>?, mask: Staircase,
    isSparse: Bool, into y: MatrixView<Float>
  ) {
    Reference.maskedLinear(x, weights: w, bias: bias, mask: mask, into: y)
  }

  public static func maskedLinearInputGradient(
    _ dy: MatrixView<Float>, weights w: MatrixView<Float>, mask: Staircase, into dx: MatrixView<Float>
  ) {
    Reference.maskedLinearInputGradient(dy, weights: w, mask: mask, into: dx)
  }

  public static func maskedLinearWeightGradient(
    _ x: MatrixView<Float>, _ dy: MatrixView<Float>, mask: Staircase, isSparse: Bool,
    into dw: MatrixView<Float>
  ) {
    Reference.maskedLinearWeightGradient(x, dy, mask: mask, into: dw)
  }

  public static func apply(_ f: Activation, _ x: MatrixView<Float>, into y: MatrixView<Float>) {
    Reference.apply(f, x, into: y)
  }

  public static func accumulateGradient(
    of f: Activation, output y: MatrixView<Float>, _ dy: MatrixView<Float>, into dx: MatrixView<Float>
  ) {
    Reference.accumulateGradient(of: f, output: y, dy, into: dx)
  }

  public static func accumulate(_ x: MatrixView<Float>, scaledBy scale: Float, into y: MatrixView<Float>) {
    Reference.accumulate(x, scaledBy: scale, into: y)
  }

  public static func multiply(
    _ a: MatrixView<Float>, _ b: MatrixView<Float>, into y: MatrixView<Float>, accumulating: Bool
  ) {
    Reference.multiply(a, b, into: y, accumulating: accumulating)
  }

  public static func dropout(
    _ x: MatrixView<Float>, rate: Double, bits: Philox, into y: MatrixView<Float>, accumulating: Bool
  ) {
    Reference.dropout(x, rate: rate, bits: bits, into: y, accumulating: accumulating)
  }

  public static func accumulateRow(_ row: MatrixView<Float>, scaledBy scale: Float, into y: MatrixView<Float>)
  {
    Reference.accumulateRow(row, scaledBy: scale, into: y)
  }

  public static func accumulateColumn(
    _ column: MatrixView<Float>, scaledBy scale: Float, into y: MatrixView<Float>
  ) {
    Reference.accumulateColumn(column, scaledBy: scale, into: y)
  }

  public static func accumulateSumOfRows(
    _ x: MatrixView<Float>, scaledBy scale: Float, into row: MatrixView<Float>
  ) {
    Reference.accumulateSumOfRows(x, scaledBy: scale, into: row)
  }

  public static func accumulateSumOfColumns(
    _ x: MatrixView<Float>, scaledBy scale: Float, into column: MatrixView<Float>
  ) {
    Reference.accumulateSumOfColumns(x, scaledBy: scale, into: column)
  }

  public static func logMeanExp(_ x: MatrixView<Float>, into y: MatrixView<Float>) {
    Reference.logMeanExp(x, into: y)
  }

  public static func accumulateLogMeanExpGradient(
    _ x: MatrixView<Float>, output y: MatrixView<Float>, _ dy: MatrixView<Float>, into dx: MatrixView<Float>
  ) {
    Reference.accumulateLogMeanExpGradient(x, output: y, dy, into: dx)
  }

  public static func bernoulliLogLikelihood(
    logits z: MatrixView<Float>, targets t: MatrixView<Float>, into y: MatrixView<Float>
  ) {
    Reference.bernoulliLogLikelihood(logits: z, targets: t, into: y)
  }

  public static func accumulateBernoulliGradient(
    logits z: MatrixView<Float>, targets t: MatrixView<Float>, _ dy: MatrixView<Float>,
    into dz: MatrixView<Float>
  ) {
    Reference.accumulateBernoulliGradient(logits: z, targets: t, dy, into: dz)
  }

  public static func nade(_ x: MatrixView<Float>, parameters: NADEOperands<Float>, into z: MatrixView<Float>)
  {
    Reference.nade(x, parameters: parameters, into: z)
  }

  public static func nadeGradient(
    _ x: MatrixView<Float>, parameters: NADEOperands<Float>, _ dz: MatrixView<Float>,
    into gradients: NADEGradients<Float>
  ) {
    Reference.nadeGradient(x, parameters: parameters, dz, into: gradients)
  }

  public static func nadeSample(
    uniforms u: MatrixView<Float>, parameters: NADEOperands<Float>, into x: MatrixView<Float>,
    logits z: MatrixView<Float>
  ) {
    Reference.nadeSample(uniforms: u, parameters: parameters, into: x, logits: z)
  }

  public static func prefixProduct(
    weights w: MatrixView<Float>, count: Int, states: MatrixView<Float>, bias: Float,
    into y: MatrixView<Float>, accumulating: Bool
  ) {
    Reference.prefixProduct(
      weights: w, count: count, states: states, bias: bias, into: y, accumulating: accumulating)
  }

  public static func decide(
    logits z: MatrixView<Float>, uniforms u: MatrixView<Float>, into x: MatrixView<Float>
  ) {
    Reference.decide(logits: z, uniforms: u, into: x)
  }

  public static func sumOfSquares(_ x: MatrixView<Float>) -> Double {
    Reference.sumOfSquares(x)
  }

  public static func isFinite(_ x: MatrixView<Float>) -> Bool {
    Reference.isFinite(x)
  }

  public static func descend(
    _ w: MatrixView<Float>, gradient g: MatrixView<Float>, scaledBy scale: Float, rate: Float,
    momentum: Float, velocity v: MatrixView<Float>
  ) {
    Reference.descend(w, gradient: g, scaledBy: scale, rate: rate, momentum: momentum, velocity: v)
  }

  public static func adagrad(
    _ w: MatrixView<Float>, gradient g: MatrixView<Float>, scaledBy scale: Float, rate: Float, epsilon: Float,
    squares s: MatrixView<Float>
  ) {
    Reference.adagrad(w, gradient: g, scaledBy: scale, rate: rate, epsilon: epsilon, squares: s)
  }

  public static func adam(
    _ w: MatrixView<Float>, gradient g: MatrixView<Float>, scaledBy scale: Float, step: AdamStep<Float>,
    mean m: MatrixView<Float>, variance v: MatrixView<Float>
  ) {
    Reference.adam(w, gradient: g, scaledBy: scale, step: step, mean: m, variance: v)
  }
}
