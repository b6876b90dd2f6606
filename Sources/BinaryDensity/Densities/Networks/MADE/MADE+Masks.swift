import Kernels

extension MADE {
  /// The ordering and the degrees of one component: everything its masks follow from.
  struct MaskSet: Sendable {
    let ordering: Ordering
    /// The degrees of the hidden units, layer by layer.
    let degrees: [[Int]]
    /// The masks of the hidden layers, of the output, and of the direct weights if there are any.
    let staircases: [Staircase]

    /// Creates the `index`-th mask set of a configuration.
    init(_ configuration: Configuration, index: Int) {
      let count = configuration.variableCount
      ordering = configuration.ordering.ordering(count: count, seed: configuration.seed, index: index)

      var degrees: [[Int]] = []
      var lowest = min(1, count - 1)
      for (layer, width) in configuration.hiddenCounts.enumerated() {
        // What is added to a unit must see no more than it may.
        if configuration.addsLayerBelow(layer), let below = degrees.last {
          degrees.append(below)
          continue
        }
        var layerDegrees = MaskSet.spread(width, over: lowest...(count - 1))
        lowest = layerDegrees[0]
        // The first mask is sorted. The others deal the same degrees out at random, so that each degree stays in
        // use and every unit connected.
        if index > 0 {
          var generator = Philox(
            seed: configuration.seed, stream: .masks, index: UInt64(index) << 8 | UInt64(layer))
          let dealt = generator.permutation(of: width)
          layerDegrees = dealt.map { layerDegrees[$0] }
        }
        degrees.append(layerDegrees)
      }
      self.degrees = degrees

      var staircases: [Staircase] = []
      var inputDegrees = ordering.inputDegrees
      for layerDegrees in degrees {
        staircases.append(Staircase(inputDegrees: inputDegrees, outputDegrees: layerDegrees))
        inputDegrees = layerDegrees
      }
      if !degrees.isEmpty {
        staircases.append(Staircase(inputDegrees: inputDegrees, outputDegrees: ordering.outputDegrees))
      }
      if configuration.hasDirectWeights {
        staircases.append(
          Staircase(inputDegrees: ordering.inputDegrees, outputDegrees: ordering.outputDegrees))
      }
      self.staircases = staircases
    }

    /// Spreads degrees evenly over a range, ascending, both ends included.
    ///
    /// Both ends matter: a unit of the lowest degree gives every unit of the next layer something to see, and one
    /// of the highest gives every unit of the layer before something to feed. A single unit takes the highest, and
    /// the range of the layers behind it shrinks to that. So every unit is connected on both sides, whatever the
    /// widths and D > 1. (With D = 1 there is nothing to see, and a unit of degree 0 is one more bias.)
    static func spread(_ width: Int, over range: ClosedRange<Int>) -> [Int] {
      guard width > 1 else { return [range.upperBound] }
      let length = range.upperBound - range.lowerBound
      return (0..<width).map { range.lowerBound + ($0 * length + (width - 1) / 2) / (width - 1) }
    }
  }
}
