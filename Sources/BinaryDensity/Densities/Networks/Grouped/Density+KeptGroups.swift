extension Density {
  /// The groups of columns of which exactly one is on in every row that the density gives a probability, as far as that is
  /// known of how it is made; nil if there are none.
  ///
  /// What averages logits keeps every group that one of its members keeps, for a bit that is certain in one is certain in
  /// the average. What averages probabilities, of rows or of bits, keeps those that all its parts keep.
  public var keptGroups: ColumnGroups? {
    switch self {
    case let network as GroupedNetwork: network.groups
    case let ensemble as Ensemble where ensemble.averaged == .logits:
      ensemble.members.compactMap(\.keptGroups).joined()
    case let ensemble as Ensemble: ensemble.members.commonGroups
    case let mixture as Mixture: mixture.densities.commonGroups
    default: nil
    }
  }

  /// Whether a bit that is certain in this density is as certain to be otherwise in another: both keep groups that have
  /// columns in common, but are not equal.
  func contradicts(_ other: any Density) -> Bool { [self, other].haveContradictingGroups }
}

extension Sequence<any Density> {
  /// The groups that all densities keep; nil if there are none.
  fileprivate var commonGroups: ColumnGroups? {
    let all = map(\.keptGroups)
    return all.dropFirst().reduce(all.first ?? nil) { common, groups in
      groups.flatMap { common?.intersection($0) }
    }
  }

  /// Whether two of the densities contradict each other.
  var haveContradictingGroups: Bool {
    let all = Array(Set(compactMap(\.keptGroups)))
    return all.indices.contains { index in all[..<index].contains { $0.union(all[index]) == nil } }
  }
}

extension Sequence<ColumnGroups> {
  /// All groups of groups that do not contradict each other; nil if there are none.
  fileprivate func joined() -> ColumnGroups? {
    reduce(nil) { all, groups in all.map { $0.union(groups) ?? $0 } ?? groups }
  }
}
