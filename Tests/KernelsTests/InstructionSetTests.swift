import Foundation
import Kernels
import Testing
import _TestSupport

@Suite struct InstructionSetTests {
  @Test func fastestIsCurrentUnlessTheEnvironmentSaysOtherwise() {
    #expect(InstructionSet.available.first == .portable)
    if ProcessInfo.processInfo.environment["BINARYDENSITY_ISA"] == nil {
      #expect(InstructionSet.current == InstructionSet.available.last)
    }
  }

  @Test(arguments: InstructionSet.available)
  func runsForOneCallerAlone(set: InstructionSet) {
    let before = InstructionSet.current
    set.run {
      #expect(InstructionSet.current == set)
      InstructionSet.portable.run { #expect(InstructionSet.current == .portable) }
      #expect(InstructionSet.current == set)
    }
    #expect(InstructionSet.current == before)
  }

  @Test func canBeSelected() async {
    await #expect(processExitsWith: .success) {
      guard InstructionSet.select(.portable), InstructionSet.current == .portable else { fatalError() }
      for set in InstructionSet.allCases where !InstructionSet.available.contains(set) {
        guard !InstructionSet.select(set), InstructionSet.current == .portable else { fatalError() }
      }
    }
  }

  @Test func environmentSelects() async {
    await #expect(processExitsWith: .success) {
      setenv("BINARYDENSITY_ISA", "portable", 1)
      guard InstructionSet.current == .portable else { fatalError() }
    }
  }

  @Test func missingSetInTheEnvironmentIsReported() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      guard let missing = InstructionSet.allCases.first(where: { !InstructionSet.available.contains($0) })
      else { fatalError("no machine has the sets of two processors") }
      setenv("BINARYDENSITY_ISA", missing.rawValue, 1)
      guard InstructionSet.current == InstructionSet.available.last else { fatalError() }
    }
    let message = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    let fastest = try #require(InstructionSet.available.last)
    #expect(message.contains(": this machine lacks it; using \(fastest)"))
  }

  @Test func unknownNameInTheEnvironmentIsReported() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      setenv("BINARYDENSITY_ISA", "mmx", 1)
      guard InstructionSet.current == InstructionSet.available.last else { fatalError() }
    }
    let message = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(message.contains("BINARYDENSITY_ISA=mmx: not one of portable, avx2, avx512, neon"))
  }
}
