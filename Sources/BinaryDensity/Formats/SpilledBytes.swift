import Essentials

/// Bytes that wait until they can be written, as rows do whose number must be written before them: in memory while they
/// are few, else in a file without a name, which is gone with the process.
package final class SpilledBytes {
  /// How many bytes wait.
  package private(set) var count = 0
  private let destination: String?
  private let memoryLimit: Int
  /// What is not in the file.
  private var buffer: [UInt8] = []
  private var file: SpillFile?
  /// How many bytes are in the file.
  private var filedCount = 0
  private var readCount = 0
  private var isRead = false

  /// - Parameters:
  ///   - destination: what the bytes are to be written to: the file without a name lies in its folder, or where there is none
  ///     in the one for temporary files.
  ///   - memoryLimit: how many bytes are held in memory.
  package init(for destination: String?, memoryLimit: Int = 1 << 24) {
    self.destination = destination
    self.memoryLimit = memoryLimit
  }

  /// Adds the bytes of numbers as they are in memory.
  ///
  /// - Throws: `DensityError.unwritable`.
  package func append(_ numbers: [some BitwiseCopyable]) throws(DensityError) {
    precondition(!isRead, "bytes are added before any are taken")
    numbers.withUnsafeBytes {
      buffer.append(contentsOf: $0)
      count += $0.count
    }
    if buffer.count >= memoryLimit { try spill() }
  }

  private func spill() throws(DensityError) {
    do throws(SystemError) {
      if file == nil { file = try SpillFile(in: folder) }
      try file?.descriptor.writeAll(buffer)
    } catch {
      throw .unwritable(
        path: destination ?? folder, reason: "rows have to wait in \(folder): \(error.reason)")
    }
    filedCount += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  private var folder: String {
    if let destination, !AtomicFile.isWrittenInPlace(destination) {
      return AtomicFile.parentDirectory(of: AtomicFile.resolvingLinks(destination))
    }
    return getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  }

  /// Goes back to the first byte.
  package func rewind() { readCount = 0 }

  /// Takes the next bytes, from the first on.
  ///
  /// - Precondition: so many are left.
  /// - Throws: `DensityError.unreadable`.
  package func take(_ wanted: Int) throws(DensityError) -> [UInt8] {
    defer { readCount += wanted }
    return try bytes(readCount..<readCount + wanted)
  }

  /// Returns some of the bytes.
  ///
  /// - Precondition: they are there, and no more are added.
  /// - Throws: `DensityError.unreadable`.
  package func bytes(_ range: Range<Int>) throws(DensityError) -> [UInt8] {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count) cannot be taken")
    isRead = true
    let (start, wanted) = (range.lowerBound, range.count)
    let filed = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(wanted, max(0, filedCount - start)), alignment: 8)
    defer { filed.deallocate() }
    var offset = 0
    while offset < filed.count {
      do throws(SystemError) {
        let rest = UnsafeMutableRawBufferPointer(rebasing: filed[offset...])
        guard let got = try file?.descriptor.read(into: rest, at: start + offset), got > 0 else {
          throw SystemError(code: EIO)
        }
        offset += got
      } catch {
        throw .unreadable(path: folder, reason: error.reason)
      }
    }
    var bytes = [UInt8](filed)
    if bytes.count < wanted {
      let end = range.upperBound - filedCount
      bytes += buffer[end - (wanted - bytes.count)..<end]
    }
    return bytes
  }
}

/// An open file without a name.
private final class SpillFile {
  let descriptor: FileDescriptor

  init(in folder: String) throws(SystemError) {
    let path = "\(folder)/.spill.\(TemporaryFiles.newTag())"
    descriptor = try FileDescriptor(opening: path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
    unlink(path)
  }
}
