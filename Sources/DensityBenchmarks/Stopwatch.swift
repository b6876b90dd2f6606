import BinaryDensity
import Foundation

/// What time is taken by.
enum Stopwatch {
  /// The clock on the wall.
  case wall
  /// The time of this process on the processors, summed over its threads: with one thread, its time undisturbed by
  /// whatever else the machine does.
  case processor

  /// The time in seconds since some moment in the past.
  var now: Double {
    var time = timespec()
    clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}
