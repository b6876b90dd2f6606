import Essentials
import Synchronization

/// A long call in a thread of its own, whose events and result tasks await.
///
///     let training = Background { (observe) throws in
///       let trainer = try Trainer(model, data: data, configuration: configuration)
///       _ = try trainer.run(observe)
///       return trainer.best
///     }
///     for await event in training.events {
///       if case .epoch(let record) = event { print(record.validationNLL ?? .nan) }
///     }
///     let best = try await training.result
///
/// The call is asked to stop when a task that awaits its events or its result is cancelled, by `stop()`, and when
/// nothing refers to it and its events any more. What it returns then is its own matter: a training's best so far, a search's density so
/// far. Nothing is computed in the threads that tasks share.
public final class Background<Event: Sendable, Result: Sendable>: Sendable {
  /// What has happened, in order; it ends when the call does.
  ///
  /// One task iterates over it. Of events that nobody takes the last 1024 wait; older ones are dropped.
  public let events: AsyncStream<Event>

  private let isStopped = Flag()
  private let outcome = Outcome<Result>()

  /// Starts a call.
  ///
  /// - Parameter body: makes the call, with the observer that it is given; it has a thread of its own, with a stack of eight
  ///   megabytes.
  public init(_ body: @escaping @Sendable (_ observe: (Event) -> Bool) throws -> Result) {
    let (events, continuation) = AsyncStream.makeStream(
      of: Event.self, bufferingPolicy: .bufferingNewest(1024))
    self.events = events
    let (isStopped, outcome) = (isStopped, outcome)
    continuation.onTermination = { if case .cancelled = $0 { isStopped.set() } }
    let status = startThread {
      let result = Swift.Result {
        try body { event in
          continuation.yield(event)
          return !isStopped.isSet
        }
      }
      outcome.set(result)
      continuation.finish()
    }
    if status != 0 {
      outcome.set(.failure(DensityError.unsupported("the system starts no more threads: error \(status)")))
      continuation.finish()
    }
  }

  /// Asks the call to stop, which it does at its next event.
  public func stop() { isStopped.set() }

  /// What the call returns, once it has.
  ///
  /// If the task that waits is cancelled, the call is asked to stop, and what it then returns is the result.
  /// - Throws: what the call throws.
  public var result: Result {
    get async throws {
      try await withTaskCancellationHandler {
        try await withCheckedContinuation { waiting in outcome.whenSet { waiting.resume(returning: $0) } }
          .get()
      } onCancel: {
        stop()
      }
    }
  }
}

/// Something that is set once.
private final class Flag: Sendable {
  private let value = Atomic(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}

/// A result that is there or will be, and who waits for it.
private final class Outcome<Value: Sendable>: Sendable {
  typealias Result = Swift.Result<Value, any Error>
  private enum State {
    case waiting([@Sendable (Result) -> Void])
    case set(Result)
  }
  private let state = Mutex(State.waiting([]))

  func set(_ result: Result) {
    let waiting = state.withLock { state in
      defer { state = .set(result) }
      return if case .waiting(let waiting) = state { waiting } else { [] as [@Sendable (Result) -> Void] }
    }
    for tell in waiting { tell(result) }
  }

  func whenSet(_ tell: @escaping @Sendable (Result) -> Void) {
    let result: Result? = state.withLock { state in
      switch state {
      case .set(let result): return result
      case .waiting(let waiting):
        state = .waiting(waiting + [tell])
        return nil
      }
    }
    if let result { tell(result) }
  }
}
