import Kernels

/// Refuses work that needs more memory than there is, for the system would end the process.
///
/// - Parameters:
///   - work: what the bytes are for, in words that come before "takes".
///   - bytes: how many it needs at the least.
/// - Throws: `DensityError.invalidConfiguration`.
func checkMemory(of work: String, bytes: Double) throws(DensityError) {
  let limit = MachineMemory.limit
  guard bytes >= limit else { return }
  func gigabytes(_ bytes: Double) -> String { "\((bytes / 1e7).rounded() / 100) GB" }
  throw .invalidConfiguration(
    "\(work) takes \(gigabytes(bytes)), more than the \(gigabytes(limit)) of memory that there are")
}
