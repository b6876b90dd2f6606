import BinaryDensity
import Foundation
import Testing
import _TestSupport

@Suite("Masks of several orders")
struct MaskOrderTests {
  private func made(_ line: String, in folder: String) throws -> MADE {
    let trained = try DensityProgram.shell("density train t.csv --model made \(line) --run r", in: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    return try #require(try Checkpoint(contentsOf: folder + "/r/best.safetensors").model as? MADE)
  }

  /// Mask k of N orders has the order k mod N, and the units of mask ⌊k / N⌋ of a network of one order; it is a density, and goes on.
  @Test(arguments: ["random", "scans"])
  func masksArePairsOfAnOrderAndDegrees(ordering: String) throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 200)
      let network =
        "--hidden 9,9 --residual --direct --masks 6 --ordering \(ordering) --image 2x3 --rate 0.01"
      let mixed = try made("\(network) --orders 3 --epochs 4", in: folder)
      let info = try DensityProgram.run("info", "r/best.safetensors", in: folder).output
      #expect(info.contains("6 masks of 3 orders") && !info.contains("natural"), "\(info)")
      let alone = try made("\(network) --epochs 1", in: folder)
      #expect(Set(mixed.maskSets.map(\.ordering)).count == 3)
      for (index, set) in mixed.maskSets.enumerated() {
        #expect(set.ordering == mixed.maskSets[index % 3].ordering)
        #expect(set.hiddenDegrees == alone.maskSets[index / 3].hiddenDegrees)
      }
      let total = mixed.logProbabilities(of: .allRows(ofWidth: 6)).reduce(0) { $0 + exp($1) }
      #expect(abs(total - 1) < 1e-5)

      _ = try made("\(network) --orders 3 --epochs 2", in: folder)
      let resumed = try DensityProgram.shell("density train --resume --run r --epochs 4", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      let further = try #require(try Checkpoint(contentsOf: folder + "/r/last.safetensors").model as? MADE)
      #expect(further.maskSets == mixed.maskSets)
    }
  }

  /// The order of a scan follows from no rule that a checkpoint names, and it names none.
  @Test func aScanIsNotCalledNatural() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/t.csv", rowCount: 60)
      for (family, orders) in [("nade", 2), ("made", 2), ("fvsbn", 2), ("nade", 1)] {
        let line =
          "density train t.csv --model \(family) --members 2 --orders \(orders) --ordering scans --image 2x3 --epochs 1"
        let trained = try DensityProgram.shell(
          "\(line) --run r && density info r/best.safetensors", in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
        // The first scan is the columns' own order.
        #expect(
          trained.output.split(separator: "ordering natural").count == (orders == 1 ? 3 : 2),
          "\(trained.output)")
        let model = try Checkpoint(contentsOf: folder + "/r/best.safetensors").model
        let total = model.logProbabilities(of: .allRows(ofWidth: 6)).reduce(0) { $0 + exp($1) }
        #expect(abs(total - 1) < 1e-5)
      }
    }
  }

  /// A network that sees the class has masks of the same pairs.
  @Test func aNetworkThatSeesTheClassHasThem() throws {
    try withTemporaryDirectory { folder in
      try DensityProgram.writeTable(folder + "/bits.csv", rowCount: 200)
      let line = """
        (echo a,b,c,d,e,k; cat bits.csv) > t.csv
        density train t.csv --labels k --model made --hidden 7 --masks 6 --orders 3 --epochs 1 --run r
        """
      let trained = try DensityProgram.shell(line, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let labelled = try #require(
        try Checkpoint(contentsOf: folder + "/r/best.safetensors").model as? LabelledDensity)
      let total = labelled.logProbabilities(of: .allRows(ofWidth: 5)).reduce(0) { $0 + exp($1) }
      #expect(abs(total - 1) < 1e-5)
      let sets = try #require(labelled.densities.first as? MADE).maskSets
      for (index, set) in sets.enumerated() {
        #expect(set.ordering == sets[index % 3].ordering)
        #expect(set.hiddenDegrees == sets[index / 3 * 3].hiddenDegrees)
      }
      #expect(sets[0].hiddenDegrees != sets[3].hiddenDegrees)
    }
  }
}
