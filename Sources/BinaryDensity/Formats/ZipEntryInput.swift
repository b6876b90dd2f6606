/// The bytes of one entry of a zip archive, inflated and checked on the way.
final class ZipEntryInput: ByteInput {
  private let file: RandomAccessFile
  private let entry: ZipArchive.Entry
  /// Nil for an entry that is stored as it is.
  private let inflater: Inflater?
  private var compressed = ByteBuffer(capacity: 1 << 16)
  /// Where the next bytes of the file are read, and where the entry's end.
  private var place: Int
  private let end: Int
  private var checksum = CRC32()
  private var readCount = 0
  private var isInflated = false
  private var hasEnded = false

  init(_ file: RandomAccessFile, _ entry: ZipArchive.Entry, start: Int) {
    self.file = file
    self.entry = entry
    inflater = entry.method == 0 ? nil : Inflater(.none)
    place = start
    end = start + entry.compressedCount
  }

  var path: String { file.path }

  var fraction: Double? {
    guard entry.compressedCount > 0 else { return 1 }
    return 1 - Double(end - place + compressed.count) / Double(entry.compressedCount)
  }

  var bound: Int? {
    let (product, overflow) = entry.compressedCount.multipliedReportingOverflow(by: Inflater.largestRatio)
    let most = inflater == nil ? entry.compressedCount : overflow ? .max : product
    return max(0, min(entry.count, most) - readCount)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) -> Int {
    guard !hasEnded else { return 0 }
    let count =
      if let inflater { try inflate(inflater, into: buffer) } else { try copy(into: buffer) }
    checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    readCount += count
    guard readCount <= entry.count else {
      throw malformed("\(entry.count) bytes", "more")
    }
    if count == 0 {
      hasEnded = true
      guard readCount == entry.count else { throw malformed("\(entry.count) bytes", "\(readCount)") }
      guard checksum.value == entry.checksum else {
        throw malformed(
          "the checksum \(CRC32.text(of: entry.checksum))", "damage: \(CRC32.text(of: checksum.value))")
      }
    }
    return count
  }

  private func copy(into buffer: UnsafeMutableRawBufferPointer) throws(DensityError) -> Int {
    let count = min(buffer.count, end - place)
    try file.read(at: place, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    place += count
    return count
  }

  private func inflate(
    _ inflater: Inflater, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DensityError) -> Int {
    while !isInflated {
      if compressed.count == 0, place < end {
        _ = try compressed.fill { (room) throws(DensityError) in
          try copy(into: UnsafeMutableRawBufferPointer(rebasing: room.prefix(end - place)))
        }
      } else if compressed.count == 0, !inflater.hasPendingOutput {
        throw malformed("the rest of the deflated bytes", "the end of the entry")
      }
      let (used, written, outcome) = inflater.step(compressed.bytes, into: buffer)
      compressed.drop(used)
      switch outcome {
      case .ongoing: if written > 0 { return written }
      case .ended:
        isInflated = true
        return written
      case .corrupt(let words): throw malformed("sound deflated bytes", words)
      }
    }
    return 0
  }

  private func malformed(_ expected: String, _ found: String) -> DensityError {
    .malformed(
      path: path, at: .field("entry \(quoted(entry.name.utf8))"), expected: expected, found: found)
  }
}
