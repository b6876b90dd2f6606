/// Starts a thread that nobody waits for.
///
/// - Returns: 0, or the error for which the system starts no more.
@discardableResult
package func startThread(_ body: @escaping @Sendable () -> Void) -> Int32 {
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  // What a system gives, of some 512 KB, is little for deep graphs.
  pthread_attr_setstacksize(&attributes, 8 << 20)
  let start = Unmanaged.passRetained(ThreadBody(run: body))
  #if canImport(Darwin)
    var thread: pthread_t?
    let status = pthread_create(&thread, &attributes, { run($0) }, start.toOpaque())
  #else
    var thread = pthread_t()
    let status = pthread_create(&thread, &attributes, { $0.flatMap(run) }, start.toOpaque())
  #endif
  if status != 0 { start.release() }
  return status
}

/// What a thread is to do, as the system hands it on.
private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Does what a thread is to do.
private func run(_ start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  Unmanaged<ThreadBody>.fromOpaque(start).takeRetainedValue().run()
  return nil
}
