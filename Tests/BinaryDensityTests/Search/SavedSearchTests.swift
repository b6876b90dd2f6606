import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("A search that goes on")
struct SavedSearchTests {
  private static func data(_ rowCount: Int = 600, columns: Int = 8, seed: UInt64 = 1) -> DataSplits {
    DataSplits(
      name: "table", train: TrainingCase.chain(rowCount: rowCount, variableCount: columns, seed: seed),
      validation: TrainingCase.chain(rowCount: 300, variableCount: columns, seed: 2))
  }

  /// Runs a search until it has some members, and stops it there.
  private func interrupt(_ path: String, after count: Int = 3) throws -> DensitySearch.Result {
    let interrupted = try givenTime(8) { budget -> DensitySearch.Result? in
      var members = 0
      let result = try DensitySearch(Self.data(), budget: budget, seed: 3).run(savingTo: path) { event in
        if case .tried(let entry) = event, entry.kind == .member { members += 1 }
        return members < count
      }
      guard result.isInterrupted else {
        try FileManager.default.removeItem(atPath: path)
        return nil
      }
      return result
    }
    return try #require(interrupted)
  }

  private func figures(_ result: DensitySearch.Result, of kind: DensitySearch.Entry.Kind) -> Set<String> {
    Set(result.leaderboard.filter { $0.kind == kind }.map { "\($0.name) \($0.validationNLL)" })
  }

