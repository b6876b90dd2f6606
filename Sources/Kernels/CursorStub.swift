/// Computes `sum = weight · logits`, or adds it, element by element.
package func accumulateLogits(
  _ logits: Span<Float>, weight: Float, isFirst: Bool, into sum: inout MutableSpan<Float>
) {
  for row in logits.indices { sum[row] = (isFirst ? 0 : sum[row]) + weight * logits[row] }
}

/// The recurrence of the logits of a mixture of K densities of one ordering, for rows in lockstep.
package struct MixtureRecurrence: Sendable {
  private let logWeights: [Double]
  private var logShares: [[Double]]

  package init(logWeights: [Double], rowCount: Int) {
    self.logWeights = logWeights
    logShares = Array(repeating: logWeights, count: rowCount)
  }

  private static func logSumExp(_ terms: [Double]) -> Double {
    let largest = terms.max() ?? 0
    return largest + Double.logarithm(terms.reduce(0) { $0 + Double.exponential($1 - largest) })
  }

  private static func logSigmoid(_ z: Double) -> Double {
    min(z, 0) - Double.logarithmOnePlus(Double.exponential(-abs(z)))
  }

  package func nextLogits(_ componentLogits: Span<Float>, into logits: inout MutableSpan<Float>) {
    for row in logits.indices {
      let (on, off) = sides(componentLogits, row)
      logits[row] = Float(Self.logSumExp(on) - Self.logSumExp(off))
    }
  }

  private func sides(_ z: Span<Float>, _ row: Int) -> (on: [Double], off: [Double]) {
    let shares = logShares[row]
    let logits = shares.indices.map { Double(z[$0 * logShares.count + row]) }
    return (
      zip(shares, logits).map { $0 + Self.logSigmoid($1) },
      zip(shares, logits).map { $0 + Self.logSigmoid(-$1) }
    )
  }

  package mutating func advance(_ componentLogits: Span<Float>, _ bits: Span<Bool>) {
    for row in bits.indices {
      let (on, off) = sides(componentLogits, row)
      logShares[row] = bits[row] ? on : off
    }
  }

  package mutating func select(_ rows: [Int]) { logShares = rows.map { logShares[$0] } }
  package func state(ofRow row: Int) -> [Double] { logShares[row] }
  package mutating func resume(_ states: [[Double]]) { logShares = states }
}

/// Computes `bits[r] = uniforms[r] < σ(logits[r])`.
package func drawBits(uniforms: Span<Float>, logits: Span<Float>, into bits: inout MutableSpan<Bool>) {
  for row in bits.indices {
    bits[row] = Double(uniforms[row]) * (1 + Double.exponential(-Double(logits[row]))) < 1
  }
}
