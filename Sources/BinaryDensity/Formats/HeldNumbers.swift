/// Numbers that come one after another and are wanted later, in bounded memory: see `SpilledBytes`.
package struct HeldNumbers<Number: StoredScalar & BitwiseCopyable> {
  private let bytes: SpilledBytes
  private static var size: Int { MemoryLayout<Number>.size }

  /// - Parameter destination: what the numbers are for.
  package init(for destination: String? = nil) { bytes = SpilledBytes(for: destination) }

  /// How many there are.
  package var count: Int { bytes.count / Self.size }

  /// Adds numbers.
  ///
  /// - Throws: `DensityError.unwritable`.
  package func add(_ numbers: [Number]) throws(DensityError) { try bytes.append(numbers) }

  /// Hands the numbers on in their order.
  ///
  /// - Throws: `DensityError.unreadable`, and what `body` throws.
  package func forEachBlock(_ body: ([Number]) throws(DensityError) -> Void) throws(DensityError) {
    bytes.rewind()
    var rest = count
    while rest > 0 {
      let length = min(rest, 1 << 15)
      let taken = try bytes.take(length * Self.size)
      try body(taken.withUnsafeBytes { [Number]($0, order: .host) })
      rest -= length
    }
  }
}
