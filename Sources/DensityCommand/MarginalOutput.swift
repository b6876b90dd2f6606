import Arguments
import BinaryDensity
import Essentials

/// Some rows' answers to `density marginal`.
enum MarginalPart {
  /// One for each row.
  case rows([LogProbability])
  /// One for each known cell of each row.
  case cells([[LogProbability?]])
}

/// Where answers go.
enum MarginalOutput {
  case nowhere
  case standardOutput(isOthers: Bool)
  case text(TableFile)
  case numbers(TableFile)
  case cells(NumberTableFile)

  /// - Parameter isJSON: whether standard output is to have the answers in another form.
  init(path: String?, isOthers: Bool, isJSON: Bool) throws(DensityError) {
    guard let path else {
      self = isJSON ? .nowhere : .standardOutput(isOthers: isOthers)
      return
    }
    if isOthers {
      self = .cells(try NumberTableFile(path: path))
    } else {
      let file = try TableFile(path: path, for: .numbers)
      self = file.format == .text ? .text(file) : .numbers(file)
    }
  }

  /// Writes answers as they come; a file takes its name when all are written.
  func writing(
    _ shape: TableWriter.Shape,
    _ produce: (_ write: (MarginalPart) throws(DensityError) -> Bool) throws(DensityError) -> Void
  ) throws(DensityError) {
    switch self {
    case .nowhere: try produce { (_) throws(DensityError) in true }
    case .standardOutput(true):
      let names = TableWriter.standardOutput(shape)
      try produce { (part) throws(DensityError) in
        try names.flush()
        return try StandardOutput.write(Self.cells(part).flatMap { NumberTableFile.line($0) })
      }
    case .standardOutput(false):
      // Nothing is written before there is an answer.
      var heading = Self.heading
      try produce { (part) throws(DensityError) in
        defer { heading = [] }
        return try StandardOutput.write(heading + Self.lines(part))
      }
    case .text(let file):
      var bytes = Self.heading
      try produce { (part) throws(DensityError) in
        bytes += Self.lines(part)
        return true
      }
      try AtomicFile.write(file.isCompressed ? Gzip.compress(bytes) : bytes, to: file.path)
    case .numbers(let file):
      var numbers: [Double] = []
      try produce { (part) throws(DensityError) in
        if case .rows(let answers) = part { numbers += answers.map(\.value) }
        return true
      }
      try file.write(numbers)
    case .cells(let file):
      try file.writing(shape) { (write) throws(DensityError) in
        try produce { (part) throws(DensityError) in
          for numbers in Self.cells(part) { try write(numbers) }
          return true
        }
      }
    }
  }

  private static let heading = Array("log_p,standard_error,certainty\n".utf8)

  private static func lines(_ part: MarginalPart) -> [UInt8] {
    guard case .rows(let answers) = part else { return [] }
    return answers.flatMap { answer in
      let certainty = answer.isExact ? "exact" : answer.isTrusted ? "estimate" : "untrusted"
      return Array("\(answer.value),\(answer.standardError),\(certainty)\n".utf8)
    }
  }

  /// A row of numbers for each row; a missing cell is not a number.
  private static func cells(_ part: MarginalPart) -> [[Float]] {
    guard case .cells(let rows) = part else { return [] }
    return rows.map { row in row.map { $0.map { Float($0.value) } ?? .nan } }
  }
}
