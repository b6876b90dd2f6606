#if os(Linux)
  #if canImport(Musl)
    import Musl
  #else
    import Glibc
  #endif

  /// The processors that the calling thread may run on; threads that it starts begin with the same.
  struct Affinity {
    private typealias Call = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32
    /// One bit a processor: 1024 of them, as many as the C library's type has.
    private var mask = [UInt64](repeating: 0, count: 16)

    /// The processors of the calling thread now, or nil where the system does not tell.
    static var current: Affinity? {
      var affinity = Affinity()
      return affinity.call("sched_getaffinity") ? affinity : nil
    }

    private init() {}

    /// Allows one processor alone.
    init?(processor: Int) {
      guard processor >= 0 && processor < 1024 else { return nil }
      mask[processor / 64] = 1 << UInt64(processor % 64)
    }

    /// Lets the calling thread run on these processors alone; returns whether the system does so.
    func apply() -> Bool {
      var copy = self
      return copy.call("sched_setaffinity")
    }

    /// The C library declares both functions only for programs in C that ask for its extensions, so they are looked up.
    private mutating func call(_ name: String) -> Bool {
      guard let symbol = dlsym(nil, name) else { return false }
      // The signature is that of the manual page sched_setaffinity(2); a mask is an array of words.
      let function = unsafeBitCast(symbol, to: Call.self)
      return mask.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { function(0, bytes.count, $0) >= 0 } ?? false
      }
    }
  }
#else
  /// The processors that a thread may run on: other systems choose them alone.
  struct Affinity {
    static var current: Affinity? { nil }
    init?(processor: Int) { return nil }
    func apply() -> Bool { false }
  }
#endif
