#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The reference precision: every kernel is its plain loop.
extension Double: KernelScalar {
  public static func exponential(_ x: Double) -> Double { exp(x) }
  public static func logarithmOnePlus(_ x: Double) -> Double { log1p(x) }
  public static func logarithm(_ x: Double) -> Double { log(x) }
  public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

  public static func product(
    _ a: MatrixView<Double>, _ b: MatrixView<Double>, transposing: Transposition, into c: MatrixView<Double>,
    accumulating: Bool
  ) {
    Reference.product(a, b, transposing: transposing, into: c, accumulating: accumulating)
  }

  public static func maskedLinear(
    _ x: MatrixView<Double>, weights w: MatrixView<Double>, bias: MatrixView<Double>?, mask: Staircase,
    method: ProductMethod, into y: MatrixView<Double>
  ) {
    Reference.maskedLinear(x, weights: w, bias: bias, mask: mask, into: y)
  }

  public static func maskedLinearInputGradient(
    _ dy: MatrixView<Double>, weights w: MatrixView<Double>, mask: Staircase, method: ProductMethod,
    into dx: MatrixView<Double>
  ) {
    Reference.maskedLinearInputGradient(dy, weights: w, mask: mask, into: dx)
  }

  public static func maskedLinearWeightGradient(
    _ x: MatrixView<Double>, _ dy: MatrixView<Double>, mask: Staircase, method: ProductMethod,
    into dw: MatrixView<Double>
  ) {
    Reference.maskedLinearWeightGradient(x, dy, mask: mask, into: dw)
  }

  public static func maskedLinearAdam(
    _ x: MatrixView<Double>, _ dy: MatrixView<Double>, mask: Staircase, method: ProductMethod,
    everywhere: Bool, step: AdamStep<Double>, weights w: MatrixView<Double>, mean m: MatrixView<Double>,
    variance v: MatrixView<Double>
  ) {
    Reference.maskedLinearAdam(
      x, dy, mask: mask, everywhere: everywhere, step: step, weights: w, mean: m, variance: v)
  }

