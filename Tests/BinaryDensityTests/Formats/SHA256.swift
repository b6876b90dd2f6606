/// The Secure Hash Algorithm with 256 bits, to check the data files without a tool from outside.
///
/// - Source: FIPS 180-4, Secure Hash Standard, sections 4.1.2, 5 and 6.2.
func sha256(_ message: [UInt8]) -> String {
  let bitCount = UInt64(message.count) * 8
  var tail = Array(message[(message.count / 64 * 64)...]) + [0x80]
  while tail.count % 64 != 56 { tail.append(0) }
  withUnsafeBytes(of: bitCount.bigEndian) { tail.append(contentsOf: $0) }

  var state: [UInt32] = primes(8).map { fractionBits(Double($0).squareRoot()) }
  let constants = primes(64).map { fractionBits(cubeRoot(Double($0))) }
  var schedule = [UInt32](repeating: 0, count: 64)
  message.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: bytes.count / 64 * 64, by: 64) {
      mix(UnsafeRawBufferPointer(rebasing: bytes[start..<start + 64]), into: &state, &schedule, constants)
    }
  }
  tail.withUnsafeBytes { bytes in
    for start in stride(from: 0, to: bytes.count, by: 64) {
      mix(UnsafeRawBufferPointer(rebasing: bytes[start..<start + 64]), into: &state, &schedule, constants)
    }
  }
  return state.map { word in
    let text = String(word, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }.joined()
}

private func mix(
  _ block: UnsafeRawBufferPointer, into state: inout [UInt32], _ w: inout [UInt32], _ k: [UInt32]
) {
  for t in 0..<16 { w[t] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * t, as: UInt32.self)) }
  for t in 16..<64 {
    let s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3)
    let s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10)
    w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
  }
  var (a, b, c, d) = (state[0], state[1], state[2], state[3])
  var (e, f, g, h) = (state[4], state[5], state[6], state[7])
  for t in 0..<64 {
    let choice = (e & f) ^ (~e & g)
    let majority = (a & b) ^ (a & c) ^ (b & c)
    let t1 = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ k[t] &+ w[t]
    let t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
    (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
  }
  for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
}

private func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }

/// Returns the first 32 bits of the fraction of a number: how the standard defines its constants.
private func fractionBits(_ x: Double) -> UInt32 { UInt32((x - x.rounded(.down)) * 0x1p32) }

private func cubeRoot(_ x: Double) -> Double {
  // Newton's method from above converges in far fewer steps to the last bits.
  (0..<60).reduce(x) { root, _ in root - (root * root * root - x) / (3 * root * root) }
}

private func primes(_ count: Int) -> [Int] {
  var found: [Int] = []
  var candidate = 2
  while found.count < count {
    if !found.contains(where: { candidate % $0 == 0 }) { found.append(candidate) }
    candidate += 1
  }
  return found
}
