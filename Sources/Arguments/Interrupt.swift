import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The wish of the person at the keyboard, or of the system, that the program come to an end.
///
/// Long work polls `isRequested` between steps and finishes in good order. Whoever is in more of a hurry asks
/// twice: the second signal ends the process at once.
package enum Interrupt {
  private static let wasRequested = Atomic<Bool>(false)

  /// Whether `SIGINT` or `SIGTERM` has come since `install()`.
  package static var isRequested: Bool { wasRequested.load(ordering: .relaxed) }

  /// Takes over the two signals for the rest of the process; a wish that has come stays.
  package static func install() {
    // Also initialises the flag, which a signal handler must not be the first to do.
    guard !isRequested else { return }
    for number in [SIGINT, SIGTERM] {
      // Nothing but an atomic store and `signal` itself, which POSIX allows in a handler.
      signal(number) { _ in
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        Interrupt.wasRequested.store(true, ordering: .relaxed)
      }
    }
    // A process started by a thread that blocks the signals inherits that, and would never hear of them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
