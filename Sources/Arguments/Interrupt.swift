import Essentials
import Synchronization

/// The wish of the person at the keyboard, or of the system, that the program come to an end.
///
/// Long work polls `isRequested` between steps and finishes in good order. Whoever is in more of a hurry asks
/// twice: a signal that comes half a second after the first, or later, ends the process at once. One wish may well come
/// as two signals, to the process and to its group.
package enum Interrupt {
  /// When the first signal came, in nanoseconds of the monotonic clock; 0 while none has.
  private static let requestTime = Atomic<Int>(0)

  /// Whether `SIGINT`, `SIGTERM` or `SIGHUP` has come since `install()`.
  package static var isRequested: Bool { requestTime.load(ordering: .relaxed) != 0 }

  /// Takes over the signals for the rest of the process; a wish that has come stays.
  ///
  /// A process that was started to outlive its terminal, as by `nohup`, does not stop when that is closed.
  package static func install() {
    // Also initialises the flag, which a signal handler must not be the first to do.
    guard !isRequested else { return }
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Nothing but atomics and the functions that POSIX allows in a handler.
      let former = signal(number) { number in
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
        let first = Interrupt.requestTime.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        guard !first.exchanged, now - first.original > 500_000_000 else { return }
        signal(number, SIG_DFL)
        raise(number)
      }
      if number == SIGHUP, unsafeBitCast(former, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(number, SIG_IGN)
      }
    }
    // A process started by a thread that blocks the signals inherits that, and would never hear of them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGHUP)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
