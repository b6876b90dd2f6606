import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Averages of networks that keep groups")
struct GroupedEnsembleTests {
  private func network(_ groups: [[Int]]?, seed: UInt64, ordering: OrderingRule = .natural) throws
    -> any Density
  {
    let network = try ModelCase.nade(6, 4, ordering: ordering).model(seed: seed)
    guard let groups else { return network }
    return try GroupedNetwork(network, groups: ColumnGroups(groups, columnCount: 6))
  }

  /// The probability of all rows that keep groups, and of all rows.
  private func masses(_ density: any Density, _ groups: [[Int]]) throws -> (kept: Double, all: Double) {
    let (rows, groups) = (BinaryMatrix.allRows(ofWidth: 6), try ColumnGroups(groups, columnCount: 6))
    let terms = density.logProbabilities(of: rows)
    #expect(terms.allSatisfy { !$0.isNaN })
    let exact = inDouble(density, logProbabilitiesOf: rows)
    var (kept, all) = (0.0, 0.0)
    for (row, term) in terms.enumerated() {
      all += exp(term)
      if groups.hold(of: rows, row: row) { kept += exp(term) }
      if term > -1000 { #expect(abs(term - exact[row]) <= 1e-5 * max(10, abs(term))) }
    }
    return (kept, all)
  }

  @Test("an average of logits keeps the groups of all its members, with or without some that keep none")
  func logits() throws {
    for groups in [
      [[[0, 1, 2]], nil], [[[0, 1, 2]], [[0, 1, 2], [3, 5]]], [nil, [[0, 1, 2]], [[3, 5]]],
    ] as [[[[Int]]?]] {
      let ensemble = Ensemble(
        try groups.enumerated().map { try network($1, seed: UInt64($0 + 1)) },
        weights: groups.indices.map { Double($0 + 1) })
      let kept = Array(Set(groups.flatMap { $0 ?? [] }))
      #expect(ensemble.keptGroups?.groups.count == kept.count)
      let masses = try masses(ensemble, kept)
      #expect(abs(masses.kept - 1) < 1e-5 && abs(masses.all - 1) < 1e-5)
      var generator = Philox(seed: 4)
      #expect(
        try #require(ensemble.keptGroups).breaches(in: ensemble.sample(count: 2000, using: &generator)) == 0)
    }
  }

  @Test("an average of probabilities, of bits or of rows, keeps the groups that all its members keep")
  func probabilities() throws {
    let members = [try network([[0, 1, 2], [3, 5]], seed: 1), try network([[0, 1, 2]], seed: 2)]
    for density: any Density in [Ensemble(members, averaging: .probabilities), Mixture(members)] {
      #expect(density.keptGroups?.groups == [[0, 1, 2]])
      let (first, both) = (try masses(density, [[0, 1, 2]]), try masses(density, [[0, 1, 2], [3, 5]]))
      #expect(abs(first.kept - 1) < 1e-5 && abs(first.all - 1) < 1e-5 && both.kept < 0.99)
    }
    for others in [nil, [[0, 1]], [[3, 4]]] as [[[Int]]?] {
      let mixed = [members[0], try network(others, seed: 3)]
      #expect(
        Mixture(mixed).keptGroups == nil && Ensemble(mixed, averaging: .probabilities).keptGroups == nil)
      #expect(abs(try masses(Ensemble(mixed, averaging: .probabilities), [[0, 1, 2]]).all - 1) < 1e-5)
    }
  }

  @Test("what one finds certain and another excludes has no average of logits")
  func contradictions() async throws {
    let members = [try network([[0, 1, 2]], seed: 1), try network([[1, 2]], seed: 2)]
    #expect(Ensemble.groups(members).count == 2)
    #expect(Ensemble.groups([members[0], try network([[3, 4]], seed: 2)]).count == 1)
    #expect(Ensemble.groups([members[0], try network(nil, seed: 2), members[1]]).count == 2)
    await #expect(processExitsWith: .failure) {
      let network = try ModelCase.nade(6, 4).model(seed: 1)
      _ = Ensemble([
        try GroupedNetwork(network, groups: ColumnGroups([[0, 1, 2]], columnCount: 6)),
        try GroupedNetwork(network, groups: ColumnGroups([[1, 2]], columnCount: 6)),
      ])
    }
    // Nor has one of a file: an error, not an end of the program.
    try withTemporaryDirectory { folder in
      let path = folder + "/ensemble.safetensors"
      let same = Ensemble([members[0], try network([[0, 1, 2]], seed: 2)])
      try Checkpoint(model: same).write(to: path)
      #expect(try Checkpoint(contentsOf: path).model.keptGroups == same.keptGroups)
      let file = try SafetensorsFile(contentsOf: path)
      let tensors = file.tensors.map { tensor in
        tensor.name == "model.1.groups"
          ? SafetensorsFile.Tensor(name: tensor.name, shape: [1, 6], scalars: .int32([0, 1, 1, 0, 0, 0]))
          : tensor
      }
      var metadata = file.metadata
      metadata["checksum"] = nil
      try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
      let error = #expect(throws: DensityError.self) { _ = try Checkpoint(contentsOf: path) }
      #expect(error?.description.contains("groups") == true, "\(error?.description ?? "")")
      // As an average of probabilities it is one.
      metadata["configuration"] = metadata["configuration"]?.replacing(
        "{\"components\"", with: "{\"averaged\":\"probabilities\",\"components\"")
      try SafetensorsFile(metadata: metadata, tensors: tensors).write(to: path)
      #expect(try Checkpoint(contentsOf: path).model.keptGroups == nil)
    }
  }
}
