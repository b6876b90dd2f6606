extension DataSplits {
  /// Reads a data set from one file a part, each in any form that `DataTable` reads.
  ///
  /// Cells may be missing in any of them. Grey levels are binarized; tables that already are bits are as they are, and if
  /// all are, `binarization` of the result is nil. Columns that have names are found by them in the other files. Of a packed
  /// training table of more than a gibibyte whose cells are all there and whose columns are wanted as they are, the rows are
  /// not held but read as they are wanted (`isSampled`).
  /// - Parameters:
  ///   - train: the path of the training table.
  ///   - validation: the path of the validation table, if there is one.
  ///   - test: the path of the test table, if there is one.
  ///   - name: what to call it; otherwise the training file's name up to its first dot.
  ///   - binarization: how grey levels become bits.
  ///   - options: how to read all files.
  ///   - checkpoint: a model whose columns the training table is to have.
  /// - Throws: what `DataTable.read` throws; `.mismatch` naming the file if it has other columns than the training file.
  public static func load(
    train: String, validation: String? = nil, test: String? = nil, name: String? = nil,
    binarization: Binarization = .standard, _ options: TableOptions = TableOptions(),
    matching checkpoint: Checkpoint? = nil
  ) throws(DensityError) -> DataSplits {
    let wanted = checkpoint.map { WantedColumns($0) }
    var trainOptions = options
    // What is to be left out may be in one of the others alone.
    trainOptions.ignoresUnknown = validation != nil || test != nil
    let rows = try PackedRows.unheld(train, trainOptions, matching: wanted)
    let trainTable: DataTable
    if let rows {
      trainTable = try DataTable(path: train, sampling: rows)
    } else {
      trainTable = try DataTable.read(train, trainOptions, matching: wanted)
    }
    var tables = [trainTable]
    func read(_ path: String?) throws(DensityError) -> DataTable? {
      guard let path else { return nil }
      var options = options
      options.keptCount = trainTable.columnCount
      options.borrowedWords = .all
      // Who says from what number columns are counted has numbers in place of names.
      if options.indexBase == nil { options.knownNames = trainTable.columnNames }
      options.indexBase = options.indexBase ?? trainTable.summary.indexBase
      // What the training table is read without need not be in the others.
      options.ignoresUnknown = true
      tables.append(try DataTable.read(path, options, matching: WantedColumns(trainTable)))
      return tables.last
    }
    let validationTable = try read(validation)
    let testTable = try read(test)
    if wanted?.names == nil { try checkIgnored(options.ignored, in: tables) }
    let isGrey = tables.contains { $0.greyLevels != nil }
    let partial = [DataSplit.train: trainTable, .validation: validationTable, .test: testTable]
      .compactMapValues { $0?.partialRows }
    func bits(_ table: DataTable, _ split: DataSplit) throws(DensityError) -> BinaryMatrix {
      if let rows = partial[split] { return rows.values }
      return try table.rows(binarization, split: split)
    }
    return DataSplits(
      name: name ?? baseName(train), train: try bits(trainTable, .train),
      validation: try validationTable.map { table throws(DensityError) in try bits(table, .validation) },
      test: try testTable.map { table throws(DensityError) in try bits(table, .test) },
      imageShape: trainTable.imageShape, binarization: isGrey ? binarization : nil,
      trainLevels: trainTable.greyLevels, otherSource: rows, partial: partial
    ).described(
      columnNames: trainTable.columnNames,
      sources: tables.map(\.origin),
      paths: [.train: train, .validation: validation, .test: test].compactMapValues(\.self),
      values: options.values)
  }

  /// Makes sure that each column that is to be left out, by its name or number, is in one of the tables.
  private static func checkIgnored(_ words: [String], in tables: [DataTable]) throws(DensityError) {
    for word in words {
      let isThere = tables.contains { table in
        let names = table.columnNames.map { $0 + table.summary.leftOut }
        let count = table.columnCount + table.summary.leftOut.count
        return (try? ColumnSelection.columns([word], option: "--ignore", names, count)) != nil
      }
      guard !isThere else { continue }
      throw .invalidConfiguration(
        "--ignore \(word): no such column in \(tables.map(\.path).joined(separator: ", "))")
    }
  }

  /// Returns the last part of a path up to its first dot.
  private static func baseName(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.split(separator: ".").first.map(String.init) ?? file
  }
}