  @Test("an interrupted search keeps its trials and members, and trains none of them twice")
  func interruption() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let first = try interrupt(path)
      #expect(first.isInterrupted)
      #expect(try names(in: folder) == ["m", "m.search"])
      let saved = try SavedSearch(of: path)
      #expect(saved.notes.isEmpty && saved.seed == 3 && saved.members.count >= 3)
      #expect(saved.trialCount == first.trialCount && saved.best != nil)
      #expect(saved.remaining.map { $0 > .zero && $0 < .seconds(saved.record.budget) } == true)
      // Only the best trial's network and the members are on the disk.
      #expect(try names(in: path + ".search").count == saved.members.count + 2)
      let second = try DensitySearch(continuing: saved, Self.data(), budget: .seconds(2))
        .run(savingTo: path)
      #expect(!second.isInterrupted && second.trialCount >= first.trialCount)
      #expect(figures(second, of: .recipe).isSuperset(of: figures(first, of: .recipe)))
      let recipes = second.leaderboard.filter { $0.kind == .recipe }.map(\.name)
      #expect(Set(recipes).count == recipes.count)
      #expect(second.validationNLL <= first.validationNLL + 1e-9)
      // Nothing is kept aside, for what stood there was its own.
      #expect(try names(in: folder) == ["m"])
      #expect(try Checkpoint(contentsOf: path).model.variableCount == 8)
    }
  }

  @Test("a network that is lost is trained again, to the same figure")
  func lostNetwork() throws {
    try withTemporaryDirectory { folder in
      _ = try interrupt(folder + "/m")
      let saved = try SavedSearch(of: folder + "/m")
      let best = try #require(saved.best)
      let file = try #require(saved.record.networks.first { !$0.isMember })
      let lost = SearchFolder.file(file.file, in: folder + "/m.search")
      try FileManager.default.removeItem(atPath: lost)
      let damaged = try SavedSearch(of: folder + "/m")
      #expect(damaged.notes == ["\(lost): no such file; this network is trained again"])
      #expect(damaged.members.count == saved.members.count && damaged.best == nil)
      var again: Double?
      _ = try DensitySearch(continuing: damaged, Self.data(), budget: .seconds(60)).run { event in
        if case .tried(let entry) = event, entry.name == best.recipe.description {
          again = entry.validationNLL
        }
        return again == nil
      }
      #expect(again == best.nll)
      // A file that is there but damaged is as good as lost.
      let member = try #require(saved.record.networks.first { $0.isMember })
      let path = SearchFolder.file(member.file, in: folder + "/m.search")
      try AtomicFile.write(Array(AtomicFile.read(path).dropLast(5)), to: path)
      #expect(try SavedSearch(of: folder + "/m").members.count == saved.members.count - 1)
    }
  }

  /// What has ended tells of no orders, and its networks are none that an ensemble could be measured with.
  @Test("a search of several orders goes on after its end") func severalOrders() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let random = DataSplits(
        name: "table", train: BinaryMatrix.random(300, 10, seed: 1),
        validation: BinaryMatrix.random(300, 10, seed: 2))
      var members = 0
      let search = try DensitySearch(random, budget: .seconds(20), seed: 3)
      _ = try search.run(savingTo: path) { event in
        if case .tried(let entry) = event, entry.kind == .member { members += 1 }
        return members < 4
      }
      let mixed = try DensitySearch(continuing: SavedSearch(of: path), random, budget: .zero)
      _ = try mixed.run(savingTo: path)
      // Without its depth, as if it had not been measured.
      var checkpoint = try Checkpoint(contentsOf: path)
      checkpoint.search = checkpoint.search?.replacing(/"depth":[0-9.e-]+,/, with: "")
      try checkpoint.write(to: path)
      let more = try DensitySearch(continuing: SavedSearch(of: path), random, budget: .seconds(1))
      #expect(try more.run(savingTo: path).validationNLL.isFinite)
    }
  }

  @Test("a search that has ended goes on from what it has found, and makes it no worse")
  func moreTime() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let first = try DensitySearch(Self.data(), budget: .seconds(1), seed: 3).run(savingTo: path)
      let saved = try SavedSearch(of: path)
      #expect(saved.remaining == nil && saved.trialCount == first.trialCount && saved.seed == 3)
      let second = try DensitySearch(continuing: saved, Self.data(), budget: .seconds(1))
        .run(savingTo: path)
      #expect(second.validationNLL <= first.validationNLL + 1e-9)
      #expect(figures(second, of: .recipe).isSuperset(of: figures(first, of: .recipe)))
      #expect(try names(in: folder) == ["m"])
      let (before, now) = (saved.record, try SavedSearch(of: path).record)
      #expect(now.seconds >= before.seconds && now.budget == before.seconds + 1)
      #expect(now.tries.starts(with: before.tries))
    }
  }

  @Test("what was found as a table has no networks, and training starts anew")
  func tabulated() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      // The last column is the parity of the others, nine times in ten: no tree, which may be smaller than a table, knows.
      func rows(_ count: Int, seed: UInt64) -> BinaryMatrix {
        let bits = BinaryMatrix.random(count, 5, seed: seed)
        let noise = BinaryMatrix.random(count, 1, probability: 0.1, seed: seed + 1)
        return BinaryMatrix(rowCount: count, columnCount: 5) { row, column in
          guard column == 4 else { return bits[row, column] }
          return (0..<4).reduce(noise[row, 0]) { $0 != bits[row, $1] }
        }
      }
      let data = DataSplits(name: "parity", train: rows(600, seed: 1), validation: rows(300, seed: 5))
      let first = try DensitySearch(data, budget: .seconds(2), seed: 3).run(savingTo: path)
      #expect(first.canGoOn && first.density is TabulatedDensity)
      let saved = try SavedSearch(of: path)
      #expect(saved.networkCount == 0 && saved.trialCount == first.trialCount)
      var trained = 0
      let second = try DensitySearch(continuing: saved, data, budget: .seconds(2))
        .run(savingTo: path) { event in
          if case .tried(let entry) = event, entry.kind == .member { trained += 1 }
          return true
        }
      #expect(trained > 0 && second.density is TabulatedDensity)
      #expect(second.validationNLL <= first.validationNLL + 1e-9)
      #expect(try SavedSearch(of: path).trialCount >= first.trialCount)
    }
  }

  @Test("networks in half precision, of which some were left out, go on being mixed")
  func prunedNetworks() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let data = Self.data(columns: 18)
      _ = try DensitySearch(data, budget: .seconds(3), seed: 3).run(savingTo: path)
      var checkpoint = try Checkpoint(contentsOf: path)
      let networks = try (0..<3).map { seed in
        try #require(try ModelCase.nade(18, 4).model(seed: UInt64(seed)).inHalfPrecision())
      }
      checkpoint.model = Mixture([Ensemble(Array(networks[..<2])), networks[2]])
      try checkpoint.write(to: path)
      let saved = try SavedSearch(of: path)
      #expect(saved.networkCount == 3)
      let figures = [checkpoint.model, networks[0]].map {
        DensitySearch.nll($0, data.validation ?? data.train)
      }
      let mixed = try DensitySearch(continuing: saved, data, budget: .zero).run(savingTo: path)
      #expect(mixed.validationNLL <= figures[0] + 1e-9)
      // Three networks of one order, averaged.
      #expect(mixed.choices.contains { $0.name == "ensemble of 3 networks" })
      let more = try DensitySearch(continuing: SavedSearch(of: path), data, budget: .seconds(2))
        .run(savingTo: path)
      // They are of no use, and what is trained is.
      #expect(more.validationNLL < figures[1] - 1)
    }
  }

  @Test(
    "a size without room for the record leaves nothing to go on from, and one for no network takes none along"
  )
  func size() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let data = Self.data(columns: 18)
      _ = try DensitySearch(data, budget: .seconds(3), seed: 3).run(savingTo: path)
      let small = try DensitySearch(
        continuing: SavedSearch(of: path), data, budget: .seconds(1), byteLimit: 1500
      ).run(savingTo: path)
      #expect(try AtomicFile.read(path).count <= 1500)
      #expect(!small.canGoOn && isRefused(path))
      #expect(small.choices.count { $0.isChosen } == 1)
    }
    func isRefused(_ path: String) -> Bool { (try? SavedSearch(of: path)) == nil }
  }

  @Test("with no more time, what there is is mixed")
  func noTime() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      let first = try interrupt(path)
      let saved = try SavedSearch(of: path)
      let second = try DensitySearch(continuing: saved, Self.data(), budget: .zero).run(savingTo: path)
      #expect(figures(second, of: .member).count == saved.members.count)
      #expect(second.trialCount == first.trialCount && !second.isInterrupted)
      #expect(try names(in: folder) == ["m"])
    }
  }

  @Test("another table is refused, and it is said what differs")
  func otherData() throws {
    try withTemporaryDirectory { folder in
      _ = try interrupt(folder + "/m", after: 1)
      let saved = try SavedSearch(of: folder + "/m")
      func complaint(_ data: DataSplits) -> String {
        do {
          _ = try DensitySearch(continuing: saved, data)
          return "none"
        } catch { return "\(error)" }
      }
      let start = "\(folder)/m.search: expected the table that the search began with, "
      #expect(complaint(Self.data(columns: 7)).hasPrefix(start + "8 columns, found 7;"))
      #expect(complaint(Self.data(500)).hasPrefix(start + "600 training rows, found 500;"))
      #expect(complaint(Self.data(seed: 9)).contains("found other cells (table: 600 × 8, checksum"))
      #expect(complaint(Self.data()) == "none")
    }
  }

  @Test("a damaged record is an error or a search")
  func damagedRecord() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      _ = try interrupt(path, after: 1)
      let manifest = SearchFolder.manifest(in: path + ".search")
      let whole = try AtomicFile.read(manifest)
      var generator = Philox(seed: 1)
      for round in 0..<300 {
        var bytes = whole
        if round < 100 {
          bytes.removeLast(1 + Int(generator.nextWord() % UInt32(bytes.count)))
        } else {
          bytes[Int(generator.nextWord() % UInt32(bytes.count))] = UInt8(32 + generator.nextWord() % 90)
        }
        try AtomicFile.write(bytes, to: manifest)
        do {
          let saved = try SavedSearch(of: path)
          _ = try? DensitySearch(continuing: saved, Self.data(), budget: .zero)
        } catch {
          #expect("\(error)".hasPrefix(manifest + ": search: expected the record of a search"), "\(error)")
        }
      }
      try FileManager.default.removeItem(atPath: manifest)
      #expect(throws: DensityError.missingFile(path: manifest)) { try SavedSearch(of: path) }
    }
  }

  @Test("what no search has written is refused")
  func nothing() throws {
    try withTemporaryDirectory { folder in
      #expect(throws: DensityError.self) { try SavedSearch(of: folder + "/m") }
      let model = try NADE(NADE.Configuration(variableCount: 4, hiddenCount: 2), seed: 1)
      try Checkpoint(model: model).write(to: folder + "/m")
      #expect(
        throws: DensityError.mismatch(
          path: folder + "/m", expected: "what 'density fit' has found",
          found: "a checkpoint that tells of no search, as of few rows, --steps or a small --size; "
            + "leave --resume out to begin one")
      ) { try SavedSearch(of: folder + "/m") }
    }
  }

  @Test("what was killed before is kept aside by a search that begins")
  func keptAside() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      _ = try interrupt(path, after: 1)
      var aside: [String] = []
      _ = try DensitySearch(Self.data(), budget: .zero).run(savingTo: path) { _ in
        true
      } keptAside: {
        aside.append($0)
      }
      #expect(aside == [path + ".search~1", path + "~1"])
      #expect(try names(in: folder) == ["m", "m.search~1", "m~1"])
    }
  }

  @Test("two searches do not write to one folder")
  func lock() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/m"
      var refused = 0
      _ = try DensitySearch(Self.data(), budget: .seconds(1)).run(savingTo: path) { _ in
        do {
          _ = try DensitySearch(Self.data(), budget: .zero).run(savingTo: path)
        } catch { refused += "\(error)".contains("another process is at work") ? 1 : 0 }
        return false
      }
      #expect(refused > 0)
    }
  }
}
