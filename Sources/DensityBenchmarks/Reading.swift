import Arguments
import BinaryDensity
import Foundation

/// Measures how fast tables are read, in megabytes of the file a second, and how much memory that takes beyond the packed
/// table.
struct Reading {
  /// How many times a file is read; the fastest is told least disturbed.
  let repetitions: Int
  /// Words of which one must be in the name; empty for all.
  let words: [String]

  /// The files, by what they are called.
  private enum Kind: String, CaseIterable {
    case npy = "read NPY"
    case fortran = "read NPY Fortran"
    case float64 = "read NPY float64"
    case idx = "read IDX"
    case csv = "read CSV"
    case svmlight = "read svmlight"

    var columnCount: Int { self == .csv || self == .svmlight ? 64 : 784 }
    var rowCount: Int { self == .float64 ? 20_000 : self == .csv || self == .svmlight ? 1_000_000 : 160_000 }
  }

  func run() throws {
    let kinds = Kind.allCases.filter { kind in
      words.isEmpty || words.contains { kind.rawValue.lowercased().contains($0.lowercased()) }
    }
    guard !kinds.isEmpty else {
      throw UsageError("--only: no file has the words '\(words.joined(separator: "' or '"))'")
    }
    let table = TextTable([
      .left("file", 18), .right("MB", 6), .right("rows", 8), .right("columns", 7), .right("MB/s", 7),
      .right("packed MB", 9), .right("beyond MB", 9),
    ])
    try Terminal.print("\(Machine.current.description)\n\n\(table.heading)")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("density-read-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for kind in kinds { try Terminal.print(table.line(try measure(kind, folder.path + "/table"))) }
  }

  private func measure(_ kind: Kind, _ path: String) throws -> [String] {
    let size = try write(kind, to: path)
    var fastest = Double.infinity
    var beyond: Int?
    let packed = kind.rowCount * ((kind.columnCount + 63) / 64 * 8)
    for _ in 0..<repetitions {
      let before = Memory.resident
      Memory.forgetPeak()
      let start = Stopwatch.processor.now
      let table = try DataTable.read(path)
      fastest = min(fastest, Stopwatch.processor.now - start)
      guard table.rowCount == kind.rowCount, table.columnCount == kind.columnCount else {
        throw DensityError.mismatch(
          path: path, expected: "\(kind.rowCount) × \(kind.columnCount)",
          found: "\(table.rowCount) × \(table.columnCount)")
      }
      if let before, let peak = Memory.peak { beyond = max(beyond ?? .min, peak - before - packed) }
    }
    return [
      kind.rawValue, String(size / 1_000_000), String(kind.rowCount), String(kind.columnCount),
      significant(Double(size) / fastest / 1e6), significant(Double(packed) / 1e6),
      beyond.map { significant(max(0, Double($0)) / 1e6) } ?? "?",
    ]
  }

  /// Writes the file of a kind, one bit in five on, and returns its size.
  private func write(_ kind: Kind, to path: String) throws -> Int {
    guard let file = fopen(path, "wb") else { throw DensityError.unwritable(path: path, reason: "fopen") }
    defer { fclose(file) }
    var size = 0
    func put(_ bytes: [UInt8]) throws {
      size += bytes.count
      guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
        throw DensityError.unwritable(path: path, reason: "fwrite")
      }
    }
    let (rowCount, columnCount) = (kind.rowCount, kind.columnCount)
    if kind == .idx {
      var header: [UInt8] = [0, 0, 8, 2]
      header.append([UInt32(rowCount), UInt32(columnCount)], order: .big)
      try put(header)
    } else if kind != .csv && kind != .svmlight {
      try put(
        NPYHeader(
          type: kind == .float64 ? .float64 : .uint8, isFortranOrder: kind == .fortran,
          dimensions: [rowCount, columnCount]
        ).encoded)
    }
    var state: UInt64 = 1
    for _ in 0..<rowCount {
      var line: [UInt8] = []
      for column in 0..<columnCount {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let isOn = state >> 33 % 5 == 0
        switch kind {
        case .csv: line += [isOn ? 0x31 : 0x30, column == columnCount - 1 ? 0x0A : 0x2C]
        case .svmlight:
          if column == 0 { line.append(0x30) }
          if isOn { line += Array(" \(column + 1):1".utf8) }
          if column == columnCount - 1 { line.append(0x0A) }
        case .float64: line += isOn ? [0, 0, 0, 0, 0, 0, 0xF0, 0x3F] : [0, 0, 0, 0, 0, 0, 0, 0]
        default: line.append(isOn ? 1 : 0)
        }
      }
      try put(line)
    }
    return size
  }
}

/// What the system says of this process's memory, in bytes; nil where it does not (Linux alone does).
private enum Memory {
  static var resident: Int? { field("VmRSS:") }
  static var peak: Int? { field("VmHWM:") }

  /// Lets the peak begin anew.
  static func forgetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  private static func field(_ name: String) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
    else { return nil }
    return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }.map {
      $0 * 1024
    }
  }
}
