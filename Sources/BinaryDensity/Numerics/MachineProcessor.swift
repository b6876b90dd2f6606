import Essentials

/// The processor that all is computed on.
package enum MachineProcessor {
  /// Its own name, if the system tells it.
  package static var name: String? {
    #if canImport(Darwin)
      var length = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &length, nil, 0) == 0 else { return nil }
      var bytes = [UInt8](repeating: 0, count: length)
      guard sysctlbyname("machdep.cpu.brand_string", &bytes, &length, nil, 0) == 0 else { return nil }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      guard let bytes = try? AtomicFile.read("/proc/cpuinfo") else { return nil }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix("model name") }?
        .split(separator: ":").last.map { String($0.drop { $0 == " " }) }
    #endif
  }
}
