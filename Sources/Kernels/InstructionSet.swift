import CKernels

/// The instruction sets that the kernels are compiled for.
///
/// At the start the fastest that the machine has is current; the environment variable `BINARYDENSITY_ISA`
/// names another. Results differ between sets by rounding only.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// Four lanes, with what every processor of the platform has.
  case portable
  /// Eight lanes, with fused multiply-add.
  case avx2
  /// Sixteen lanes.
  case avx512
  /// Four lanes and the 32 registers of arm64.
  case neon

  private var c: ck_instruction_set {
    switch self {
    case .portable: ck_portable
    case .avx2: ck_avx2
    case .avx512: ck_avx512
    case .neon: ck_neon
    }
  }

  /// The set that this thread's next kernel runs in.
  package static var current: InstructionSet {
    let c = ck_current()
    return allCases.first { $0.c == c } ?? .portable
  }

  /// The sets that this machine has, from the plainest to the fastest.
  package static var available: [InstructionSet] { allCases.filter { ck_available($0.c) } }

  /// Makes a set current for every thread; returns false, and changes nothing, if the machine lacks it.
  package static func select(_ set: InstructionSet) -> Bool { ck_select(set.c) }

  /// Calls `body` with this set current for the calling thread alone, so that other threads are not
  /// disturbed.
  ///
  /// - Precondition: the machine has the set.
  package func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    precondition(ck_available(c), "this machine lacks \(rawValue)")
    let before = ck_override(Int32(c.rawValue))
    defer { _ = ck_override(before) }
    return try body()
  }
}
