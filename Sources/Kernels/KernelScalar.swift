import CKernels

/// A number type the engine can run in: `Float`, on the C kernels, or `Double`, on the plain references.
///
/// Every inner loop of the package is one of these functions. `Float` calls `CKernels`, which picks the fastest
/// instruction set of the machine; `Double` calls the plain loop of the same name in `Reference`, which is the
/// oracle of every test.
///
/// Legend: B rows in a batch, K inputs, N outputs, D variables, H hidden units. All operands are row-major views.
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
    _ a: MatrixView<Self>, _ b: MatrixView<Self>, transposing: Transposition, into c: MatrixView<Self>,
    accumulating: Bool)

  /// Computes `y[r, n] = bias[n] + Σ_{k permitted} x[r, k] · w[k, n]`.
  ///
  /// A weight that the mask forbids is not read as a number: whatever it holds, and whatever the input it belongs
  /// to holds (finite), `y` has the same bits.
  /// Shapes: x (B × K), w (K × N), bias (1 × N) or nil for zero, y (B × N). The method changes only the time taken
  /// and the rounding.
  static func maskedLinear(
    _ x: MatrixView<Self>, weights w: MatrixView<Self>, bias: MatrixView<Self>?, mask: Staircase,
    method: ProductMethod,
    into y: MatrixView<Self>)

  /// Accumulates `dx[r, k] += Σ_{n permitted} dy[r, n] · w[k, n]`.
  static func maskedLinearInputGradient(
    _ dy: MatrixView<Self>, weights w: MatrixView<Self>, mask: Staircase, method: ProductMethod,
    into dx: MatrixView<Self>)

  /// Accumulates `dw[k, n] += Σ_r x[r, k] · dy[r, n]` where permitted; elsewhere `dw` is left untouched.
  static func maskedLinearWeightGradient(
    _ x: MatrixView<Self>, _ dy: MatrixView<Self>, mask: Staircase, method: ProductMethod,
    into dw: MatrixView<Self>)

  /// One step of `adam` on the permitted weights along the gradient xᵀ · dy, which is nowhere stored.
  ///
  /// The same bits as `maskedLinearWeightGradient` into zeros, then `adam`. Everywhere, that is so of forbidden
  /// weights too, whose gradient is zero; otherwise they and their state stay.
  /// - Precondition: `everywhere`, or `mask.hasSortedOutputs`.
  static func maskedLinearAdam(
    _ x: MatrixView<Self>, _ dy: MatrixView<Self>, mask: Staircase, method: ProductMethod, everywhere: Bool,
    step: AdamStep<Self>, weights w: MatrixView<Self>, mean m: MatrixView<Self>, variance v: MatrixView<Self>)

  // MARK: Element by element (all operands of one shape)

  /// Writes rows of packed bits as scalars 0 and 1: bit c of row r is bit c mod 64 of word
  /// `rows[r] · wordsPerRow + ⌊c / 64⌋`, or of row r itself if `rows` is nil.
  static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?, into y: MatrixView<Self>)
  /// Computes `y = f(x)`; `y` may be `x`.
  static func apply(_ f: Activation, _ x: MatrixView<Self>, into y: MatrixView<Self>)
  /// Accumulates `dx += f′(x) · dy`, with f′ computed from `y = f(x)`.
  static func accumulateGradient(
    of f: Activation, output y: MatrixView<Self>, _ dy: MatrixView<Self>, into dx: MatrixView<Self>)
  /// Computes `y = keep · y + scale · x`.
  static func accumulate(
    _ x: MatrixView<Self>, scaledBy scale: Self, into y: MatrixView<Self>, keeping keep: Self)
  /// Computes `y = a · b`, or accumulates it.
  static func multiply(
    _ a: MatrixView<Self>, _ b: MatrixView<Self>, into y: MatrixView<Self>, accumulating: Bool)
  /// Computes `y = scale · m · x`, or accumulates it, with m Bernoulli(1 − rate).
  ///
  /// `m[r, c]` is 1 where the 32-bit word `r · ⌈columns / 4⌉ · 4 + c` of the sequence `bits` is at least
  /// ⌊rate · 2³²⌋; the same sequence gives the same m.
  static func dropout(
    _ x: MatrixView<Self>, rate: Double, scaledBy scale: Self, bits: Philox, into y: MatrixView<Self>,
    accumulating: Bool)

  // MARK: Rows and columns

  /// Accumulates a (1 × N) row into every row: `y[r, n] += scale · row[n]`.
  static func accumulateRow(_ row: MatrixView<Self>, scaledBy scale: Self, into y: MatrixView<Self>)
  /// Accumulates a (B × 1) column into every column: `y[r, n] += scale · column[r]`.
  static func accumulateColumn(_ column: MatrixView<Self>, scaledBy scale: Self, into y: MatrixView<Self>)
  /// Accumulates sums down the rows: `row[n] += scale · Σ_r x[r, n]`, `row` (1 × N), r ascending.
  static func accumulateSumOfRows(_ x: MatrixView<Self>, scaledBy scale: Self, into row: MatrixView<Self>)
  /// Accumulates sums along the columns: `column[r] += scale · Σ_n x[r, n]`, `column` (B × 1).
  static func accumulateSumOfColumns(
    _ x: MatrixView<Self>, scaledBy scale: Self, into column: MatrixView<Self>)
  /// Computes `y[r] = log (1/N) Σ_n exp x[r, n]`, stable for any finite x and for −∞; `y` (B × 1).
  static func logMeanExp(_ x: MatrixView<Self>, into y: MatrixView<Self>)
  /// Accumulates `dx[r, n] += dy[r] · exp(x[r, n] − y[r]) / N`.
  static func accumulateLogMeanExpGradient(
    _ x: MatrixView<Self>, output y: MatrixView<Self>, _ dy: MatrixView<Self>, into dx: MatrixView<Self>)

  // MARK: Likelihood

  /// Computes `y[r] = Σ_i t[r, i] · z[r, i] − log(1 + exp z[r, i])`, summed in two levels or in Double; `y` (B × 1).
  ///
  /// For t in {0, 1} that is Σ_i log p(t_i) of Bernoulli variables with logits z.
  static func bernoulliLogLikelihood(
    logits z: MatrixView<Self>, targets t: MatrixView<Self>, into y: MatrixView<Self>)
  /// Accumulates `dz[r, i] += dy[r] · (t[r, i] − σ(z[r, i]))`.
  static func accumulateBernoulliGradient(
    logits z: MatrixView<Self>, targets t: MatrixView<Self>, _ dy: MatrixView<Self>, into dz: MatrixView<Self>
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
    _ x: MatrixView<Self>, parameters: NADEOperands<Self>, into z: MatrixView<Self>)

  /// Accumulates the gradients of all four parameters of `nade` for the gradient `dz` of its logits.
  static func nadeGradient(
    _ x: MatrixView<Self>, parameters: NADEOperands<Self>, _ dz: MatrixView<Self>,
    into gradients: NADEGradients<Self>)

  /// Accumulates the gradients of b and c, and spends those of w and v on one step of `adam`: what `nadeGradient` into
  /// zeros followed by `adam` gives, to the same bits.
  ///
  /// `gradients.w` and `gradients.v` are room to work in, unspecified before and after.
  /// - Precondition: x has at least one row.
  static func nadeAdam(
    _ x: MatrixView<Self>, parameters: NADEOperands<Self>, _ dz: MatrixView<Self>,
    into gradients: NADEGradients<Self>, step: AdamStep<Self>, means: NADEMoments<Self>,
    variances: NADEMoments<Self>)

  /// Draws rows from a NADE: x[r, o(i)] = 1 where u[r, o(i)] < σ(z[r, o(i)]), in the order of i.
  ///
  /// Shapes: u, x and z (B × D); z gets the logits that each decision was drawn from.
  static func nadeSample(
    uniforms u: MatrixView<Self>, parameters: NADEOperands<Self>, into x: MatrixView<Self>,
    logits z: MatrixView<Self>)

  // MARK: Masked networks

  /// Draws rows from a masked network, variable by variable along its ordering: bit i of row r is 1 where
  /// `u[r, i] < σ(z[r, i])`.
  ///
  /// Shapes: u and z (B × D); z gets the logits that each decision was drawn from. `words` has room for B rows of
  /// ⌈D / 64⌉ words; bit i of a row is bit i mod 64 of its word ⌊i / 64⌋, and bits beyond the last are 0.
  static func networkSample(
    uniforms u: MatrixView<Self>, network: MaskedNetwork<Self>, into words: UnsafeMutablePointer<UInt64>,
    logits z: MatrixView<Self>)

  // MARK: Optimizers (all operands of one shape)

  /// Returns Σ x² in Double, in an order that does not depend on the number of threads.
  static func sumOfSquares(_ x: MatrixView<Self>) -> Double
  /// Returns whether every element is finite.
  static func isFinite(_ x: MatrixView<Self>) -> Bool
  /// One step of stochastic gradient descent with momentum: `v ← µ·v + g`, `w ← w − rate·v`, g scaled by `scale`.
  static func descend(
    _ w: MatrixView<Self>, gradient g: MatrixView<Self>, scaledBy scale: Self, rate: Self, momentum: Self,
    velocity v: MatrixView<Self>)
  /// One step of Adagrad: `s ← s + g²`, `w ← w − rate·g / (√s + ε)`, g scaled by `scale`.
  static func adagrad(
    _ w: MatrixView<Self>, gradient g: MatrixView<Self>, scaledBy scale: Self, rate: Self, epsilon: Self,
    squares s: MatrixView<Self>)
  /// One step of Adam with decoupled weight decay:
  /// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − rate·(m·c₁ / (√(v·c₂) + ε) + λw)`, g scaled by `scale`.
  static func adam(
    _ w: MatrixView<Self>, gradient g: MatrixView<Self>, scaledBy scale: Self, step: AdamStep<Self>,
    mean m: MatrixView<Self>, variance v: MatrixView<Self>)
}

