import Kernels

/// Exact ancestral sampling from a masked network of any depth at about the cost of one likelihood.
///
/// A hidden unit of degree m is final once the first m variables of the ordering are known. The variables are drawn
/// in order, and just before each draw the units that have become final are computed, each once; drawing from
/// repeated full passes would cost D times as much. Up to 64 rows are drawn side by side: a unit's states in all
/// rows lie next to each other, so a weight is loaded once for all of them.
struct IncrementalSampler: Sendable {
  /// A masked layer with its weights rearranged for one unit at a time.
  struct Layer: Sendable {
    let mask: Staircase
    /// N × K: row n holds the weights of the n-th output by degree, over the inputs by degree.
    let weights: Matrix<Float>
    /// The biases of the outputs by degree.
    let biases: [Float]
    let activation: Activation?

    init(mask: Staircase, weights: Matrix<Float>, bias: Matrix<Float>?, activation: Activation? = nil) {
      self.mask = mask
      self.activation = activation
      var arranged = Matrix<Float>(rowCount: mask.outputCount, columnCount: mask.inputCount)
      let target = arranged.mutableView
      let source = weights.view
      for (n, output) in mask.outputOrder.enumerated() {
        for k in 0..<Int(mask.prefixLengths[n]) {
          target[n, k] = source[Int(mask.inputOrder[k]), Int(output)]
        }
      }
      self.weights = arranged
      biases = mask.outputOrder.map { output in bias.map { $0[0, Int(output)] } ?? 0 }
    }

    /// The degree of the n-th output by degree.
    func degree(_ n: Int) -> Int { mask.outputDegrees[Int(mask.outputOrder[n])] }

    /// Computes the n-th output by degree for all lanes.
    func compute(_ n: Int, from states: MatrixView<Float>, into y: MatrixView<Float>, accumulating: Bool) {
      Float.prefixProduct(
        weights: weights.view.rows(n..<n + 1), count: Int(mask.prefixLengths[n]), states: states,
        bias: biases[n], into: y, accumulating: accumulating)
      if let activation { Float.apply(activation, y, into: y) }
    }
  }

  /// How many rows are drawn side by side.
  static let laneCount = 64

  let ordering: Ordering
  /// The hidden layers, first to last.
  let hidden: [Layer]
  /// From the last hidden layer to the logits; nil without hidden layers.
  var output: Layer?
  /// From the variables to the logits; nil without direct weights.
  var direct: Layer?

  /// Draws one row for each row of uniforms (B × D).
  func draw(_ uniforms: Matrix<Float>) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    let count = uniforms.rowCount
    let starts = Array(stride(from: 0, to: count, by: Self.laneCount))
    let blocks = Threads.map(count: starts.count) { block in
      drawBlock(uniforms, starts[block]..<min(starts[block] + Self.laneCount, count))
    }
    var logits = Matrix<Float>(rowCount: count, columnCount: uniforms.columnCount)
    let target = logits.mutableView
    for (start, block) in zip(starts, blocks) {
      Float.copy(block.logits.view, into: target.rows(start..<start + block.rows.rowCount))
    }
    return (
      BinaryMatrix(concatenating: blocks.lazy.map(\.rows), columnCount: uniforms.columnCount), logits
    )
  }

  private func drawBlock(
    _ uniforms: Matrix<Float>, _ range: Range<Int>
  ) -> (rows: BinaryMatrix, logits: Matrix<Float>) {
    let lanes = range.count
    let variableCount = ordering.variables.count
    // Units down the rows, in order of degree; lanes along the columns.
    var bits = Matrix<Float>(rowCount: variableCount, columnCount: lanes)
    let known = bits.mutableView
    var states = hidden.map { Matrix<Float>(rowCount: $0.mask.outputCount, columnCount: lanes) }
    let views = states.indices.map { states[$0].mutableView }
    var finished = hidden.map { _ in 0 }
    var scratch = Matrix<Float>(rowCount: 2, columnCount: lanes)
    let logit = scratch.mutableView.rows(0..<1)
    let uniform = scratch.mutableView.rows(1..<2)
    var logits = Matrix<Float>(rowCount: lanes, columnCount: variableCount)
    let kept = logits.mutableView
    let source = uniforms.view

    for (position, variable) in ordering.variables.enumerated() {
      for (index, layer) in hidden.enumerated() {
        let inputs = index == 0 ? known : views[index - 1]
        while finished[index] < layer.mask.outputCount, layer.degree(finished[index]) <= position {
          let n = finished[index]
          layer.compute(n, from: inputs, into: views[index].rows(n..<n + 1), accumulating: false)
          finished[index] += 1
        }
      }
      if let output, let last = views.last {
        output.compute(position, from: last, into: logit, accumulating: false)
      }
      direct?.compute(position, from: known, into: logit, accumulating: output != nil)

      for lane in 0..<lanes {
        uniform[0, lane] = source[range.lowerBound + lane, variable]
        kept[lane, variable] = logit[0, lane]
      }
      Float.decide(logits: logit, uniforms: uniform, into: known.rows(position..<position + 1))
    }
    let positions = ordering.positions
    let rows = BinaryMatrix(rowCount: lanes, columnCount: variableCount) { known[positions[$1], $0] != 0 }
    // These are used through their views only.
    withExtendedLifetime((bits, states, scratch)) {}
    return (rows, logits)
  }
}
