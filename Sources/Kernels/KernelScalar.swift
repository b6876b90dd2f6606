/// A number type the engine can run in: `Float`, on the C kernels, or `Double`, on the plain references.
///
/// Every inner loop of the package is one of these functions. `Float` calls `CKernels`, which picks the fastest
/// instruction set of the machine; `Double` calls the plain loop of the same name in `Reference`, which is the
/// oracle of every test.
///
/// Legend: B rows in a batch, K inputs, N outputs, D variables, H hidden units. All operands are row-major views;
/// what a kernel writes is a mutable one.
/// Unless a function says so, the operand written must not overlap an operand read. Shapes are preconditions.
/// *Accumulates* means `+=`; gradients always accumulate.
///
/// The protocol is public because `Executor` and `Matrix` are generic over it; conforming another type is not
/// supported.
public protocol KernelScalar: BinaryFloatingPoint, Sendable, Codable {
  /// Returns eˣ.
  static func exponential(_ x: Self) -> Self
  /// Returns log(1 + x), accurate for small x.
  static func logarithmOnePlus(_ x: Self) -> Self
  /// Returns log x.
  static func logarithm(_ x: Self) -> Self
  /// Returns the hyperbolic tangent of x.
  static func hyperbolicTangent(_ x: Self) -> Self

  // MARK: Products

  /// Computes `c = op(a) · op(b)`, or accumulates it, where `op` transposes the operand named.
  ///
  /// Shapes: `.none` a (B × K), b (K × N); `.left` a (K × B), b (K × N); `.right` a (B × K), b (N × K); c (B × N).
  static func product(
    _ a: UnsafeMatrixView<Self>, _ b: UnsafeMatrixView<Self>, transposing: Transposition,
    into c: UnsafeMutableMatrixView<Self>,
    accumulating: Bool)

  /// Computes `y[r, n] = bias[n] + Σ_{k permitted} x[r, k] · w[k, n]`.
  ///
  /// A weight that the mask forbids is not read as a number: whatever it holds, and whatever the input it belongs
  /// to holds (finite), `y` has the same bits.
  /// Shapes: x (B × K), w (K × N), bias (1 × N) or nil for zero, y (B × N). The method changes only the time taken
  /// and the rounding, and the lists of the on-bits of an x of zeros and ones, if given, only the time.
  static func maskedLinear(
    _ x: UnsafeMatrixView<Self>, onBits: UnsafeOnBits?, weights w: UnsafeMatrixView<Self>,
    bias: UnsafeMatrixView<Self>?, mask: Staircase, method: ProductMethod,
    into y: UnsafeMutableMatrixView<Self>)

  /// Accumulates `dx[r, k] += Σ_{n permitted} dy[r, n] · w[k, n]`.
  static func maskedLinearInputGradient(
    _ dy: UnsafeMatrixView<Self>, weights w: UnsafeMatrixView<Self>, mask: Staircase, method: ProductMethod,
    into dx: UnsafeMutableMatrixView<Self>)

  /// Accumulates `dw[k, n] += Σ_r x[r, k] · dy[r, n]` where permitted; elsewhere `dw` is left untouched.
  static func maskedLinearWeightGradient(
    _ x: UnsafeMatrixView<Self>, _ dy: UnsafeMatrixView<Self>, mask: Staircase, method: ProductMethod,
    into dw: UnsafeMutableMatrixView<Self>)

  /// Computes `y[r, n] = bias[n] + Σ w[k, n]` over the k in list r, ascending: the rows of an x of zeros and ones of which
  /// only the on-bits are there.
  ///
  /// The bits are those of `maskedLinear`. Shapes: w (K × N), bias (1 × N), y (B × N); the lists of B rows.
  /// - Precondition: `mask` permits all.
  /// - Complexity: O(on-bits · N).
  static func linear(
    onBits: UnsafeOnBits, weights w: UnsafeMatrixView<Self>, bias: UnsafeMatrixView<Self>?, mask: Staircase,
    into y: UnsafeMutableMatrixView<Self>)

  /// Accumulates `dw[places[c], n] += Σ dy[r, n]` over the r in list c, ascending.
  ///
  /// The bits are those of `maskedLinearWeightGradient` by the sparse method, with a mask that permits all, of an x whose
  /// columns at these places the lists are of, and of zeros elsewhere. Shapes: dy (B × N), dw (K × N).
  /// - Precondition: the places are distinct, and the lists' numbers below B.
  /// - Complexity: O(on-bits · N).
  static func accumulateListed(
    _ dy: UnsafeMatrixView<Self>, lists: UnsafeOnBits, places: UnsafeBufferPointer<Int32>,
    into dw: UnsafeMutableMatrixView<Self>)

