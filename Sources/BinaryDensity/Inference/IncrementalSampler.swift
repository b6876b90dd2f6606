import Kernels

/// Exact ancestral sampling from a masked network of any depth in the operations of one likelihood.
///
/// A hidden unit of degree m is final once the first m variables of the ordering are known. The variables are drawn
/// in order, and just before each draw the units that have become final are computed, each once; drawing from
/// repeated full passes would cost D times as much. Up to 64 rows are drawn side by side: a unit's states in all
/// rows lie next to each other, so a weight is loaded once for all of them. The variables go in blocks of 16: what
/// the units finished before a block contribute to those of the block is one matrix product, and only the small
/// triangle of weights inside the block is summed unit by unit.
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

    /// How many outputs are final once `count` variables are known.
    func finalCount(knowing count: Int) -> Int {
      var low = 0
      var high = mask.outputCount
      while low < high {
        let middle = (low + high) / 2
        if mask.outputDegrees[Int(mask.outputOrder[middle])] <= count {
          low = middle + 1
        } else {
          high = middle
        }
      }
      return low
    }

    /// Computes for all lanes what the first `inputCount` inputs by degree contribute to a range of outputs, one a row
    /// of `target`.
    func begin(
      _ range: Range<Int>, from inputs: MatrixView<Float>, inputCount: Int, into target: MatrixView<Float>,
      accumulating: Bool
    ) {
      guard !range.isEmpty else { return }
      for (row, n) in range.enumerated() where !accumulating { target.rows(row..<row + 1).fill(biases[n]) }
      guard inputCount > 0 else { return }
      let known = weights.view.rows(range)
      // A permitted prefix may end before `inputCount`; the weights beyond it are zero.
      Float.product(
        MatrixView(
          base: known.base, rowCount: known.rowCount, columnCount: inputCount, stride: known.stride),
        inputs.rows(0..<inputCount), transposing: .none, into: target, accumulating: true)
    }

    /// Adds what the inputs from `inputCount` on contribute to the n-th output by degree, and applies the activation.
    func finish(_ n: Int, from inputs: MatrixView<Float>, inputCount: Int, into output: MatrixView<Float>) {
      let rest = Int(mask.prefixLengths[n]) - inputCount
      if rest > 0 {
        let row = weights.view.rows(n..<n + 1)
        Float.prefixProduct(
          weights: MatrixView(
            base: row.base + inputCount, rowCount: 1, columnCount: rest, stride: row.stride),
          count: rest, states: inputs.rows(inputCount..<inputCount + rest), bias: 0, into: output,
          accumulating: true)
      }
      if let activation { Float.apply(activation, output, into: output) }
    }
  }

  /// How many rows are drawn side by side.
  static let laneCount = 64
  /// How many variables are drawn between two products.
  static let blockLength = 16

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
    var decisions = Matrix<Float>(rowCount: 2 * Self.blockLength, columnCount: lanes)
    let uniform = decisions.mutableView.rows(0..<Self.blockLength)
    let logit = decisions.mutableView.rows(Self.blockLength..<2 * Self.blockLength)
    let source = uniforms.view.rows(range)
    var logits = Matrix<Float>(rowCount: lanes, columnCount: variableCount)
    let kept = logits.mutableView
    var rows = BinaryMatrix(rowCount: lanes, columnCount: variableCount)

    // Units finished before the block, and those finished so far.
    var before = hidden.map { _ in 0 }
    var finished = before
    for start in stride(from: 0, to: variableCount, by: Self.blockLength) {
      let block = start..<min(start + Self.blockLength, variableCount)
      let variables = ordering.variables[block]
      for lane in 0..<lanes {
        for (row, variable) in variables.enumerated() { uniform[row, lane] = source[lane, variable] }
      }

      before = finished
      for (index, layer) in hidden.enumerated() {
        let fresh = finished[index]..<layer.finalCount(knowing: block.upperBound - 1)
        layer.begin(
          fresh, from: index == 0 ? known : views[index - 1],
          inputCount: index == 0 ? start : before[index - 1], into: views[index].rows(fresh),
          accumulating: false)
      }
      let target = logit.rows(0..<block.count)
      if let output, let last = views.last, let count = before.last {
        output.begin(block, from: last, inputCount: count, into: target, accumulating: false)
      }
      direct?.begin(block, from: known, inputCount: start, into: target, accumulating: output != nil)

      for position in block {
        for (index, layer) in hidden.enumerated() {
          for n in finished[index]..<layer.finalCount(knowing: position) {
            layer.finish(
              n, from: index == 0 ? known : views[index - 1],
              inputCount: index == 0 ? start : before[index - 1],
              into: views[index].rows(n..<n + 1))
            finished[index] = n + 1
          }
        }
        let row = logit.rows(position - start..<position - start + 1)
        if let output, let last = views.last, let count = before.last {
          output.finish(position, from: last, inputCount: count, into: row)
        }
        direct?.finish(position, from: known, inputCount: start, into: row)
        Float.decide(
          logits: row, uniforms: uniform.rows(position - start..<position - start + 1),
          into: known.rows(position..<position + 1))
      }
      for lane in 0..<lanes {
        for (row, variable) in variables.enumerated() {
          kept[lane, variable] = logit[row, lane]
          if known[start + row, lane] != 0 { rows.turnOn(lane, variable) }
        }
      }
    }
    // These are used through their views only.
    withExtendedLifetime((bits, states, decisions)) {}
    return (rows, logits)
  }
}