/// How a masked layer multiplies.
public enum ProductMethod: Hashable, Sendable, CaseIterable {
  /// Every permitted product.
  case dense
  /// Only where x is not zero: for an x that mostly is.
  case sparse
  /// Every permitted product of operands rounded to bfloat16 (8 significant bits), summed in single precision.
  ///
  /// It is `dense` where `isAvailable` says no, and in Double.
  case bf16

  /// Whether this machine and the current instruction set have the method.
  public var isAvailable: Bool { self == .bf16 ? ck_has_bf16() : true }
}

/// Which operand of a product is transposed.
public enum Transposition: Hashable, Sendable {
  /// a · b
  case none
  /// aᵀ · b
  case left
  /// a · bᵀ
  case right
}

/// The operands of the NADE recursion besides its rows.
public struct NADEOperands<Scalar> {
  /// D × H, from the variables into the hidden units.
  package let w: MatrixView<Scalar>
  /// D × H, from the hidden units to the conditionals.
  package let v: MatrixView<Scalar>
  /// 1 × D, the biases of the conditionals.
  package let b: MatrixView<Scalar>
  /// 1 × H, the biases of the hidden units.
  package let c: MatrixView<Scalar>
  /// The permutation o: variable `ordering[i]` comes i-th.
  package let ordering: [Int32]
  /// `.sigmoid` or `.relu`.
  package let activation: Activation

