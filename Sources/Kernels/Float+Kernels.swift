#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The working precision: every kernel is the C kernel of the same name.
///
/// `CKernels.h` states their contracts; the shapes are checked here, because C cannot say what was wrong.
extension Float: KernelScalar {
  public static func exponential(_ x: Float) -> Float { exp(x) }
  public static func logarithmOnePlus(_ x: Float) -> Float { log1p(x) }
  public static func logarithm(_ x: Float) -> Float { log(x) }
  public static func hyperbolicTangent(_ x: Float) -> Float { tanh(x) }
}
