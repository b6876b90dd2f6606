import Arguments
import BinaryDensity
import Essentials
import Kernels

/// What a run was started with: the options of its command line, kept in its folder as `run.json`; and in the end what came
/// of it.
///
/// A run that goes on finds there its data again and, if it has members, all its settings; `train --config` starts another
/// with them.
struct RunRecord {
  /// The options as words, such as `--model=made`.
  private let options: [String]
  /// The folder that relative paths are relative to.
  private let folder: String
  /// The record that the run repeats, and what that was trained on, if it says so.
  private var repeated: (path: String, data: DataFingerprint)?

  /// The options that say nothing about what is trained.
  private static let passing: Set<String> = ["run", "resume", "threads", "verbose", "json", "config"]
  /// The options whose values are paths.
  private static let paths = [
    "data", "validation", "test", "labels", "validation-labels", "test-labels", "from",
  ]

  /// Takes down the options of a command line, the table among them as `--data`.
  init(_ arguments: ParsedArguments) {
    self.init(
      options: arguments.optionWords { !Self.passing.contains($0) },
      folder: FileManager.default.currentDirectoryPath)
    if let path = try? arguments.optionalValue("config", as: .path), let data = Self.data(ofRecord: path) {
      repeated = (path, data)
    }
  }

  /// Says that a run repeats another on other rows, if it does.
  func note(on data: DataSplits) -> String? {
    guard let repeated, !data.fingerprint.describesTheSameData(as: repeated.data) else { return nil }
    return
      "note: the rows are others than those of \(repeated.path): now \(data.fingerprint), then \(repeated.data)"
  }

  /// Returns what a record says that its run was trained on.
  private static func data(ofRecord path: String) -> DataFingerprint? {
    let record = try? JSONValue(parsing: AtomicFile.read(path)[...], path: path)
    return record?["data"].flatMap { try? decodeJSON("\($0)") }
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
    try self.init(contentsOf: directory.record)
  }

  /// Reads a record.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none, and what reading throws.
  private init(contentsOf path: String) throws {
    let record = try JSONValue(parsing: AtomicFile.read(path)[...], path: path)
    func malformed(_ field: String, _ expected: String, _ found: String) -> DensityError {
      .malformed(path: path, at: .field(field), expected: expected, found: found)
    }
    guard record["command"]?.string == "train" else {
      throw malformed("command", "'train'", record["command"].map { "\($0)" } ?? "nothing")
    }
    guard let folder = record["folder"]?.string else {
      throw malformed("folder", "the folder that the run was started in", "none")
    }
    guard let words = record["options"]?.elements else {
      throw malformed("options", "a list of options", "none")
    }
    let options = try words.map { word in
      guard let option = word.string, TrainCommand.command.declares(option: Self.parts(option).name) else {
        throw malformed("options", "options of 'density train'", "\(word)")
      }
      return option
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
    try Self.write(
      [
        .init(key: "command", value: "train"), .init(key: "folder", value: .string(folder)),
        .init(key: "options", value: .array(options.map(JSONValue.string))),
        .init(key: "version", value: .string(Provenance.currentVersion)),
        .init(
          key: "machine",
          value: [
            "processors": .integer(ProcessInfo.processInfo.activeProcessorCount),
            "threads": .integer(Threads.count),
            "instruction_set": .string(InstructionSet.current.rawValue),
          ]),
      ], to: directory)
  }

  /// Adds to the record of a run what it was trained on and what came of it, in place of what an earlier part of it has
  /// added; a run without a record stays without.
  static func complete(_ directory: RunDirectory, _ data: DataSplits, _ result: [JSONValue.Member]) throws {
    guard FileManager.default.fileExists(atPath: directory.record) else { return }
    let record = try JSONValue(parsing: AtomicFile.read(directory.record)[...], path: directory.record)
    try write(
      (record.members ?? []).filter { $0.key != "data" && $0.key != "result" } + [
        .init(key: "data", value: try JSONValue(encoding: data.fingerprint)),
        .init(key: "result", value: .object(result)),
      ], to: directory)
  }

  private static func write(_ members: [JSONValue.Member], to directory: RunDirectory) throws(DensityError) {
    try AtomicFile.write(
      Array((JSONValue.object(members).indentedDescription + "\n").utf8), to: directory.record)
  }

  /// Returns the options given to a run that is to go on, and besides those that it was started with.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none.
  static func completing(_ arguments: ParsedArguments, in directory: RunDirectory) throws -> ParsedArguments {
    try RunRecord(in: directory)?.completing(arguments) ?? arguments
  }

  /// Returns the options given to a run that is to do what another did, and besides those of the other's record.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none.
  static func completing(_ arguments: ParsedArguments, fromRecord path: String) throws -> ParsedArguments {
    try RunRecord(contentsOf: path).completing(arguments)
  }

  private func completing(_ arguments: ParsedArguments) throws -> ParsedArguments {
    var words = arguments.optionWords { _ in true }
    for word in options {
      let (name, value) = Self.parts(word)
      if arguments.isGiven(name) { continue }
      let path = Self.paths.contains(name) ? value : nil
      words.append(path.map { "--\(name)=\(Self.found($0, from: folder))" } ?? word)
    }
    return try arguments.command.parse(words)
  }

  /// Returns the options that a run was started with, its files where they are now; nil if it has no record.
  ///
  /// - Throws: `DensityError.malformed` for a record that is none.
  static func arguments(in directory: RunDirectory) throws -> ParsedArguments? {
    guard FileManager.default.fileExists(atPath: directory.record) else { return nil }
    return try completing(try TrainCommand.command.parse([]), in: directory)
  }

  /// Returns where a file is that a command line in another folder has named: there, or else here.
  private static func found(_ path: String, from folder: String) -> String {
    let there = path.hasPrefix("/") ? path : folder + "/" + path
    guard there != FileManager.default.currentDirectoryPath + "/" + path else { return path }
    return FileManager.default.fileExists(atPath: there) ? there : path
  }
}
