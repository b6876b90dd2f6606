import Essentials
import Kernels

/// Mixtures of ever more networks: each has one network more than the one before, that of which the validation rows gain
/// most.
///
/// The networks of one order are averaged (`Ensemble`), always the first few of them; the orders are mixed with equal weights
/// (`Mixture`).
package struct MixturePath {
  /// Networks of one order, or a single one that has none.
  package struct Group {
    package let members: [any Density]
    /// How many of the members there are terms of, ascending; the last is all.
    package let counts: [Int]
    /// log p of each validation row under the average of the first `counts[k]` members.
    package let terms: [[Double]]

    package init(members: [any Density], counts: [Int], terms: [[Double]]) {
      (self.members, self.counts, self.terms) = (members, counts, terms)
    }
  }

  /// One of the mixtures.
  package struct Step {
    /// How many of the counts of each group are used up: it has `counts[level − 1]` members of it.
    package let levels: [Int]
    /// The mean of −log p over the validation rows, in nats.
    package let nll: Double
  }

  private let groups: [Group]
  /// The mixtures, from one network to all.
  package let steps: [Step]

  /// Adds network after network.
  ///
  /// - Parameters:
  ///   - groups: at least one, and as many terms in each.
  ///   - goesOn: whether there is time; without, the only step is that of all networks.
  /// - Complexity: O(networks · groups · rows) logarithms.
  package init(_ groups: [Group], while goesOn: () -> Bool) {
    self.groups = groups
    let whole = groups.map(\.terms.count)
    var walk = Walk(groups)
    var steps: [Step] = []
    while walk.levels != whole {
      guard goesOn() else {
        self.steps = [Step(levels: whole, nll: Walk(groups, levels: whole).nll)]
        return
      }
      steps.append(walk.advance())
    }
    self.steps = steps
  }

  /// The mixture of all networks.
  package var whole: Step { steps[steps.count - 1] }

  /// Returns the densities of a step, one an order, with log p of each validation row under each.
  package func parts(of step: Step) -> [(density: any Density, terms: [Double])] {
    zip(groups, step.levels).filter { $1 > 0 }.map { group, level in
      let members = Array(group.members.prefix(group.counts[level - 1]))
      return (members.count == 1 ? members[0] : Ensemble(members), group.terms[level - 1])
    }
  }

  /// Returns the mixture of a step.
  package func density(of step: Step) -> any Density {
    let parts = parts(of: step).map(\.density)
    return parts.count == 1 ? parts[0] : Mixture(parts)
  }

  /// Returns log p of each validation row under the mixture of a step.
  package func terms(of step: Step) -> [Double] {
    let parts = parts(of: step)
    return logMixture(parts.map(\.terms), weights: parts.map { _ in 1 / Double(parts.count) })
  }

  /// Returns how many networks a step has.
  package func networkCount(of step: Step) -> Int {
    zip(groups, step.levels).reduce(0) { $0 + ($1.1 > 0 ? $1.0.counts[$1.1 - 1] : 0) }
  }
}

/// What a path is found by.
private struct Walk {
  private let groups: [MixturePath.Group]
  /// exp(term − the row's largest of all) of each level of each group.
  private let shares: [[[Double]]]
  private let largest: [Double]
  private(set) var levels: [Int]
  /// Σ of the shares at the present levels.
  private var sums: [Double]

  init(_ groups: [MixturePath.Group], levels: [Int]? = nil) {
    self.groups = groups
    let rowCount = groups[0].terms[0].count
    var largest = [Double](repeating: -.infinity, count: rowCount)
    for term in groups.flatMap(\.terms) {
      for row in largest.indices { largest[row] = max(largest[row], term[row]) }
    }
    self.largest = largest
    shares = groups.map { $0.terms.map { term in term.indices.map { exp(term[$0] - largest[$0]) } } }
    self.levels = levels ?? groups.map { _ in 0 }
    sums = Array(repeating: 0, count: rowCount)
    for (group, level) in self.levels.enumerated() where level > 0 {
      for row in sums.indices { sums[row] += shares[group][level - 1][row] }
    }
  }

  /// The mean of −log p at the present levels.
  var nll: Double { nll(of: sums, partCount: levels.count { $0 > 0 }) }

  private func nll(of sums: [Double], partCount: Int) -> Double {
    let total = sums.indices.reduce(0) { $0 + log(sums[$1]) + largest[$1] }
    return log(Double(max(1, partCount))) - total / Double(max(1, sums.count))
  }

  /// Adds the network that helps most.
  mutating func advance() -> MixturePath.Step {
    var best: (group: Int, nll: Double, sums: [Double])?
    for group in groups.indices where levels[group] < shares[group].count {
      let sums = sums(addingTo: group)
      let nll = nll(of: sums, partCount: levels.count { $0 > 0 } + (levels[group] == 0 ? 1 : 0))
      if best == nil || nll < best?.nll ?? .infinity { best = (group, nll, sums) }
    }
    guard let best else { preconditionFailure("there is no network left") }
    levels[best.group] += 1
    sums = best.sums
    return MixturePath.Step(levels: levels, nll: best.nll)
  }

  private func sums(addingTo group: Int) -> [Double] {
    let level = levels[group]
    let new = shares[group][level]
    guard level > 0 else { return sums.indices.map { sums[$0] + new[$0] } }
    let old = shares[group][level - 1]
    return sums.indices.map { max(0, sums[$0] - old[$0]) + new[$0] }
  }
}
