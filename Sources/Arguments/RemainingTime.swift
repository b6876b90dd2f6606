/// An estimate of how long work will still take, from how much of it is done.
///
/// The raw estimate is the time taken so far, scaled by the ratio of what remains to what was done since the
/// start. It jumps whenever the pace changes, so what is told moves towards it by a weight of Δt / (Δt + 5 s)
/// and counts down in between.
package struct RemainingTime: Sendable {
  private static let smoothingSeconds = 5.0
  /// Before this the first steps, slow with cold caches, would be all there is to go by.
  private static let shortestSeconds = 1.0

  private let startSeconds: Double
  private let startFraction: Double
  private var lastSeconds: Double
  private var estimate: Double?

  /// Starts the clock.
  ///
  /// - Parameters:
  ///   - fraction: how much of the work was done before, 0…1, as by a run that is resumed.
  ///   - seconds: the time now, on any clock.
  package init(from fraction: Double = 0, at seconds: Double) {
    startFraction = fraction
    startSeconds = seconds
    lastSeconds = seconds
  }

  /// Takes in that a fraction of the work, 0…1, is done, and returns the seconds it will still take.
  ///
  /// - Returns: nil while there is too little to go by.
  package mutating func update(fraction: Double, at seconds: Double) -> Double? {
    let elapsed = seconds - startSeconds
    guard elapsed >= Self.shortestSeconds, fraction > startFraction else { return nil }
    let raw = elapsed * max(0, 1 - fraction) / (fraction - startFraction)
    let step = seconds - lastSeconds
    lastSeconds = seconds
    guard let previous = estimate else {
      estimate = raw
      return raw
    }
    let expected = max(0, previous - step)
    let smoothed = expected + (raw - expected) * step / (step + Self.smoothingSeconds)
    estimate = smoothed
    return smoothed
  }
}
