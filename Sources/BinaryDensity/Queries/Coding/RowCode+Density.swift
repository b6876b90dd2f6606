import Kernels

extension RowCode {
  /// Finds what a density is coded by: its chain of conditionals, or else those of its components.
  ///
  /// - Throws: `DensityError.unsupported`.
  init(_ density: any Density) throws(DensityError) {
    let leaves = density.leaves
    guard leaves.count <= SymbolTable.symbolLimit else {
      throw .unsupported(
        "a mixture of \(leaves.count) components is not coded; at most \(SymbolTable.symbolLimit)")
    }
    var parts: [any CursorSource] = []
    for leaf in leaves {
      guard let chain = leaf.density.autoregressive() else {
        throw .unsupported(
          "a density of type \(type(of: leaf.density)) gives log p of whole rows alone; rows are compressed by densities that "
            + "have conditionals along an order, or components that have, as all of this package do")
      }
      parts.append(chain.cursorSource())
    }
    self.init(parts: parts, weights: SymbolTable(shares: leaves.map(\.weight)))
  }

  /// Tells what the rows are coded by: the CRC-32 of the density's arrays, as a checkpoint has them, of the components'
  /// frequencies, and of the logits of some made-up rows, in which everything else has a part.
  ///
  /// Weights that a mask forbids count, and are zero in all that this package makes or reads.
  func fingerprint(of density: any Density) -> UInt32 {
    var check = CRC32()
    if let archive = try? DensityArchive(of: density) {
      for tensor in archive.tensors() {
        check.update(Array("\(tensor.name) \(tensor.shape)".utf8))
        tensor.scalars.forEachPiece { check.update($0) }
      }
    }
    check.update([UInt8](weights.frequencies, order: .little))
    // All off, all on, and half of each.
    let probes = BinaryMatrix(rowCount: 6, columnCount: variableCount) { row, column in
      row < 2 ? row == 1 : (column &* 0x9E37_79B9 ^ row &* 0x85EB_CA6B) >> 7 & 1 == 1
    }
    let columns = BitColumns(probes, rows: Array(0..<probes.rowCount))
    let checks = Threads.map(count: parts.count) { logitChecksum(of: columns, in: parts[$0]) }
    check.update([UInt8](checks, order: .little))
    return check.value
  }
}
