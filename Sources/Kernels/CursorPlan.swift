import CKernels

/// A model's weights arranged for walking: for taking the variables of many rows in order, one at a time.
///
/// Nothing writes to it after it is made, so it serves every instruction set and any number of cursors on any threads.
package final class CursorPlan: Sendable {
  /// The number D of variables.
  package let variableCount: Int
  /// How many orders a cursor of it is given: none where the plan has one of its own.
  let takesOrders: Bool
  // A pointer may not be sent to other threads, but nobody writes where this one points.
  nonisolated(unsafe) let raw: OpaquePointer

  private init(_ raw: OpaquePointer, variableCount: Int, takesOrders: Bool = false) {
    self.raw = raw
    self.variableCount = variableCount
    self.takesOrders = takesOrders
  }

  deinit { ck_walk_free(raw) }

  /// How many rows a cursor is fastest with: few enough that they stay in the second-level cache, and enough that the
  /// weights, which every step reads for all of them, come from far away seldom.
  package var rowsPerShard: Int { withExtendedLifetime(self) { ck_walk_rows(raw) } }

  /// Arranges a NADE along an ordering.
  ///
  ///     z_o(i) = b_o(i) + v_o(i) · f(a_i),   a_0 = c,   a_{i+1} = a_i + w_o(i) · x_o(i)
  ///
  /// Shapes: `w` and `v` D × H, `b` 1 × D, `c` 1 × H.
  /// - Precondition: the activation is sigmoid or ReLU.
  package convenience init(
    nade w: Matrix<Float>, v: Matrix<Float>, b: Matrix<Float>, c: Matrix<Float>, ordering: [Int32],
    activation: Activation
  ) {
    precondition(activation == .sigmoid || activation == .relu, "a NADE of \(activation) units")
    let raw = withUnsafeViews(of: w, v, b, c) { w, v, b, c in
      let parameters = NADEOperands(w: w, v: v, b: b, c: c, ordering: ordering, activation: activation)
      return parameters.withOrdering(variableCount: w.rowCount) { ordering, activation in
        ordering.map { ck_walk_nade(parameters.raw, $0, activation) }
      }
    }
    guard let raw else { preconditionFailure("a NADE of no variables") }
    self.init(raw, variableCount: w.rowCount)
  }

  /// Arranges a masked network.
  ///
  /// - Complexity: one pass over the weights, and memory for those that the masks permit.
  package convenience init(_ network: MaskedNetwork<Float>) {
    let variableCount = network.ordering.count
    network.require(variableCount: variableCount)
    self.init(network.withC { ck_walk_network($0, variableCount) }, variableCount: variableCount)
  }

  /// Arranges an order-agnostic network, which knows a variable's value by w and that it is known by u.
  ///
  ///     a = c + Σ_known (u_i + x_i w_i),   h_1 = f(a),   h_{l+1} = f(bias_l + h_l weights_l),   z_i = b_i + h · v_i
  ///
  /// Shapes: `w` and `u` D × H, `c` 1 × H; `v` of as many rows as the last hidden layer has units, and D columns;
  /// `b` 1 × D.
  package convenience init(
    eonade w: Matrix<Float>, u: Matrix<Float>, c: Matrix<Float>,
    layers: [(weights: Matrix<Float>, bias: Matrix<Float>)], v: Matrix<Float>, b: Matrix<Float>,
    activation: Activation
  ) {
    func require(_ name: StaticString, _ matrix: Matrix<Float>, rows: Int, columns: Int) {
      matrix.withUnsafeView { $0.require(name, rows: rows, columns: columns) }
    }
    require("u", u, rows: w.rowCount, columns: w.columnCount)
    require("c", c, rows: 1, columns: w.columnCount)
    var width = w.columnCount
    for layer in layers {
      require("a layer", layer.weights, rows: width, columns: layer.weights.columnCount)
      width = layer.weights.columnCount
      require("a bias", layer.bias, rows: 1, columns: width)
    }
    require("v", v, rows: width, columns: w.rowCount)
    require("b", b, rows: 1, columns: w.rowCount)
    let dense = layers.map {
      // Of a dense layer nobody reads the mask.
      MaskedLayer(
        weights: $0.weights, bias: $0.bias,
        mask: Staircase(denseInputCount: $0.weights.rowCount, outputCount: $0.weights.columnCount))
    }
    let raw = dense.withC { layers in
      withUnsafeViews(of: w, u, c, v, b) { w, u, c, v, b in
        layers.withUnsafeBufferPointer {
          ck_walk_orderless(
            w.raw, u.raw, c.raw, $0.baseAddress, $0.count, v.raw, b.raw, activation.raw)
        }
      }
    }
    self.init(raw, variableCount: w.rowCount, takesOrders: true)
  }
}
