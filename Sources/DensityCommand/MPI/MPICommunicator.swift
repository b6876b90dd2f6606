import BinaryDensity
import Essentials
import Synchronization

#if MPI
  import CMPI
#endif

/// The processes that a launcher of MPI has started, `mpirun` or another.
///
/// A build with the trait `MPI` calls the library that it is linked with. Any other loads a plugin of a few functions that the
/// user's own `mpicc` has compiled (`make mpi`), so that one program runs under every MPI.
///
/// It may go from thread to thread, unchecked: nothing in it changes, and threads take turns to call it, as `Communicator` asks.
final class MPICommunicator: Communicator, @unchecked Sendable {
  let rank: Int
  let count: Int
  private let functions: Functions

  /// The variables by which launchers tell a process its number, and how many there are, where they do.
  private static let variables = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"), ("PMIX_RANK", "SLURM_NTASKS"),
  ]
  private static let localCountVariables = [
    "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE",
  ]

  /// How long the bytes of a message may take once it is announced, in seconds.
  private static let arrivalPatience = 10.0

  /// The job that this process has joined.
  private static let joined = Mutex<MPICommunicator?>(nil)

  /// Leaves the job, if this process has joined one: the last thing it does, for all others have to leave, too, and after ten
  /// seconds without them it ends with the status.
  static func leave(orExit status: Int32) { joined.withLock { $0 }?.end(orExit: status) }

  /// What a launcher says: which process this is, and how many there are; nil of a process that is alone.
  static var launched: (rank: Int, count: Int)? {
    let environment = ProcessInfo.processInfo.environment
    for (rank, count) in variables {
      guard let rank = environment[rank].flatMap({ Int($0) }) else { continue }
      let count = environment[count].flatMap { Int($0) } ?? 2
      return count > 1 ? (rank, count) : nil
    }
    return nil
  }

  /// How many processes of the job are on this machine, as far as the launcher says it.
  static var localCount: Int {
    let environment = ProcessInfo.processInfo.environment
    return max(1, localCountVariables.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 1)
  }

  /// Whether the C library is part of the program, which then cannot load what is linked with another.
  private static var standsAlone: Bool {
    #if STATIC
      true
    #else
      false
    #endif
  }

  /// Joins the job.
  ///
  /// - Throws: `DensityError.invalidConfiguration` where there is no plugin, or MPI does not begin.
  init() throws(DensityError) {
    guard !Self.standsAlone else {
      throw .invalidConfiguration(
        "a launcher of MPI has started several processes, and this program, of 'make static', loads no plugin: 'make build' or "
          + "'make install' makes one that does")
    }
    functions = try Functions()
    var (rank, count): (Int32, Int32) = (0, 1)
    let status = functions.begin(&rank, &count)
    guard status == 0 else {
      throw .invalidConfiguration(
        "MPI does not begin" + (status == 2 ? ": it does not let threads take turns" : ""))
    }
    (self.rank, self.count) = (Int(rank), Int(count))
    Self.joined.withLock { [self] in $0 = self }
  }

  func send(_ message: [UInt8], to rank: Int, within seconds: Double) -> Bool {
    message.withUnsafeBytes { functions.send($0.baseAddress, $0.count, Int32(rank), seconds) == 1 }
  }

  func receive(within seconds: Double) -> (rank: Int, message: [UInt8])? {
    var rank: Int32 = 0
    let size = functions.await(&rank, seconds)
    guard size >= 0 else { return nil }
    var isThere = false
    let message = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      isThere = functions.take(buffer.baseAddress, size, Self.arrivalPatience) == 1
      count = isThere ? size : 0
    }
    // Nothing, of a process whose message did not come: it is not to be relied on.
    return (Int(rank), isThere ? message : [])
  }

  private func end(orExit status: Int32) {
    startThread {
      // A signal ends a sleep early, which then says what is left.
      var left: UInt32 = 10
      while left > 0 { left = sleep(left) }
      _exit(status)
    }
    functions.end()
  }

  /// What is called of MPI.
  private struct Functions {
    typealias Begin = @convention(c) (UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>) -> Int32
    typealias Send = @convention(c) (UnsafeRawPointer?, Int, Int32, Double) -> Int32
    typealias Await = @convention(c) (UnsafeMutablePointer<Int32>, Double) -> Int
    typealias Take = @convention(c) (UnsafeMutableRawPointer?, Int, Double) -> Int32
    typealias End = @convention(c) () -> Void

    let begin: Begin
    let send: Send
    let await: Await
    let take: Take
    let end: End

    #if MPI
      init() throws(DensityError) {
        begin = { density_mpi_begin($0, $1) }
        send = { density_mpi_send($0, $1, $2, $3) }
        self.await = { density_mpi_await($0, $1) }
        take = { density_mpi_take($0, $1, $2) }
        end = { density_mpi_end() }
      }
    #else
      init() throws(DensityError) {
        let path = Self.pluginPath
        // Open MPI's own plugins look for its symbols among all that are loaded.
        guard let library = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
          let reason = dlerror().map { String(cString: $0) } ?? "it cannot be loaded"
          throw .invalidConfiguration(
            "a launcher of MPI has started several processes, and the plugin for it is missing (\(reason)): 'make mpi' makes it "
              + "beside the program, and DENSITY_MPI names another")
        }
        func function<Function>(_ name: String, as type: Function.Type) throws(DensityError) -> Function {
          guard let symbol = dlsym(library, "density_plugin_\(name)") else {
            throw .invalidConfiguration(
              "\(path): no function density_plugin_\(name): 'make mpi' makes it anew")
          }
          return unsafeBitCast(symbol, to: type)
        }
        begin = try function("begin", as: Begin.self)
        send = try function("send", as: Send.self)
        self.await = try function("await", as: Await.self)
        take = try function("take", as: Take.self)
        end = try function("end", as: End.self)
      }

      /// Where the plugin is.
      private static var pluginPath: String {
        if let named = ProcessInfo.processInfo.environment["DENSITY_MPI"] { return named }
        #if canImport(Darwin)
          let program = Bundle.main.executableURL ?? URL(fileURLWithPath: "density")
        #else
          let program = URL(fileURLWithPath: "/proc/self/exe")
        #endif
        return program.resolvingSymlinksInPath().deletingLastPathComponent().path + "/density-mpi.so"
      }
    #endif
  }
}
