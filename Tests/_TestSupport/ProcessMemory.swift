#if os(Linux)
  import Foundation

  /// Returns a figure of `/proc/self/status` in bytes, such as that of `VmRSS`, what is held now, or `VmHWM`, the most that was.
  package func processMemory(_ key: String) -> Int {
    let lines =
      (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix(key + ":") } ?? ""
    return 1024
      * (Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first ?? "") ?? 0)
  }
#endif
