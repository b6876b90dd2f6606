import Essentials

/// Zeros that take up memory only where they are written to, and that can be given back part by part.
final class ScratchMemory {
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// The bytes of memory that the machine has.
  static let physicalMemory = sysconf(Int32(_SC_PHYS_PAGES)) * pageSize
  private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

  /// Returns nil if the system has not so many addresses.
  init?(byteCount: Int) {
    #if canImport(Darwin)
      let flags = MAP_PRIVATE | MAP_ANON
    #else
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #endif
    let address = mmap(nil, max(1, byteCount), PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let address, address != MAP_FAILED else { return nil }
    base = address
    self.byteCount = max(1, byteCount)
  }

  deinit { munmap(base, byteCount) }

  /// The memory as numbers that may be anything, such as integers.
  ///
  /// Valid only for as long as the object is named.
  func words<T: FixedWidthInteger>(_ type: T.Type) -> UnsafeMutablePointer<T> {
    base.bindMemory(to: type, capacity: byteCount / MemoryLayout<T>.size)
  }

  /// Gives back the memory before an offset, whose bytes then mean nothing.
  func release(before offset: Int) {
    let whole = min(offset, byteCount) / Self.pageSize * Self.pageSize
    if whole > 0 { madvise(base, whole, MADV_DONTNEED) }
  }
}
