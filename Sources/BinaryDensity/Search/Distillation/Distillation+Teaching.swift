import Kernels

extension Distillation {
  /// The shares that conditionals have in what networks learn, one after the other.
  ///
  /// Those of one order are quiet, but the model may have other orders besides, which its drawn rows alone tell of.
  static let teachersShares = [0.5, 1]
  /// How many networks are averaged at most: each is evaluated in every step.
  private static let mostTeachers = 8

  /// Returns the network as one that learns, besides the rows' bits, the conditionals that the model's networks along its ordering have
  /// together; itself, if there are less than two.
  ///
  /// - Parameter share: the share of the conditionals in what it learns.
  package func taught(_ network: any TrainableDensity, share: Double) -> any TrainableDensity {
    func taught(_ network: some NetworkDensity) -> (any TrainableDensity)? {
      guard network.trainsOnOneMaskSet, let ordering = network.sharedOrdering else { return nil }
      let groups = (network as? GroupedNetwork)?.groups
      let teachers = teacher.weightedNetworks.filter { part in
        part.density.autoregressive()?.ordering == ordering
          && (part.density as? GroupedNetwork)?.groups == groups
      }.prefix(Self.mostTeachers)
      guard teachers.count > 1 else { return nil }
      let average = Ensemble(teachers.map(\.density), weights: teachers.map(\.weight))
      return TaughtNetwork(network, taughtBy: average, share: share)
    }
    return (network as? any NetworkDensity).flatMap { taught($0) } ?? network
  }
}
