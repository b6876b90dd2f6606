import Kernels

/// Makes cursors of a network of the package, and draws rows by a kernel that also decides.
struct NetworkCursorSource: CursorSource {
  private let conditional: ConditionalCursorSource
  private let fusedDraw: (@Sendable (Matrix<Float>) -> BinaryMatrix)?

  /// - Parameter draw: draws rows faster than a walk does.
  init(of density: any AutoregressiveDensity, draw: (@Sendable (Matrix<Float>) -> BinaryMatrix)? = nil) {
    conditional = ConditionalCursorSource(density)
    fusedDraw = draw
  }

  /// A masked network.
  init(of density: any AutoregressiveDensity, network: MaskedNetwork<Float>) {
    let sampler = Lazy { IncrementalSampler(network) }
    self.init(of: density, draw: { sampler.value.draw($0) })
  }

  var ordering: Ordering { conditional.ordering }

  func cursor(rowCount: Int) -> any Cursor { conditional.cursor(rowCount: rowCount) }

  func draw(uniforms: Matrix<Float>) -> BinaryMatrix {
    fusedDraw.map { $0(uniforms) } ?? drawByWalking(uniforms: uniforms)
  }
}
