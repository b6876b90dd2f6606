import CKernels

extension Threads {
  /// What C hands back to Swift: a closure without generic parameters, which a C function pointer cannot have.
  private struct Job {
    let run: (Int) -> Void
  }

  /// Returns `body(0), …, body(count − 1)`, computed on several threads; kernels called inside run on theirs alone.
  package static func map<Result: Sendable>(
    count: Int, _ body: @Sendable (Int) -> Result
  ) -> [Result] {
    Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
      // Each place is initialised once, by the thread that takes its index, and `ck_parallel` returns when all are.
      let places = buffer
      withoutActuallyEscaping(body) { body in
        // C hands the pointer back while this call lasts, to `Job`'s own type.
        var job = Job { index in places.initializeElement(at: index, to: body(index)) }
        withUnsafeMutablePointer(to: &job) { job in
          ck_parallel(
            count, { context, index in context?.assumingMemoryBound(to: Job.self).pointee.run(index) }, job)
        }
      }
      initializedCount = count
    }
  }
}
