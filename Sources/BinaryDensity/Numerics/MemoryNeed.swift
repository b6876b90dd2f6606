import Kernels

/// Refuses work that needs more memory than there is, for the system would end the process.
///
/// - Parameters:
///   - work: what the bytes are for, in words that come before "takes".
///   - bytes: how many it needs at the least.
///   - share: the part of the memory that the work may take.
///   - alternative: what to do instead.
/// - Throws: `DensityError.invalidConfiguration`.
func checkMemory(
  of work: String, bytes: Double, share: Double = 1, instead alternative: String? = nil
) throws(DensityError) {
  let limit = share * MachineMemory.limit
  guard bytes >= limit else { return }
  func gigabytes(_ bytes: Double) -> String { "\((bytes / 1e7).rounded() / 100) GB" }
  throw .invalidConfiguration(
    "\(work) takes \(gigabytes(bytes)), more than the \(gigabytes(limit)) of memory that \(share < 1 ? "it may take" : "there are")"
      + (alternative.map { "; " + $0 } ?? ""))
}

/// What to do instead of keeping a number for each pair of columns.
let insteadOfPairs =
  "it grows with the square of the columns; a nade, a made with hidden units and without --direct, and a "
  + "bernoulli-mixture grow with the columns"

/// The bytes that a weight takes in training: with its gradient, and the two numbers that Adam keeps of it.
let trainingBytesPerWeight = 16.0

/// What is to be known before a weight for each pair of columns is trained; nil where it takes little, or is refused.
package func noteOnTrainingPairs(columnCount: Int) -> String? {
  note(
    on: "training a weight for each pair of columns", columnCount: columnCount,
    bytesPerPair: trainingBytesPerWeight)
}

/// What is to be known before a Chow-Liu tree counts all pairs of columns; nil where it takes little, or is refused.
package func noteOnCountingPairs(columnCount: Int, hasMissing: Bool) -> String? {
  note(
    on: "counting all pairs of columns", columnCount: columnCount,
    bytesPerPair: hasMissing
      ? ChowLiuTree.PairCounts.bytesPerPartialPair : ChowLiuTree.PairCounts.bytesPerPair)
}

private func note(on work: String, columnCount: Int, bytesPerPair: Double) -> String? {
  let bytes = bytesPerPair * Double(columnCount) * Double(columnCount)
  guard bytes >= 1e9, bytes < MachineMemory.limit else { return nil }
  return "\(work) takes \((bytes / 1e8).rounded() / 10) GB; \(insteadOfPairs)"
}
