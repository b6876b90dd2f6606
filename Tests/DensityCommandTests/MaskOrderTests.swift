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
}
