/// Returns what a body finds in so many seconds; where the machine is too slow for it, in 4, 16 or 64 times as many.
///
/// It is for tests of searches that count seconds. What must be found does not depend on the machine, only when: a body returns
/// nil as long as its time did not suffice.
package func givenTime<Found>(_ seconds: Double, _ body: (_ budget: Duration) throws -> Found?) rethrows
  -> Found?
{
  for factor in [1.0, 4, 16, 64] {
    if let found = try body(.seconds(factor * seconds)) { return found }
  }
  return nil
}
