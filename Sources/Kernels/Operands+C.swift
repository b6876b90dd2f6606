import CKernels

/// The kernels of the instruction set that is current for this thread.
@inline(__always) var kernels: UnsafePointer<ck_kernels> { ck_table() }

extension UnsafeMatrixView<Float> {
  /// The same view as the C kernels take it.
  ///
  /// C has one type for what is read and what is written; which operand a kernel writes is in `CKernels.h`, and none
  /// writes an operand that is read-only here.
  var raw: ck_matrix {
    ck_matrix(
      base: UnsafeMutablePointer(mutating: base), rows: rowCount, columns: columnCount, stride: stride)
  }
}

extension UnsafeMutableMatrixView<Float> {
  /// The same view as the C kernels take it.
  var raw: ck_matrix { ck_matrix(base: base, rows: rowCount, columns: columnCount, stride: stride) }
}

extension UnsafeOnBits {
  /// The lists as the C kernels take them.
  var raw: ck_on_bits { ck_on_bits(base: base, starts: starts) }
}

extension UnsafeOnBits? {
  /// The lists as the C kernels take them; a null base if there are none.
  var raw: ck_on_bits { ck_on_bits(base: self?.base, starts: self?.starts) }
}

/// What has the shape of a matrix, to be checked before it is handed to C.
protocol MatrixShaped {
  var rowCount: Int { get }
  var columnCount: Int { get }
}

extension Matrix: MatrixShaped {}
extension UnsafeMatrixView: MatrixShaped {}
extension UnsafeMutableMatrixView: MatrixShaped {}

extension MatrixShaped {
  /// The shape as it is shown in messages.
  var shape: String { "\(rowCount) × \(columnCount)" }

  /// Stops unless the operand has the shape that another demands.
  @inline(__always) func require(_ name: StaticString, rows: Int, columns: Int) {
    precondition(
      rowCount == rows && columnCount == columns,
      "\(name) is \(shape) where \(rows) × \(columns) is needed")
  }

  /// Stops unless the operand has the shape of another.
  @inline(__always) func require(_ name: StaticString, shapeOf other: some MatrixShaped) {
    require(name, rows: other.rowCount, columns: other.columnCount)
  }
}

extension Staircase {
  /// Calls `body` with the mask as the C kernels take it: no order at all says that the units are sorted as they are.
  func withC<Result>(spellingOutOrders: Bool = false, _ body: (ck_staircase) -> Result) -> Result {
    inputOrder.withUnsafeBufferPointer { inputs in
      outputOrder.withUnsafeBufferPointer { outputs in
        prefixLengths.withUnsafeBufferPointer { prefixes in
          body(
            ck_staircase(
              inputs: hasSortedInputs && !spellingOutOrders ? nil : inputs.baseAddress,
              outputs: hasSortedOutputs && !spellingOutOrders ? nil : outputs.baseAddress,
              prefixes: prefixes.baseAddress))
        }
      }
    }
  }

  /// Stops unless the mask is for weights of this shape.
  func require(weights w: some MatrixShaped) {
    precondition(
      inputCount == w.rowCount && outputCount == w.columnCount,
      "the mask is \(inputCount) × \(outputCount), the weights are \(w.shape)")
  }
}

extension Philox {
  /// The sequence as the C kernels take it.
  var raw: ck_words { ck_words(seed: seed, stream: stream, position: position) }
}

extension AdamStep<Float> {
  /// The constants as the C kernels take them.
  var raw: ck_adam {
    ck_adam(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weight_decay: weightDecay,
      mean_correction: meanCorrection, variance_correction: varianceCorrection)
  }
}

extension ProductMethod {
  /// The method as the C kernels name it.
  var raw: ck_method {
    switch self {
    case .dense: ck_dense
    case .sparse: ck_sparse
    case .bf16: ck_bf16
    }
  }
}

extension Activation {
  /// The function as the C kernels name it.
  var raw: ck_activation {
    switch self {
    case .relu: ck_relu
    case .sigmoid: ck_sigmoid
    case .tanh: ck_tanh
    case .softplus: ck_softplus
    }
  }
}
