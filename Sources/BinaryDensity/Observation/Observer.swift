/// Calls `body` with an observer that may throw errors of its own, whatever the observers are that `body` hands it to.
///
/// Long calls take a closure that is told how far they are and returns whether to go on. Most throw a `DensityError` or
/// nothing; with this one, they end with any error, such as a task's cancellation:
///
///     let outcome = try withObserver { (_: Double) in
///       try Task.checkCancellation()
///       return true
///     } in: { try inference.logMarginals(of: rows, observing: $0) }
///
/// - Parameters:
///   - observe: is told what happens, and returns whether to go on.
///   - body: makes the long call, with the observer that it is given.
/// - Throws: what `observe` throws, once the call has stopped, and what `body` throws.
public func withObserver<Event, Failure: Error, Result>(
  _ observe: (Event) throws(Failure) -> Bool, in body: (_ observe: (Event) -> Bool) throws -> Result
) throws -> Result {
  var failure: Failure?
  let result = withoutActuallyEscaping(observe) { observe in
    Swift.Result {
      try body { event in
        guard failure == nil else { return false }
        do throws(Failure) { return try observe(event) } catch {
          failure = error
          return false
        }
      }
    }
  }
  // That the call was stopped may be an error to it; why it was stopped is what happened first.
  if let failure { throw failure }
  return try result.get()
}
