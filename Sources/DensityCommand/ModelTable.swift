import Arguments
import BinaryDensity
import Essentials

/// The rows that a command asks a model about, as they are read: those of a file, or a part of a folder's, the columns in the
/// model's order.
struct ModelTable {
  /// Which rows.
  struct Part: Equatable {
    let path: String
    let split: DataSplit
    let isFolder: Bool
    private let resolvedPath: String

    init(_ path: String, _ split: DataSplit) {
      (self.path, self.split) = (path, split)
      isFolder = DataOptions.isDirectory(path)
      resolvedPath = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    /// The table, and the part of a folder, that a command line names.
    init(_ arguments: ParsedArguments) throws {
      self.init(
        try DataOptions.tablePath(arguments), try arguments.value("split", as: ValueFormat<DataSplit>.choice))
    }

    /// What to call them.
    var name: String { isFolder ? "\(path) (\(split.rawValue))" : path == "-" ? "standard input" : path }

    /// Whether both are the same rows.
    static func == (a: Part, b: Part) -> Bool {
      a.resolvedPath == b.resolvedPath && (!a.isFolder || a.split == b.split)
    }
  }

  /// Some consecutive rows.
  struct Block {
    let rows: BinaryMatrix
    /// Which cells are known; nil if all are.
    var known: BinaryMatrix?
    /// The rows as they stand in a text that is kept.
    var texts: [TableText.Row]?
    /// How many rows came before.
    let firstRow: Int
    /// How much was read with them, as far as that is known, and before.
    let fraction: Double?
    let fractionBefore: Double?

    /// How much of all is done when a fraction of the block is.
    func overall(_ part: Double) -> Double? {
      guard let fraction, let fractionBefore else { return nil }
      return fractionBefore + (fraction - fractionBefore) * part
    }
  }

  /// Where rows come from.
  enum Rows {
    case stream(TableStream)
    case whole(BinaryMatrix)
  }

  let part: Part
  /// The file, as errors name it.
  let path: String
  /// The height and width of the picture that a row is, if it is one.
  let imageShape: ImageShape?
  /// The names of the columns, the table's own or else the model's.
  let columnNames: [String]?
  /// What is known of the part of the rows that is wanted, if it is not all.
  let shard: ShardRecord?
  let rows: Rows
  let checkpoint: Checkpoint
  private let arguments: ParsedArguments

  /// Opens rows.
  ///
  /// - Parameters:
  ///   - keepsText: whether rows of text are kept as they stand.
  ///   - isWhole: whether all rows are wanted, whatever `--shard` says of the table that the command is about.
  init(
    _ arguments: ParsedArguments, _ part: Part, for checkpoint: Checkpoint, keepsText: Bool = false,
    isWhole: Bool = false
  ) throws {
    (self.arguments, self.part, self.checkpoint) = (arguments, part, checkpoint)
    if !isWhole, Self.isDivided(arguments), part.path == "-" || AtomicFile.isWrittenInPlace(part.path) {
      throw UsageError(
        "--shard needs a file, whose rows can be counted; \(part.path == "-" ? "standard input" : part.path) can be read "
          + "once only")
    }
    if part.isFolder {
      path = part.path
      let all = try DataOptions.rows(arguments, folder: part.path, split: part.split, for: checkpoint)
      rows = .whole(all)
      shard =
        isWhole
        ? nil
        : try Self.shard(arguments, part, columnCount: all.columnCount) {
          (all.rowCount, "rows of CRC-32 \(CRC32.text(of: all.checksum))")
        }
      imageShape = checkpoint.imageShape
      columnNames = checkpoint.columnNames
    } else {
      let table = try DataOptions.stream(
        arguments, path: part.path, for: checkpoint, split: part.split, keepsText: keepsText)
      path = table.path
      rows = .stream(table)
      shard =
        isWhole
        ? nil
        : try Self.shard(arguments, part, columnCount: table.columnCount) {
          let rowCount = try table.promisedRowCount ?? Self.countRows(arguments, part, for: checkpoint)
          return (rowCount, try FileCheck.text(of: part.path))
        }
      imageShape = table.imageShape ?? checkpoint.imageShape
      columnNames = table.columnNames ?? checkpoint.columnNames
    }
  }

  /// Whether a command line wants a part of the rows.
  private static func isDivided(_ arguments: ParsedArguments) -> Bool {
    arguments.declares(ShardRecord.option.name) && arguments.isGiven(ShardRecord.option.name)
  }

  /// Finds out which part of the rows a command line wants; nil for all.
  ///
  /// - Parameter whole: counts all rows, and tells them from others.
  /// - Throws: `UsageError` for more parts than rows; what reading throws.
  private static func shard(
    _ arguments: ParsedArguments, _ part: Part, columnCount: Int,
    _ whole: () throws -> (rowCount: Int, check: String)
  ) throws -> ShardRecord? {
    guard isDivided(arguments) else { return nil }
    let (rowCount, check) = try whole()
    return try ShardRecord(arguments, rowCount: rowCount, columnCount: columnCount, check: check)
  }

  /// Counts the rows of a file that does not say how many it has.
  private static func countRows(
    _ arguments: ParsedArguments, _ part: Part, for checkpoint: Checkpoint
  ) throws -> Int {
    let table = try DataOptions.stream(arguments, path: part.path, for: checkpoint, split: part.split)
    let progress = ProgressLine()
    var rowCount = 0
    try table.forEachPartialBlock(of: table.blockLength) { (rows, _) throws(DensityError) in
      rowCount += rows.rowCount
      if let fraction = table.fraction { progress.update("counting rows", fraction: fraction) }
      return true
    }
    progress.finish()
    return rowCount
  }

  /// How the table stands in its file, if it is a text that is kept.
  var text: TableText? { if case .stream(let table) = rows { table.text } else { nil } }

  /// How a file was taken, as far as it was read.
  var source: TableSource? { if case .stream(let table) = rows { table.origin } else { nil } }

  /// How many rows to ask for at a time, so that memory is bounded and no thread is idle.
  var blockLength: Int {
    switch rows {
    case .stream(let table): table.blockLength
    case .whole(let rows): max(1, rows.rowCount)
    }
  }

  /// Says how the table was taken, once it has been read without fault.
  func report() throws {
    try DataOptions.report(source, arguments, path: path, for: checkpoint)
  }
}
