/// Returns a length of time as one would say it: `7.3s`, `42s`, `2m 05s`, `1h 02m`, `3d 04h`.
///
/// Two units at most; what is below the smaller is rounded. A time that is not finite or below zero is `?`.
package func durationText(seconds: Double) -> String {
  // Beyond some thousands of years no estimate means anything, and `Int` has its limits.
  guard seconds >= 0, seconds < 1e11 else { return "?" }
  let tenths = Int((seconds * 10).rounded())
  if tenths < 100 { return "\(tenths / 10).\(tenths % 10)s" }
  let whole = Int(seconds.rounded())
  if whole < 60 { return "\(whole)s" }
  if whole < 3600 { return "\(whole / 60)m \(twoDigits(whole % 60))s" }
  let minutes = Int((seconds / 60).rounded())
  if minutes < 24 * 60 { return "\(minutes / 60)h \(twoDigits(minutes % 60))m" }
  let hours = Int((seconds / 3600).rounded())
  return "\(hours / 24)d \(twoDigits(hours % 24))h"
}

private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
