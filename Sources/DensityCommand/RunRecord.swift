import Arguments
import BinaryDensity
import Essentials

/// What a run was started with: the options of its command line, kept in its folder as `run.json`.
///
/// A run that goes on finds there its data again and, if it has members, all its settings.
struct RunRecord {
  /// The options as words, such as `--model=made`.
  private let options: [String]
  /// The folder that relative paths are relative to.
  private let folder: String

  /// The options that say nothing about what is trained.
  private static let passing: Set<String> = ["run", "resume", "threads", "json"]
  /// The options whose values are paths.
  private static let paths = [
    "data", "validation", "test", "labels", "validation-labels", "test-labels", "from",
  ]

  /// Takes down the options of a command line, the table among them as `--data`.
  init(_ arguments: ParsedArguments) {
    self.init(
      options: arguments.optionWords { !Self.passing.contains($0) },
      folder: FileManager.default.currentDirectoryPath)
  }

  /// Takes down what a run goes on with; nil if its command line says nothing new.
  ///
  /// What it began with stays as it was written then, so that data which are moved with the run are found again.
  init?(_ given: ParsedArguments, goingOnIn directory: RunDirectory) throws {
    let words = given.optionWords { !Self.passing.contains($0) }
    guard !words.isEmpty else { return nil }
    guard let earlier = try RunRecord(in: directory) else {
      self.init(given)
      return
    }
    let here = FileManager.default.currentDirectoryPath
    let options =
      earlier.options.filter { !given.isGiven(Self.parts($0).name) }
      + words.map { word in
        let (name, value) = Self.parts(word)
        // Labels may be the name of a column.
        guard let value, Self.paths.contains(name), !value.hasPrefix("/"),
          name != "labels" || FileManager.default.fileExists(atPath: value)
        else { return word }
        return "--\(name)=\(here)/\(value)"
      }
    self.init(options: options, folder: earlier.folder)
  }

  /// Reads the record of a run; nil if it has none.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none.
  private init?(in directory: RunDirectory) throws {
    guard FileManager.default.fileExists(atPath: directory.record) else { return nil }
    let record = try JSONValue(parsing: AtomicFile.read(directory.record)[...], path: directory.record)
    guard let folder = record["folder"]?.string,
      let options = record["options"]?.elements?.compactMap(\.string),
      options.allSatisfy({ TrainCommand.command.declares(option: Self.parts($0).name) })
    else {
      throw DensityError.malformed(
        path: directory.record, at: .field("options"), expected: "a folder and the options of a run",
        found: "others")
    }
    self.init(options: options, folder: folder)
  }

  /// Returns the name and the value of an option's word.
  private static func parts(_ word: String) -> (name: String, value: String?) {
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts.first ?? ""), parts.count == 2 ? String(parts[1]) : nil)
  }

  private init(options: [String], folder: String) {
    self.options = options
    self.folder = folder
  }

  /// Writes the record into a run's folder.
  func write(to directory: RunDirectory) throws(DensityError) {
    let value: JSONValue = [
      "command": "train", "folder": .string(folder), "options": .array(options.map(JSONValue.string)),
    ]
    try AtomicFile.write(Array((value.indentedDescription + "\n").utf8), to: directory.record)
  }

  /// Returns the options given to a run that is to go on, and besides those that it was started with.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none.
  static func completing(_ arguments: ParsedArguments, in directory: RunDirectory) throws -> ParsedArguments {
    guard let record = try RunRecord(in: directory) else { return arguments }
    var words = arguments.optionWords { _ in true }
    for word in record.options {
      let (name, value) = parts(word)
      if arguments.isGiven(name) { continue }
      let path = paths.contains(name) ? value : nil
      words.append(path.map { "--\(name)=\(found($0, from: record.folder))" } ?? word)
    }
    return try arguments.command.parse(words)
  }

  /// Returns where a file is that a command line in another folder has named: there, or else here.
  private static func found(_ path: String, from folder: String) -> String {
    let there = path.hasPrefix("/") ? path : folder + "/" + path
    guard there != FileManager.default.currentDirectoryPath + "/" + path else { return path }
    return FileManager.default.fileExists(atPath: there) ? there : path
  }
}
