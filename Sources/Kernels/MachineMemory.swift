import CKernels

/// The memory that there is for this process.
package enum MachineMemory {
  /// How many bytes the process may still take: the machine's memory, or less where a limit of the process (`ulimit -v`)
  /// or of its control group says so.
  package static var limit: Double { ck_memory_limit() }
}