  public static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?, into y: MatrixView<Double>
  ) {
    Reference.expandBits(words, wordsPerRow: wordsPerRow, rows: rows, into: y)
  }

  public static func apply(_ f: Activation, _ x: MatrixView<Double>, into y: MatrixView<Double>) {
    Reference.apply(f, x, into: y)
  }

  public static func accumulateGradient(
    of f: Activation, output y: MatrixView<Double>, _ dy: MatrixView<Double>, into dx: MatrixView<Double>
  ) {
    Reference.accumulateGradient(of: f, output: y, dy, into: dx)
  }

  public static func accumulate(
    _ x: MatrixView<Double>, scaledBy scale: Double, into y: MatrixView<Double>, keeping keep: Double
  ) {
    Reference.accumulate(x, scaledBy: scale, into: y, keeping: keep)
  }

  public static func multiply(
    _ a: MatrixView<Double>, _ b: MatrixView<Double>, into y: MatrixView<Double>, accumulating: Bool
  ) {
    Reference.multiply(a, b, into: y, accumulating: accumulating)
  }

  public static func dropout(
    _ x: MatrixView<Double>, rate: Double, scaledBy scale: Double, bits: Philox, into y: MatrixView<Double>,
    accumulating: Bool
  ) {
    Reference.dropout(x, rate: rate, scaledBy: scale, bits: bits, into: y, accumulating: accumulating)
  }

  public static func accumulateRow(
    _ row: MatrixView<Double>, scaledBy scale: Double, into y: MatrixView<Double>
  ) {
    Reference.accumulateRow(row, scaledBy: scale, into: y)
  }

  public static func accumulateColumn(
    _ column: MatrixView<Double>, scaledBy scale: Double, into y: MatrixView<Double>
  ) {
    Reference.accumulateColumn(column, scaledBy: scale, into: y)
  }

  public static func accumulateSumOfRows(
    _ x: MatrixView<Double>, scaledBy scale: Double, into row: MatrixView<Double>
  ) {
    Reference.accumulateSumOfRows(x, scaledBy: scale, into: row)
  }

  public static func accumulateSumOfColumns(
    _ x: MatrixView<Double>, scaledBy scale: Double, into column: MatrixView<Double>
  ) {
    Reference.accumulateSumOfColumns(x, scaledBy: scale, into: column)
  }

  public static func logMeanExp(_ x: MatrixView<Double>, into y: MatrixView<Double>) {
    Reference.logMeanExp(x, into: y)
  }

  public static func accumulateLogMeanExpGradient(
    _ x: MatrixView<Double>, output y: MatrixView<Double>, _ dy: MatrixView<Double>,
    into dx: MatrixView<Double>
  ) {
    Reference.accumulateLogMeanExpGradient(x, output: y, dy, into: dx)
  }

  public static func bernoulliLogLikelihood(
    logits z: MatrixView<Double>, targets t: MatrixView<Double>, into y: MatrixView<Double>
  ) {
    Reference.bernoulliLogLikelihood(logits: z, targets: t, into: y)
  }

  public static func accumulateBernoulliGradient(
    logits z: MatrixView<Double>, targets t: MatrixView<Double>, _ dy: MatrixView<Double>,
    into dz: MatrixView<Double>
  ) {
    Reference.accumulateBernoulliGradient(logits: z, targets: t, dy, into: dz)
  }

  public static func nade(
    _ x: MatrixView<Double>, parameters: NADEOperands<Double>, into z: MatrixView<Double>
  ) {
    Reference.nade(x, parameters: parameters, into: z)
  }

  public static func nadeGradient(
    _ x: MatrixView<Double>, parameters: NADEOperands<Double>, _ dz: MatrixView<Double>,
    into gradients: NADEGradients<Double>
  ) {
    Reference.nadeGradient(x, parameters: parameters, dz, into: gradients)
  }

  public static func nadeAdam(
    _ x: MatrixView<Double>, parameters: NADEOperands<Double>, _ dz: MatrixView<Double>,
    into gradients: NADEGradients<Double>, step: AdamStep<Double>, means: NADEMoments<Double>,
    variances: NADEMoments<Double>
  ) {
    Reference.nadeAdam(
      x, parameters: parameters, dz, into: gradients, step: step, means: means, variances: variances)
  }

  public static func nadeSample(
    uniforms u: MatrixView<Double>, parameters: NADEOperands<Double>, into x: MatrixView<Double>,
    logits z: MatrixView<Double>
  ) {
    Reference.nadeSample(uniforms: u, parameters: parameters, into: x, logits: z)
  }

  public static func networkSample(
    uniforms u: MatrixView<Double>, network: MaskedNetwork<Double>, into words: UnsafeMutablePointer<UInt64>,
    logits z: MatrixView<Double>
  ) {
    Reference.networkSample(uniforms: u, network: network, into: words, logits: z)
  }

  public static func sumOfSquares(_ x: MatrixView<Double>) -> Double {
    Reference.sumOfSquares(x)
  }

  public static func isFinite(_ x: MatrixView<Double>) -> Bool {
    Reference.isFinite(x)
  }

  public static func descend(
    _ w: MatrixView<Double>, gradient g: MatrixView<Double>, scaledBy scale: Double, rate: Double,
    momentum: Double, velocity v: MatrixView<Double>
  ) {
    Reference.descend(w, gradient: g, scaledBy: scale, rate: rate, momentum: momentum, velocity: v)
  }

  public static func adagrad(
    _ w: MatrixView<Double>, gradient g: MatrixView<Double>, scaledBy scale: Double, rate: Double,
    epsilon: Double, squares s: MatrixView<Double>
  ) {
    Reference.adagrad(w, gradient: g, scaledBy: scale, rate: rate, epsilon: epsilon, squares: s)
  }

  public static func adam(
    _ w: MatrixView<Double>, gradient g: MatrixView<Double>, scaledBy scale: Double, step: AdamStep<Double>,
    mean m: MatrixView<Double>, variance v: MatrixView<Double>
  ) {
    Reference.adam(w, gradient: g, scaledBy: scale, step: step, mean: m, variance: v)
  }
}
