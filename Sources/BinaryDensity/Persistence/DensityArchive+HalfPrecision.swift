import Autodiff
import Kernels

extension Density {
  /// Returns the density with every parameter rounded to the nearest number of half precision (IEEE 754 binary16: 11
  /// significant bits, at most 65504).
  ///
  /// Any parameters make an exact density, so this is one too, if another: whoever keeps it should judge it first. A
  /// `Checkpoint` writes parameters that all are numbers of half precision in 16 bits each, and what is read back is this
  /// density to the bit.
  /// - Returns: the density; nil if a parameter is too large to be rounded.
  /// - Throws: `DensityError.unsupported` for a density that is not of the package's families.
  public func inHalfPrecision() throws(DensityError) -> (any Density)? {
    try DensityArchive(of: self).roundedToHalves()?.density()
  }
}

extension DensityArchive {
  /// Whether all parameters of a density in memory, components' included, are numbers of half precision.
  var isOfHalves: Bool {
    guard case .memory(_, let parameters) = contents else { return false }
    return parameters.matrices.allSatisfy { $0.allElements(\.isHalf) }
      && components.allSatisfy(\.isOfHalves)
  }

  /// Returns the archive of a density in memory with all parameters rounded to half precision; nil if one is too large.
  fileprivate func roundedToHalves() -> DensityArchive? {
    guard case .memory(let integers, let parameters) = contents else { return nil }
    var rounded = Parameters<Float>()
    for (name, matrix) in zip(parameters.names, parameters.matrices) {
      let halves = Matrix(rowCount: matrix.rowCount, columnCount: matrix.columnCount) {
        Float(binary16Bits: matrix[$0, $1].binary16Bits)
      }
      guard halves.allElements(\.isFinite) else { return nil }
      rounded.append(name, halves)
    }
    let parts = components.compactMap { $0.roundedToHalves() }
    guard parts.count == components.count else { return nil }
    return DensityArchive(
      kind: kind, configuration: configuration, integers: integers, parameters: rounded, components: parts)
  }
}

extension Float {
  /// Whether it is a number of half precision.
  fileprivate var isHalf: Bool { Float(binary16Bits: binary16Bits) == self }
}

extension Matrix<Float> {
  fileprivate func allElements(_ isWanted: (Float) -> Bool) -> Bool {
    (0..<rowCount).allSatisfy { withUnsafeRow($0) { $0.allSatisfy(isWanted) } }
  }
}
