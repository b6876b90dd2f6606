import Essentials

extension Terminal {
  /// Whether pictures made of characters can be shown on standard output: it is a terminal that knows them, and nobody has
  /// asked for plain text by `NO_COLOR`.
  package static var showsPictures: Bool {
    func said(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard isatty(STDOUT_FILENO) == 1, said("TERM") != "dumb", said("NO_COLOR") == nil else { return false }
    // The first that is set says which characters there are.
    let locale = (said("LC_ALL") ?? said("LC_CTYPE") ?? said("LANG") ?? "").uppercased()
    return locale.contains("UTF-8") || locale.contains("UTF8")
  }
}

/// Returns numbers as a row of blocks, the lowest for the least: `█▅▃▂▁▁`.
///
/// - Parameter width: the most blocks; of more numbers, each block is the mean of some that follow each other.
package func sparkline(_ numbers: [Double], width: Int = 40) -> String {
  let blocks = Array("▁▂▃▄▅▆▇█")
  let count = min(width, numbers.count)
  guard count > 0 else { return "" }
  let means = (0..<count).map { block in
    let part = numbers[block * numbers.count / count..<(block + 1) * numbers.count / count]
    return part.reduce(0, +) / Double(part.count)
  }
  guard means.allSatisfy(\.isFinite), let least = means.min(), let most = means.max() else { return "" }
  return String(
    means.map { mean in
      most > least ? blocks[Int(((mean - least) / (most - least) * 7).rounded())] : blocks[0]
    })
}

/// Returns pictures beside each other in half-blocks, two pixels a character: as many as fit.
///
/// - Parameters:
///   - pictures: their pixels, row by row; all of one shape.
///   - width: the columns that there are.
package func halfBlocks(_ pictures: [[[Bool]]], width: Int) -> [String] {
  guard let first = pictures.first, let pixelWidth = first.first?.count, pixelWidth > 0 else { return [] }
  let shown = pictures.prefix((width + 1) / (pixelWidth + 1))
  return stride(from: 0, to: shown.isEmpty ? 0 : first.count, by: 2).map { top in
    shown.map { picture in
      String(
        (0..<pixelWidth).map { column -> Character in
          switch (picture[top][column], top + 1 < picture.count && picture[top + 1][column]) {
          case (true, true): "█"
          case (true, false): "▀"
          case (false, true): "▄"
          case (false, false): " "
          }
        })
    }.joined(separator: " ")
  }
}
