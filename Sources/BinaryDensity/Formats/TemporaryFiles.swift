import Essentials
import Synchronization

/// The names of files that are being written, from which it can be told whose they are.
///
/// A name ends in `MACHINE-PROCESS-NUMBER.tmp`. What a killed process has left is removed by the next that writes into
/// the same folder on the same machine; the files of processes that live, and of other machines, are left alone.
package enum TemporaryFiles {
  private static let end = ".tmp"

  /// Returns a new end of a name.
  package static func newTag() -> String {
    let unique = String(UInt64.random(in: .min ... .max), radix: 36)
    return "\(machine)-\(getpid())-\(unique)\(end)"
  }

  private static let swept = Mutex<Set<String>>([])

  /// Removes what processes that are gone have left in a folder: once a folder, the first time that it is asked for.
  static func removeStale(in folder: String) {
    guard swept.withLock({ $0.insert(folder).inserted }) else { return }
    for name in AtomicFile.names(inFolder: folder) where isStale(name) { unlink(folder + "/" + name) }
  }

  /// Whether a name is that of a temporary file whose process is gone.
  static func isStale(_ name: String) -> Bool {
    guard name.first == ".", name.hasSuffix(end) else { return false }
    let parts = name.dropLast(end.count).split(separator: ".").last?.split(separator: "-") ?? []
    guard parts.count == 3, parts[0] == machine, let process = Int32(parts[1]), process > 0 else {
      return false
    }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  /// A short word for the machine, and for the part of it whose processes have numbers of their own.
  private static let machine: String = {
    var text = [CChar](repeating: 0, count: 256)
    _ = gethostname(&text, text.count - 1)
    var check = CRC32()
    check.update(text.map { UInt8(bitPattern: $0) })
    var processes = stat()
    if stat("/proc/self/ns/pid", &processes) == 0 {
      check.update([UInt8]([UInt64(processes.st_ino)], order: .little))
    }
    return CRC32.text(of: check.value)
  }()
}
