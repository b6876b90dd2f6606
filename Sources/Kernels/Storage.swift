import CKernels

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The one type that owns raw memory: a fixed-size buffer of scalars on a staggered cache-line boundary.
///
/// It is sent across threads as part of `Matrix`, which copies before it writes shared storage, and inside an
/// executor's arenas, which only their executor touches; hence the unchecked conformance.
@usableFromInline package final class Storage<Scalar: KernelScalar>: @unchecked Sendable {
  /// The first scalar.
  @usableFromInline package let base: UnsafeMutablePointer<Scalar>
  /// The number of scalars.
  package let count: Int
  private let allocation: UnsafeMutableRawPointer

  /// Allocates `count` scalars that all are `value`; nil leaves them unspecified.
  package init(count: Int, filledWith value: Scalar?) {
    let bytes = count * MemoryLayout<Scalar>.stride
    let room = bytes + 4096 + 192
    // Zero is all bits zero in every scalar, and zeroed memory that nothing touches takes no room: the system hands
    // pages out as they are first written.
    guard let allocation = value == 0 ? calloc(room, 1) : malloc(room) else {
      ck_out_of_memory(room)
    }
    self.allocation = allocation
    self.count = count
    // The allocator hands out large blocks at the same offset within their page, so the offset is drawn from a
    // hash of the block's address: one of the page's 64 cache lines.
    let line = (UInt64(UInt(bitPattern: allocation)) &* 0x9E37_79B9_7F4A_7C15) >> 58
    let start = allocation.alignedUp(toMultipleOf: 64)
    self.base = (start + Int(line) * 64).bindMemory(to: Scalar.self, capacity: count)
    if let value, value != 0 { base.update(repeating: value, count: count) }
  }

  /// Allocates a copy of `other`.
  @usableFromInline package convenience init(copying other: Storage) {
    self.init(count: other.count, filledWith: nil)
    base.update(from: other.base, count: count)
  }

  deinit { free(allocation) }
}
