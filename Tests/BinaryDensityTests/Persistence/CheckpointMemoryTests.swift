import BinaryDensity
import Foundation
import Testing
import _TestSupport

#if os(Linux)
  /// Rows of 500 floats are padded to 528; what is written and read goes through windows of some hundred kilobytes.
  @Suite("Memory that checkpoints take")
  struct CheckpointMemoryTests {
    private static let configuration = MADE.Configuration(
      variableCount: 500, hiddenCounts: [2500, 2500, 2500])

    @Test("saving and loading hold every number once")
    func peaks() async {
      await #expect(processExitsWith: .success) {
        try withTemporaryDirectory { folder in
          let file = folder + "/model.safetensors"
          let start = processMemory("VmRSS")
          try Self.write(to: file)
          let size = try #require(FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
          #expect(Double(processMemory("VmHWM") - start) < 1.15 * Double(size) + 4e6)
        }
      }
      await #expect(processExitsWith: .success) {
        try withTemporaryDirectory { folder in
          let file = folder + "/model.safetensors"
          try Self.write(to: file)
          // From here on the system keeps the peak anew.
          try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
          let start = processMemory("VmRSS")
          let checkpoint = try Checkpoint(contentsOf: file)
          let size = try #require(FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
          #expect(Double(processMemory("VmHWM") - start) < 1.15 * Double(size) + 4e6)
          withExtendedLifetime(checkpoint) {}
        }
      }
    }

    private static func write(to file: String) throws {
      try Checkpoint(model: MADE(configuration, seed: 1)).write(to: file)
    }
  }
#endif
