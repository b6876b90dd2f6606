import CKernels

/// Writes σ(logits[r]) in whole parts of 2²⁴, from 1 to 2²⁴ − 1: how often a coder takes a bit to be on.
///
/// The result is the same in every instruction set. A NaN is taken for +∞.
package func onFrequencies(logits: Span<Float>, into frequencies: inout MutableSpan<UInt32>) {
  precondition(
    frequencies.count == logits.count, "room for \(frequencies.count) frequencies of \(logits.count) logits")
  logits.withUnsafeBufferPointer { logits in
    frequencies.withUnsafeMutableBufferPointer { frequencies in
      guard let z = logits.baseAddress, let target = frequencies.baseAddress else { return }
      kernels.pointee.bit_frequencies(z, logits.count, target)
    }
  }
}
