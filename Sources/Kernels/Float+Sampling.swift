import CKernels

extension Float {
  public static func networkSample(
    uniforms u: UnsafeMatrixView<Float>, network: MaskedNetwork<Float>,
    into words: UnsafeMutablePointer<UInt64>,
    logits z: UnsafeMutableMatrixView<Float>
  ) {
    PlannedNetwork(network).sample(uniforms: u, into: words, logits: z)
  }
}