  package init(
    w: MatrixView<Scalar>, v: MatrixView<Scalar>, b: MatrixView<Scalar>, c: MatrixView<Scalar>,
    ordering: [Int32], activation: Activation
  ) {
    precondition(activation == .sigmoid || activation == .relu, "NADE's hidden units are sigmoid or ReLU")
    self.w = w
    self.v = v
    self.b = b
    self.c = c
    self.ordering = ordering
    self.activation = activation
  }
}

/// Where the gradients of NADE's parameters accumulate, shaped like the parameters.
public struct NADEGradients<Scalar> {
  package let w: MatrixView<Scalar>
  package let v: MatrixView<Scalar>
  package let b: MatrixView<Scalar>
  package let c: MatrixView<Scalar>

  package init(
    w: MatrixView<Scalar>, v: MatrixView<Scalar>, b: MatrixView<Scalar>, c: MatrixView<Scalar>
  ) {
    self.w = w
    self.v = v
    self.b = b
    self.c = c
  }
}

/// What Adam keeps of the weights of a NADE, shaped like them.
public struct NADEMoments<Scalar> {
  package let w: MatrixView<Scalar>
  package let v: MatrixView<Scalar>

  package init(w: MatrixView<Scalar>, v: MatrixView<Scalar>) {
    self.w = w
    self.v = v
  }
}

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
