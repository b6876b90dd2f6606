import BinaryDensity
import Kernels
import Synchronization

/// What the machine does at most with a number of threads, measured.
struct Peak {
  /// A level of memory and how fast a stream is read, added to and written back there.
  struct Stream {
    let level: String
    /// The bytes of all threads' arrays.
    let arrayBytes: Int
    /// Bytes read plus bytes written a second, of all threads.
    let bytesPerSecond: Double
  }

  let threadCount: Int
  /// Multiply-adds in registers, two operations each, of all threads.
  let flopsPerSecond: Double
  /// From the second-level cache outwards.
  let streams: [Stream]
  private let machine: Machine

  /// Measures for about a second.
  init(threadCount: Int, machine: Machine = .current) {
    self.threadCount = threadCount
    self.machine = machine
    let before = Threads.count
    Threads.count = threadCount
    defer { Threads.count = before }
    flopsPerSecond = Peak.arithmetic(threadCount)
    let (_, second, last) = machine.cacheSizes
    // Half of the second level; a share of the last that no second level holds; several times all caches.
    streams = [
      ("L2", second / 2), ("L3", max(2 * second, last / 4) / threadCount), ("memory", 4 * last / threadCount),
    ].map { level, bytes in
      Stream(
        level: level, arrayBytes: bytes * threadCount,
        bytesPerSecond: Peak.stream(threadCount, bytesPerThread: bytes))
    }
  }

  /// The least time of some work, in seconds, and what sets it.
  func floor(of work: Work) -> (seconds: Double, limit: String) {
    let stream = stream(for: work)
    let arithmetic = work.flops / flopsPerSecond
    let memory = work.bytes / stream.bytesPerSecond
    return arithmetic >= memory ? (arithmetic, "arithmetic") : (memory, stream.level)
  }

  /// The stream from the nearest level that holds what some work goes through again in each call.
  func stream(for work: Work) -> Stream {
    let (_, second, last) = machine.cacheSizes
    if work.footprint <= Double(second * threadCount) { return streams[0] }
    return work.footprint <= Double(last) ? streams[1] : streams[2]
  }

  /// The peak in a line.
  var description: String {
    let bandwidths = streams.map { "\($0.level) \(Int(($0.bytesPerSecond / 1e9).rounded())) GB/s" }
    return "\(threadCount) thread\(threadCount == 1 ? "" : "s"): "
      + "\(Int((flopsPerSecond / 1e9).rounded())) GF/s; \(bandwidths.joined(separator: ", "))"
  }

  var json: JSONValue {
    [
      "threads": .integer(threadCount), "flops_per_second": .real(flopsPerSecond),
      "streams": .array(
        streams.map {
          [
            "level": .string($0.level), "array_bytes": .integer($0.arrayBytes),
            "bytes_per_second": .real($0.bytesPerSecond),
          ]
        }),
    ]
  }

  /// The best of several measurements: what else the machine does can only lower one.
  private static func best(_ measure: () -> Double) -> Double {
    (0..<20).reduce(0) { best, _ in max(best, measure()) }
  }

  private static func arithmetic(_ threadCount: Int) -> Double {
    let rounds = 1 << 21
    let clock = ContinuousClock()
    return best {
      let start = clock.now
      let counts = Threads.map(count: threadCount) { _ in
        var chains = Matrix<Float>(
          rowCount: 1, columnCount: MachinePeak.chainElementCount, repeating: 1)
        // The numbers go to 2.
        return chains.withUnsafeMutableView { MachinePeak.multiplyAdds(rounds: rounds, 0.5, 1, $0) }
      }
      return 2 * Double(counts.reduce(0, +)) / start.duration(to: clock.now).seconds
    }
  }

  private static func stream(_ threadCount: Int, bytesPerThread: Int) -> Double {
    let rowLength = 4096
    let rowCount = max(1, bytesPerThread / 4 / rowLength)
    let arrays = (0..<threadCount).map { _ in
      SharedArray(Matrix(rowCount: rowCount, columnCount: rowLength, repeating: 1))
    }
    let elementCount = threadCount * rowCount * rowLength
    // As many rounds as make the time long against that of starting the threads.
    let rounds = max(1, (128 << 20) / (elementCount / threadCount * 4))
    let clock = ContinuousClock()
    return best {
      let start = clock.now
      _ = Threads.map(count: threadCount) { thread in
        arrays[thread].matrix.withLock { matrix in
          matrix.withUnsafeMutableView { view in
            for _ in 0..<rounds { MachinePeak.stream(view, adding: 1) }
          }
        }
      }
      let seconds = start.duration(to: clock.now).seconds
      return 8 * Double(rounds * elementCount) / seconds
    }
  }
}

/// An array that one thread at a time streams through.
private final class SharedArray: Sendable {
  let matrix: Mutex<Matrix<Float>>
  init(_ matrix: Matrix<Float>) { self.matrix = Mutex(matrix) }
}
