import CKernels

/// The threads that kernels share their work out to.
///
/// How many there are changes the time taken and never a result.
public enum Threads {
  /// The number of threads, at most 256: a setting of the process.
  ///
  /// At the start it is the number of processors online, or what the environment variable
  /// `BINARYDENSITY_THREADS` says. It is the program's to set, once, before it computes; a library leaves it alone.
  /// It applies to all callers, and may be set from any thread.
  public static var count: Int {
    get { Int(ck_thread_count()) }
    set {
      precondition(newValue >= 1, "\(newValue) threads cannot do any work")
      ck_set_thread_count(Int32(clamping: newValue))
    }
  }

  /// Calls `body` with another number of threads for kernels called from this thread alone.
  package static func run<Result>(on count: Int, _ body: () throws -> Result) rethrows -> Result {
    precondition(count >= 1, "\(count) threads cannot do any work")
    let before = ck_override_thread_count(Int32(clamping: count))
    defer { _ = ck_override_thread_count(before) }
    return try body()
  }
}
