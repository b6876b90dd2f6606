import Arguments

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

#if DEBUG
  Terminal.writeToStandardError(
    "density-bench: a debug build measures nothing worth knowing; use make bench\n")
  exit(ExitStatus.usage.rawValue)
#else
  exit(BenchmarkCommand.status(of: Array(CommandLine.arguments.dropFirst())).rawValue)
#endif
