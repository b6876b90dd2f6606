import Kernels

extension Distillation {
  /// The shares that conditionals have in what networks learn, one after the other.
  ///
  /// Those of one order are quiet, but the model may have other orders besides, which its drawn rows alone tell of.
  static let teachersShares = [0.5, 1]
  /// How many networks are averaged at most: each is evaluated in every step.
  private static let mostTeachers = 8

  /// Returns the networks of the model, with their weights, whose average can teach a network: those along its ordering that keep the
  /// same groups of columns, the weightiest first; none of a network that has several orderings, or if there are less than two.
  func teachers(of network: any TrainableDensity) -> [Component] {
    guard let student = network as? any NetworkDensity, student.trainsOnOneMaskSet,
      let ordering = student.sharedOrdering
    else { return [] }
    let groups = (network as? GroupedNetwork)?.groups
    let teachers = teacher.weightedNetworks.filter { part in
      part.density.autoregressive()?.ordering == ordering
        && (part.density as? GroupedNetwork)?.groups == groups
    }.prefix(Self.mostTeachers)
    return teachers.count > 1 ? Array(teachers) : []
  }

  /// Returns the network as one that learns, besides the rows' bits, the conditionals that its teachers have together; itself, if there
  /// are none.
  ///
  /// - Parameter share: the share of the conditionals in what it learns.
  package func taught(_ network: any TrainableDensity, share: Double) -> any TrainableDensity {
    let teachers = teachers(of: network)
    guard !teachers.isEmpty, let student = network as? any NetworkDensity else { return network }
    let average = Ensemble(teachers.map(\.density), weights: teachers.map(\.weight))
    func taught(_ network: some NetworkDensity) -> any TrainableDensity {
      TaughtNetwork(network, taughtBy: average, share: share)
    }
    return taught(student)
  }
}