  /// One step of `adam` on the permitted weights along the gradient xᵀ · dy, which is nowhere stored.
  ///
  /// The same bits as `maskedLinearWeightGradient` into zeros, then `adam`. Everywhere, that is so of forbidden
  /// weights too, whose gradient is zero; otherwise they and their state stay.
  /// - Precondition: `everywhere`, or `mask.hasSortedOutputs`.
  static func maskedLinearAdam(
    _ x: UnsafeMatrixView<Self>, _ dy: UnsafeMatrixView<Self>, mask: Staircase, method: ProductMethod,
    everywhere: Bool,
    step: AdamStep<Self>, weights w: UnsafeMutableMatrixView<Self>, mean m: UnsafeMutableMatrixView<Self>,
    variance v: UnsafeMutableMatrixView<Self>)

  // MARK: Element by element (all operands of one shape)

  /// Writes rows of packed bits as scalars 0 and 1, and lists the on-bits of what it writes, if asked to.
  ///
  /// `y[r, places[c]]`, or `y[r, c]` if `places` is nil, is bit c mod 64 of word `rows[r] · wordsPerRow + ⌊c / 64⌋`, or
  /// of row r itself if `rows` is nil. `places` is a permutation of the columns.
  static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?,
    places: UnsafePointer<Int32>?, into y: UnsafeMutableMatrixView<Self>, listing onBits: UnsafeOnBits?)
  /// Computes `y = f(x)`; `y` may be `x`.
  static func apply(_ f: Activation, _ x: UnsafeMatrixView<Self>, into y: UnsafeMutableMatrixView<Self>)
  /// Accumulates `dx += f′(x) · dy`, with f′ computed from `y = f(x)`.
  static func accumulateGradient(
    of f: Activation, output y: UnsafeMatrixView<Self>, _ dy: UnsafeMatrixView<Self>,
    into dx: UnsafeMutableMatrixView<Self>)
  /// Computes `y = keep · y + scale · x`.
  static func accumulate(
    _ x: UnsafeMatrixView<Self>, scaledBy scale: Self, into y: UnsafeMutableMatrixView<Self>,
    keeping keep: Self)
  /// Computes `y = a · b`, or accumulates it.
  static func multiply(
    _ a: UnsafeMatrixView<Self>, _ b: UnsafeMatrixView<Self>, into y: UnsafeMutableMatrixView<Self>,
    accumulating: Bool)
  /// Computes `y = scale · m · x`, or accumulates it, with m Bernoulli(1 − rate).
  ///
  /// `m[r, c]` is 1 where the 32-bit word `r · ⌈columns / 4⌉ · 4 + c` of the sequence `bits` is at least
  /// ⌊rate · 2³²⌋; the same sequence gives the same m.
  static func dropout(
    _ x: UnsafeMatrixView<Self>, rate: Double, scaledBy scale: Self, bits: Philox,
    into y: UnsafeMutableMatrixView<Self>,
    accumulating: Bool)

  // MARK: Rows and columns

  /// Accumulates a (1 × N) row into every row: `y[r, n] += scale · row[n]`.
  static func accumulateRow(
    _ row: UnsafeMatrixView<Self>, scaledBy scale: Self, into y: UnsafeMutableMatrixView<Self>)
  /// Accumulates a (B × 1) column into every column: `y[r, n] += scale · column[r]`.
  static func accumulateColumn(
    _ column: UnsafeMatrixView<Self>, scaledBy scale: Self, into y: UnsafeMutableMatrixView<Self>)
  /// Accumulates sums down the rows: `row[n] += scale · Σ_r x[r, n]`, `row` (1 × N), r ascending.
  static func accumulateSumOfRows(
    _ x: UnsafeMatrixView<Self>, scaledBy scale: Self, into row: UnsafeMutableMatrixView<Self>)
  /// Accumulates sums along the columns: `column[r] += scale · Σ_n x[r, n]`, `column` (B × 1).
  static func accumulateSumOfColumns(
    _ x: UnsafeMatrixView<Self>, scaledBy scale: Self, into column: UnsafeMutableMatrixView<Self>)
  /// Computes `y[r] = log (1/N) Σ_n exp x[r, n]`, stable for any finite x and for −∞; `y` (B × 1).
  static func logMeanExp(_ x: UnsafeMatrixView<Self>, into y: UnsafeMutableMatrixView<Self>)
  /// Accumulates `dx[r, n] += dy[r] · exp(x[r, n] − y[r]) / N`.
  static func accumulateLogMeanExpGradient(
    _ x: UnsafeMatrixView<Self>, output y: UnsafeMatrixView<Self>, _ dy: UnsafeMatrixView<Self>,
    into dx: UnsafeMutableMatrixView<Self>)

  // MARK: Likelihood

  /// Computes `y[r] = Σ_i t[r, i] · z[r, i] − log(1 + exp z[r, i])`, summed in two levels or in Double; `y` (B × 1).
  ///
  /// For t in {0, 1} that is Σ_i log p(t_i) of Bernoulli variables with logits z.
  static func bernoulliLogLikelihood(
    logits z: UnsafeMatrixView<Self>, targets t: UnsafeMatrixView<Self>, into y: UnsafeMutableMatrixView<Self>
  )
  /// Accumulates `dz[r, i] += dy[r] · (t[r, i] − σ(z[r, i]))`.
  static func accumulateBernoulliGradient(
    logits z: UnsafeMatrixView<Self>, targets t: UnsafeMatrixView<Self>, _ dy: UnsafeMatrixView<Self>,
    into dz: UnsafeMutableMatrixView<Self>
  )

  // MARK: NADE

  /// Computes the logits of NADE's D conditionals in O(B·D·H):
  ///
  ///     z[r, o(i)] = b[o(i)] + v[o(i)] · f(a_i),   a_0 = c,   a_{i+1} = a_i + x[r, o(i)] · w[o(i)]
  ///
  /// Shapes: x (B × D) of zeros and ones, w and v (D × H), b (1 × D), c (1 × H), z (B × D); `ordering` is the
  /// permutation o of 0..<D.
  /// - Source: Larochelle & Murray, The Neural Autoregressive Distribution Estimator, AISTATS 2011, Algorithm 1.
  static func nade(
    _ x: UnsafeMatrixView<Self>, parameters: NADEOperands<Self>, into z: UnsafeMutableMatrixView<Self>)

  /// Accumulates the gradients of all four parameters of `nade` for the gradient `dz` of its logits.
  static func nadeGradient(
    _ x: UnsafeMatrixView<Self>, parameters: NADEOperands<Self>, _ dz: UnsafeMatrixView<Self>,
    into gradients: NADEGradients<Self>)

  /// Accumulates the gradients of b and c, and spends those of w and v on one step of `adam`: what `nadeGradient` into
  /// zeros followed by `adam` gives, to the same bits.
  ///
  /// `gradients.w` and `gradients.v` are room to work in, unspecified before and after.
  /// - Precondition: x has at least one row, and `weights` are the w and v of `parameters`.
  static func nadeAdam(
    _ x: UnsafeMatrixView<Self>, parameters: NADEOperands<Self>, _ dz: UnsafeMatrixView<Self>,
    into gradients: NADEGradients<Self>, step: AdamStep<Self>, weights: NADEWeights<Self>,
    means: NADEWeights<Self>, variances: NADEWeights<Self>)

  /// Draws rows from a NADE: x[r, o(i)] = 1 where u[r, o(i)] < σ(z[r, o(i)]), in the order of i.
  ///
  /// Shapes: u, x and z (B × D); z gets the logits that each decision was drawn from.
  static func nadeSample(
    uniforms u: UnsafeMatrixView<Self>, parameters: NADEOperands<Self>, into x: UnsafeMutableMatrixView<Self>,
    logits z: UnsafeMutableMatrixView<Self>)

  // MARK: Masked networks

  /// Draws rows from a masked network, variable by variable along its ordering: bit i of row r is 1 where
  /// `u[r, i] < σ(z[r, i])`.
  ///
  /// Shapes: u and z (B × D); z gets the logits that each decision was drawn from. `words` has room for B rows of
  /// ⌈D / 64⌉ words; bit i of a row is bit i mod 64 of its word ⌊i / 64⌋, and bits beyond the last are 0.
  static func networkSample(
    uniforms u: UnsafeMatrixView<Self>, network: MaskedNetwork<Self>,
    into words: UnsafeMutablePointer<UInt64>,
    logits z: UnsafeMutableMatrixView<Self>)

  // MARK: Optimizers (all operands of one shape)

  /// Returns Σ x² in Double, in an order that does not depend on the number of threads.
  static func sumOfSquares(_ x: UnsafeMatrixView<Self>) -> Double
  /// Returns whether every element is finite.
  static func isFinite(_ x: UnsafeMatrixView<Self>) -> Bool
  /// One step of stochastic gradient descent with momentum: `v ← µ·v + g`, `w ← w − rate·v`, g scaled by `scale`.
  static func descend(
    _ w: UnsafeMutableMatrixView<Self>, gradient g: UnsafeMatrixView<Self>, scaledBy scale: Self, rate: Self,
    momentum: Self,
    velocity v: UnsafeMutableMatrixView<Self>)
  /// One step of Adagrad: `s ← s + g²`, `w ← w − rate·g / (√s + ε)`, g scaled by `scale`.
  static func adagrad(
    _ w: UnsafeMutableMatrixView<Self>, gradient g: UnsafeMatrixView<Self>, scaledBy scale: Self, rate: Self,
    epsilon: Self,
    squares s: UnsafeMutableMatrixView<Self>)
  /// One step of Adam with decoupled weight decay:
  /// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − rate·(m·c₁ / (√(v·c₂) + ε) + λw)`, g scaled by `scale`.
  static func adam(
    _ w: UnsafeMutableMatrixView<Self>, gradient g: UnsafeMatrixView<Self>, scaledBy scale: Self,
    step: AdamStep<Self>,
    mean m: UnsafeMutableMatrixView<Self>, variance v: UnsafeMutableMatrixView<Self>)
}
