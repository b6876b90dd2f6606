import Kernels

extension MADE {
  /// Returns the network with masks of these orders: mask k has the order k mod N of N, and the degrees of the mask ⌊k / N⌋.
  ///
  /// So the masks are pairs of an order and of degrees, all of the first degrees first. Where there are as many orders as masks, each
  /// unit has one degree in all of them.
  package func spread(over orders: [Ordering]) -> MADE {
    let sets = maskSets.indices.map {
      MaskSet(
        ordering: orders[$0 % orders.count], hiddenDegrees: maskSets[$0 / orders.count].hiddenDegrees,
        in: configuration)
    }
    return MADE(configuration, parameters: parameters, maskSets: sets)
  }

  /// The ordering and the degrees of one component: everything its masks follow from.
  ///
  /// A weight from unit k to unit n is permitted where degree(k) ≤ degree(n): see `Staircase`.
  public struct MaskSet: Hashable, Sendable {
    /// The ordering of the variables.
    public let ordering: Ordering
    /// The degrees of the hidden units, layer by layer: how many variables of the ordering a unit may depend on.
    public let hiddenDegrees: [[Int]]
    /// The masks of the hidden layers, of the output, and of the direct weights if there are any.
    let staircases: [Staircase]

    /// Creates a mask set of given degrees.
    ///
    /// - Precondition: `problem(of:in:)` finds nothing wrong with it.
    public init(ordering: Ordering, hiddenDegrees: [[Int]], in configuration: Configuration) {
      self.ordering = ordering
      self.hiddenDegrees = hiddenDegrees
      var staircases: [Staircase] = []
      var inputDegrees = ordering.inputDegrees
      for layerDegrees in hiddenDegrees {
        staircases.append(Staircase(inputDegrees: inputDegrees, outputDegrees: layerDegrees))
        inputDegrees = layerDegrees
      }
      if !hiddenDegrees.isEmpty {
        staircases.append(Staircase(inputDegrees: inputDegrees, outputDegrees: ordering.outputDegrees))
      }
      if configuration.hasDirectWeights {
        staircases.append(
          Staircase(inputDegrees: ordering.inputDegrees, outputDegrees: ordering.outputDegrees))
      }
      self.staircases = staircases
    }

    /// Returns what is wrong with the mask sets of a network, or nil.
    public static func problem(of sets: [MaskSet], in configuration: Configuration) -> String? {
      for (index, set) in sets.enumerated() {
        let count = configuration.variableCount
        if set.ordering.variables.count != count {
          return "mask set \(index) orders \(set.ordering.variables.count) variables, not \(count)"
        }
        if set.hiddenDegrees.map(\.count) != configuration.hiddenCounts {
          return "mask set \(index) has layers of \(set.hiddenDegrees.map(\.count)) units, not "
            + "\(configuration.hiddenCounts)"
        }
        for (layer, degrees) in set.hiddenDegrees.enumerated() {
          // A unit of degree D would see every variable, and no logit may see it.
          if let degree = degrees.first(where: { !(0..<max(count, 1)).contains($0) }) {
            return "a unit of hidden layer \(layer) has degree \(degree), which is not from 0 to \(count - 1)"
          }
          if count > 1, !degrees.isEmpty, set.staircases[layer].permittedCount == 0 {
            return "in mask set \(index) the degrees forbid every weight of hidden layer \(layer)"
          }
          if configuration.addsLayerBelow(layer), degrees != set.hiddenDegrees[layer - 1] {
            return "hidden layer \(layer) adds the one below, whose degrees are not its own"
          }
        }
      }
      return nil
    }

    /// Creates the `index`-th mask set that a configuration's rule and seed give.
    ///
    /// - Parameter lowestDegree: that of the first hidden layer's first units; nil for what gives each something to see.
    /// - Precondition: there is a seed if something is drawn from it.
    init(_ configuration: Configuration, index: Int, lowestDegree: Int? = nil) {
      let count = configuration.variableCount
      let ordering = configuration.ordering.ordering(count: count, seed: configuration.seed, index: index)

      var degrees: [[Int]] = []
      var lowest = lowestDegree ?? min(1, count - 1)
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
          guard let seed = configuration.seed else {
            preconditionFailure("mask set \(index) is drawn from a seed, and there is none")
          }
          var generator = Philox(
            seed: seed, stream: .masks, index: UInt64(index) << 8 | UInt64(layer))
          let dealt = generator.permutation(of: width)
          layerDegrees = dealt.map { layerDegrees[$0] }
        }
        degrees.append(layerDegrees)
      }
      self.init(ordering: ordering, hiddenDegrees: degrees, in: configuration)
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
