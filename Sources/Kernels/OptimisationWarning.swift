import CKernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What tells a programmer that the kernels were compiled without optimisation, as in a debug build.
package enum OptimisationWarning {
  private static let given: Void = {
    guard !ck_is_optimised() else { return }
    let text =
      "BinaryDensity: this is a debug build, whose kernels are many times slower; "
      + "build with 'swift build -c release', or run with 'swift run -c release'\n"
    _ = text.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }()

  /// Says it on standard error, if it is so; once in a process.
  package static func giveOnce() { given }
}
