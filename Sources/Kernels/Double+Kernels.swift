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
    _ a: UnsafeMatrixView<Double>, _ b: UnsafeMatrixView<Double>, transposing: Transposition,
    into c: UnsafeMutableMatrixView<Double>,
    accumulating: Bool
  ) {
    Reference.product(a, b, transposing: transposing, into: c, accumulating: accumulating)
  }

  public static func maskedLinear(
    _ x: UnsafeMatrixView<Double>, onBits: UnsafeOnBits?, weights w: UnsafeMatrixView<Double>,
    bias: UnsafeMatrixView<Double>?, mask: Staircase, method: ProductMethod,
    into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.maskedLinear(x, weights: w, bias: bias, mask: mask, into: y)
  }

  public static func maskedLinearInputGradient(
    _ dy: UnsafeMatrixView<Double>, weights w: UnsafeMatrixView<Double>, mask: Staircase,
    method: ProductMethod,
    into dx: UnsafeMutableMatrixView<Double>
  ) {
    Reference.maskedLinearInputGradient(dy, weights: w, mask: mask, into: dx)
  }

  public static func maskedLinearWeightGradient(
    _ x: UnsafeMatrixView<Double>, _ dy: UnsafeMatrixView<Double>, mask: Staircase, method: ProductMethod,
    into dw: UnsafeMutableMatrixView<Double>
  ) {
    Reference.maskedLinearWeightGradient(x, dy, mask: mask, into: dw)
  }

  public static func linear(
    onBits: UnsafeOnBits, weights w: UnsafeMatrixView<Double>, bias: UnsafeMatrixView<Double>?,
    mask: Staircase, into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.linear(onBits: onBits, weights: w, bias: bias, into: y)
  }

  public static func accumulateListed(
    _ dy: UnsafeMatrixView<Double>, lists: UnsafeOnBits, places: UnsafeBufferPointer<Int32>,
    into dw: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateListed(dy, lists: lists, places: places, into: dw)
  }

  public static func maskedLinearAdam(
    _ x: UnsafeMatrixView<Double>, _ dy: UnsafeMatrixView<Double>, mask: Staircase, method: ProductMethod,
    everywhere: Bool, step: AdamStep<Double>, weights w: UnsafeMutableMatrixView<Double>,
    mean m: UnsafeMutableMatrixView<Double>,
    variance v: UnsafeMutableMatrixView<Double>
  ) {
    Reference.maskedLinearAdam(
      x, dy, mask: mask, everywhere: everywhere, step: step, weights: w, mean: m, variance: v)
  }

  public static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?,
    places: UnsafePointer<Int32>?, into y: UnsafeMutableMatrixView<Double>, listing onBits: UnsafeOnBits?
  ) {
    Reference.expandBits(
      words, wordsPerRow: wordsPerRow, rows: rows, places: places, into: y, listing: onBits)
  }

  public static func apply(
    _ f: Activation, _ x: UnsafeMatrixView<Double>, into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.apply(f, x, into: y)
  }

  public static func accumulateGradient(
    of f: Activation, output y: UnsafeMatrixView<Double>, _ dy: UnsafeMatrixView<Double>,
    into dx: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateGradient(of: f, output: y, dy, into: dx)
  }

  public static func accumulate(
    _ x: UnsafeMatrixView<Double>, scaledBy scale: Double, into y: UnsafeMutableMatrixView<Double>,
    keeping keep: Double
  ) {
    Reference.accumulate(x, scaledBy: scale, into: y, keeping: keep)
  }

  public static func multiply(
    _ a: UnsafeMatrixView<Double>, _ b: UnsafeMatrixView<Double>, into y: UnsafeMutableMatrixView<Double>,
    accumulating: Bool
  ) {
    Reference.multiply(a, b, into: y, accumulating: accumulating)
  }

  public static func dropout(
    _ x: UnsafeMatrixView<Double>, rate: Double, scaledBy scale: Double, bits: Philox,
    into y: UnsafeMutableMatrixView<Double>,
    accumulating: Bool
  ) {
    Reference.dropout(x, rate: rate, scaledBy: scale, bits: bits, into: y, accumulating: accumulating)
  }

  public static func accumulateRow(
    _ row: UnsafeMatrixView<Double>, scaledBy scale: Double, into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateRow(row, scaledBy: scale, into: y)
  }

  public static func accumulateColumn(
    _ column: UnsafeMatrixView<Double>, scaledBy scale: Double, into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateColumn(column, scaledBy: scale, into: y)
  }

  public static func accumulateSumOfRows(
    _ x: UnsafeMatrixView<Double>, scaledBy scale: Double, into row: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateSumOfRows(x, scaledBy: scale, into: row)
  }

  public static func accumulateSumOfColumns(
    _ x: UnsafeMatrixView<Double>, scaledBy scale: Double, into column: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateSumOfColumns(x, scaledBy: scale, into: column)
  }

  public static func logMeanExp(_ x: UnsafeMatrixView<Double>, into y: UnsafeMutableMatrixView<Double>) {
    Reference.logMeanExp(x, into: y)
  }

  public static func accumulateLogMeanExpGradient(
    _ x: UnsafeMatrixView<Double>, output y: UnsafeMatrixView<Double>, _ dy: UnsafeMatrixView<Double>,
    into dx: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateLogMeanExpGradient(x, output: y, dy, into: dx)
  }

  public static func bernoulliLogLikelihood(
    logits z: UnsafeMatrixView<Double>, targets t: UnsafeMatrixView<Double>,
    into y: UnsafeMutableMatrixView<Double>
  ) {
    Reference.bernoulliLogLikelihood(logits: z, targets: t, into: y)
  }

  public static func accumulateBernoulliGradient(
    logits z: UnsafeMatrixView<Double>, targets t: UnsafeMatrixView<Double>, _ dy: UnsafeMatrixView<Double>,
    into dz: UnsafeMutableMatrixView<Double>
  ) {
    Reference.accumulateBernoulliGradient(logits: z, targets: t, dy, into: dz)
  }

  public static func nade(
    _ x: UnsafeMatrixView<Double>, parameters: NADEOperands<Double>, into z: UnsafeMutableMatrixView<Double>
  ) {
    Reference.nade(x, parameters: parameters, into: z)
  }

  public static func nadeGradient(
    _ x: UnsafeMatrixView<Double>, parameters: NADEOperands<Double>, _ dz: UnsafeMatrixView<Double>,
    into gradients: NADEGradients<Double>
  ) {
    Reference.nadeGradient(x, parameters: parameters, dz, into: gradients)
  }

  public static func nadeAdam(
    _ x: UnsafeMatrixView<Double>, parameters: NADEOperands<Double>, _ dz: UnsafeMatrixView<Double>,
    into gradients: NADEGradients<Double>, step: AdamStep<Double>, weights: NADEWeights<Double>,
    means: NADEWeights<Double>, variances: NADEWeights<Double>
  ) {
    Reference.nadeAdam(
      x, parameters: parameters, dz, into: gradients, step: step, weights: weights, means: means,
      variances: variances)
  }

  public static func nadeSample(
    uniforms u: UnsafeMatrixView<Double>, parameters: NADEOperands<Double>,
    into x: UnsafeMutableMatrixView<Double>,
    logits z: UnsafeMutableMatrixView<Double>
  ) {
    Reference.nadeSample(uniforms: u, parameters: parameters, into: x, logits: z)
  }

  public static func networkSample(
    uniforms u: UnsafeMatrixView<Double>, network: MaskedNetwork<Double>,
    into words: UnsafeMutablePointer<UInt64>,
    logits z: UnsafeMutableMatrixView<Double>
  ) {
    Reference.networkSample(uniforms: u, network: network, into: words, logits: z)
  }

  public static func sumOfSquares(_ x: UnsafeMatrixView<Double>) -> Double {
    Reference.sumOfSquares(x)
  }

  public static func isFinite(_ x: UnsafeMatrixView<Double>) -> Bool {
    Reference.isFinite(x)
  }

  public static func descend(
    _ w: UnsafeMutableMatrixView<Double>, gradient g: UnsafeMatrixView<Double>, scaledBy scale: Double,
    rate: Double,
    momentum: Double, velocity v: UnsafeMutableMatrixView<Double>
  ) {
    Reference.descend(w, gradient: g, scaledBy: scale, rate: rate, momentum: momentum, velocity: v)
  }

  public static func adagrad(
    _ w: UnsafeMutableMatrixView<Double>, gradient g: UnsafeMatrixView<Double>, scaledBy scale: Double,
    rate: Double,
    epsilon: Double, squares s: UnsafeMutableMatrixView<Double>
  ) {
    Reference.adagrad(w, gradient: g, scaledBy: scale, rate: rate, epsilon: epsilon, squares: s)
  }

  public static func adam(
    _ w: UnsafeMutableMatrixView<Double>, gradient g: UnsafeMatrixView<Double>, scaledBy scale: Double,
    step: AdamStep<Double>,
    mean m: UnsafeMutableMatrixView<Double>, variance v: UnsafeMutableMatrixView<Double>
  ) {
    Reference.adam(w, gradient: g, scaledBy: scale, step: step, mean: m, variance: v)
  }
}
