import BinaryDensity
import Foundation

/// The machine that the figures are of.
struct Machine {
  /// The processor's own name.
  let processor: String
  /// The processors online.
  let coreCount: Int
  /// Bytes of a core's first-level data cache and second-level cache, and of the last-level cache.
  let cacheSizes: (first: Int, second: Int, last: Int)

  /// Asks the system; what it does not say is taken to be common.
  static let current = Machine(
    processor: MachineProcessor.name ?? "unknown processor",
    coreCount: ProcessInfo.processInfo.activeProcessorCount,
    cacheSizes: (
      first: cacheSize(level: 1) ?? 32 << 10, second: cacheSize(level: 2) ?? 1 << 20,
      last: cacheSize(level: 3) ?? 16 << 20
    ))

  /// The machine in a line.
  var description: String {
    let sizes = [cacheSizes.first, cacheSizes.second, cacheSizes.last].map { size in
      size >= 1 << 20 ? "\(size >> 20) MB" : "\(size >> 10) KB"
    }
    return "\(processor), \(coreCount) cores, caches \(sizes.joined(separator: ", "))"
  }

  var json: JSONValue {
    [
      "processor": .string(processor), "cores": .integer(coreCount),
      "cache_bytes": [
        "L1": .integer(cacheSizes.first), "L2": .integer(cacheSizes.second), "L3": .integer(cacheSizes.last),
      ],
    ]
  }

  #if canImport(Darwin)
    private static func cacheSize(level: Int) -> Int? {
      let names = [1: "hw.perflevel0.l1dcachesize", 2: "hw.perflevel0.l2cachesize", 3: "hw.l3cachesize"]
      var size: Int64 = 0
      var length = MemoryLayout<Int64>.size
      guard let name = names[level], sysctlbyname(name, &size, &length, nil, 0) == 0, size > 0 else {
        return nil
      }
      return Int(size)
    }
  #else
    private static func cacheSize(level: Int) -> Int? {
      for index in 0..<8 {
        let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)"
        guard text(folder + "/level") == String(level), text(folder + "/type") != "Instruction",
          let size = text(folder + "/size"), size.hasSuffix("K"), let count = Int(size.dropLast())
        else { continue }
        return count << 10
      }
      return nil
    }

    private static func text(_ path: String) -> String? {
      (try? AtomicFile.read(path)).map {
        String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      }
    }
  #endif
}
