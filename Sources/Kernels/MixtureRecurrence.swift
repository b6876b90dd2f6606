import CKernels

/// The logits of a mixture of K densities of one order, for rows in lockstep.
///
///     z = log Σ_k exp(s_k) σ(z_k) − log Σ_k exp(s_k) σ(−z_k),   s_k ← s_k + log p_k(bit)
///
/// where the log-shares s_k start as the logarithms of the weights. Computed in Double, and with the same bits in every
/// instruction set.
package struct MixtureRecurrence: Sendable {
  /// The number of components.
  package let componentCount: Int
  /// The number of rows.
  package private(set) var rowCount: Int
  // Component after component, its rows side by side.
  private var shares: [Double]

  /// Starts rows before the first variable.
  ///
  /// A weight of zero has a logarithm of −∞.
  /// - Precondition: there is a component, and one of a finite logarithm.
  package init(logWeights: [Double], rowCount: Int) {
    precondition(logWeights.contains { $0.isFinite }, "no component has a weight: \(logWeights)")
    componentCount = logWeights.count
    self.rowCount = rowCount
    shares = logWeights.flatMap { Array(repeating: $0, count: rowCount) }
  }

  /// Writes the mixture's logits of the next variable, given those of the components: component after component.
  package func nextLogits(_ componentLogits: Span<Float>, into logits: inout MutableSpan<Float>) {
    require(componentLogits.count)
    precondition(logits.count == rowCount, "room for \(logits.count) logits of \(rowCount) rows")
    componentLogits.withUnsafeBufferPointer { components in
      logits.withUnsafeMutableBufferPointer { logits in
        guard let z = components.baseAddress, let target = logits.baseAddress else { return }
        shares.withUnsafeBufferPointer {
          guard let shares = $0.baseAddress else { return }
          kernels.pointee.mixture_logits(shares, z, componentCount, rowCount, target)
        }
      }
    }
  }

  /// Tells the values of the variable that the components' logits are of.
  package mutating func advance(_ componentLogits: Span<Float>, _ bits: Span<Bool>) {
    require(componentLogits.count)
    precondition(bits.count == rowCount, "\(bits.count) bits for \(rowCount) rows")
    componentLogits.withUnsafeBufferPointer { components in
      bits.withUnsafeBufferPointer { bits in
        guard let z = components.baseAddress, let values = bits.baseAddress else { return }
        shares.withUnsafeMutableBufferPointer {
          guard let shares = $0.baseAddress else { return }
          kernels.pointee.mixture_advance(shares, z, values, componentCount, rowCount)
        }
      }
    }
  }

  /// Keeps, repeats and drops rows: row i becomes what row `rows[i]` was.
  package mutating func select(_ rows: [Int]) {
    precondition(rows.allSatisfy { $0 >= 0 && $0 < rowCount }, "rows \(rows) of \(rowCount)")
    resume(rows.map(state(ofRow:)))
  }

  /// Returns the log-shares of a row.
  package func state(ofRow row: Int) -> [Double] {
    precondition(row >= 0 && row < rowCount, "row \(row) of \(rowCount)")
    return (0..<componentCount).map { shares[$0 * rowCount + row] }
  }

  /// Takes up rows of given log-shares; they become all rows there are.
  package mutating func resume(_ states: [[Double]]) {
    precondition(
      states.allSatisfy { $0.count == componentCount }, "states are not of \(componentCount) components")
    rowCount = states.count
    shares = (0..<componentCount).flatMap { component in states.map { $0[component] } }
  }

  private func require(_ count: Int) {
    precondition(
      count == componentCount * rowCount,
      "\(count) logits of \(componentCount) components of \(rowCount) rows")
  }
}

/// Makes `sum` weight · logits, or adds that to it with one rounding: an ensemble's logits, member after member.
package func accumulateLogits(
  _ logits: Span<Float>, weight: Float, isFirst: Bool, into sum: inout MutableSpan<Float>
) {
  precondition(logits.count == sum.count, "\(logits.count) logits are not \(sum.count)")
  logits.withUnsafeBufferPointer { logits in
    sum.withUnsafeMutableBufferPointer { sum in
      guard let z = logits.baseAddress, let target = sum.baseAddress else { return }
      kernels.pointee.ensemble_logits(z, weight, !isFirst, logits.count, target)
    }
  }
}

/// Adds log σ(±logits[r]), the logarithm of the probability of each bit, in Double and with the same bits in every
/// instruction set.
package func addLogProbabilities(
  of bits: Span<Bool>, logits: Span<Float>, to sums: inout MutableSpan<Double>
) {
  precondition(
    bits.count == logits.count && sums.count == logits.count,
    "\(bits.count) bits and \(logits.count) logits for \(sums.count) sums")
  bits.withUnsafeBufferPointer { bits in
    logits.withUnsafeBufferPointer { logits in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let values = bits.baseAddress, let z = logits.baseAddress, let target = sums.baseAddress else {
          return
        }
        // That is what a mixture of one component does.
        kernels.pointee.mixture_advance(target, z, values, 1, logits.count)
      }
    }
  }
}

/// Draws bits[r] = uniforms[r] < σ(logits[r]), with the same result in every instruction set.
package func drawBits(uniforms: Span<Float>, logits: Span<Float>, into bits: inout MutableSpan<Bool>) {
  precondition(
    uniforms.count == logits.count && bits.count == logits.count,
    "\(uniforms.count) uniform numbers and \(logits.count) logits for \(bits.count) bits")
  uniforms.withUnsafeBufferPointer { uniforms in
    logits.withUnsafeBufferPointer { logits in
      bits.withUnsafeMutableBufferPointer { bits in
        guard let u = uniforms.baseAddress, let z = logits.baseAddress, let target = bits.baseAddress else {
          return
        }
        kernels.pointee.draw_bits(z, u, logits.count, target)
      }
    }
  }
}
