/// What stands before `@data`.
struct ARFFHeader {
  let path: String
  private(set) var lines = LineCounter()
  private(set) var attributes: [ARFFAttribute] = []
  private(set) var isFinished = false
  private let given: TextWords
  /// Whether the given words for off and on are another table's.
  private let areBorrowed: Bool

  /// - Parameter options: of which the words for off, on and missing matter.
  init(path: String, options: TableOptions) {
    self.path = path
    given = TextWords(options)
    areBorrowed = options.borrowedWords != .none
  }

  /// Reads lines until `@data`, and returns what follows it.
  mutating func add(
    _ text: UnsafeBufferPointer<UInt8>
  ) throws(DensityError) -> UnsafeBufferPointer<UInt8>.SubSequence {
    var start = 0
    for place in text.indices {
      guard lines.ends(at: text[place]) else {
        if text[place] == 0x0A { start = place + 1 }
        continue
      }
      try addLine(UnsafeBufferPointer(rebasing: text[start..<place]))
      lines.advance()
      start = place + 1
      if isFinished { return text[start...] }
    }
    return text[text.endIndex...]
  }

  private mutating func addLine(_ line: UnsafeBufferPointer<UInt8>) throws(DensityError) {
    var scanner = ARFFScanner(line)
    guard let first = scanner.skipBlanks(), first != 0x25 else { return }
    guard case .word(let word) = scanner.word() else {
      throw malformed(expected: "@relation, @attribute or @data", found: quoted(Array(line)))
    }
    switch String(decoding: word.prefix(16), as: UTF8.self).lowercased() {
    case "@relation": break
    case "@data": isFinished = true
    case "@attribute":
      guard case .word(let name) = scanner.word(), scanner.skipBlanks() != nil else {
        throw malformed(expected: "an attribute's name and type", found: quoted(Array(line)))
      }
      attributes.append(
        ARFFAttribute(
          name: String(decoding: name, as: UTF8.self), values: try type(&scanner), line: lines.line))
    default: throw malformed(expected: "@relation, @attribute or @data", found: quoted(word))
    }
  }

  private func type(_ scanner: inout ARFFScanner) throws(DensityError) -> ARFFAttribute.Values {
    guard scanner.takes(0x7B) else {
      guard case .word(let word) = scanner.word() else {
        throw malformed(expected: "an attribute's type", found: "none")
      }
      let type = String(decoding: word.prefix(40), as: UTF8.self).lowercased()
      return ["numeric", "real", "integer"].contains(type) ? .numbers : .other(quoted(type.utf8))
    }
    var words: [String] = []
    while !scanner.takes(0x7D) {
      if !words.isEmpty, !scanner.takes(0x2C) {
        throw malformed(expected: "a comma or }", found: quoted(Array(scanner.rest)))
      }
      guard case .word(let word) = scanner.word() else {
        throw malformed(expected: "values in { }", found: quoted(Array(scanner.rest)))
      }
      words.append(String(decoding: word, as: UTF8.self))
    }
    return meaning(of: words)
  }

  /// Returns which of some words is on, apart from those that stand for a missing cell.
  private func meaning(of all: [String]) -> ARFFAttribute.Values {
    let words = all.filter { !given.isGivenAsMissing($0.utf8) }
    let isMeant = given.areGiven && !(areBorrowed && words.allSatisfy { given.givenBit(of: $0.utf8) == nil })
    let bits = words.map { word -> Bool? in
      if isMeant { return given.givenBit(of: word.utf8) }
      switch word.lowercased() {
      case "1", "1.0", "true", "t", "yes", "y": return true
      case "0", "0.0", "false", "f", "no", "n": return false
      default: return nil
      }
    }
    guard !bits.isEmpty, bits.count == Set(bits).count, !bits.contains(nil) else {
      let some = all.prefix(4).joined(separator: ",") + (all.count > 4 ? ",…" : "")
      return .other("{" + quoted(some.utf8).dropFirst().dropLast() + "}")
    }
    let word = { (wanted: Bool) in bits.firstIndex(of: wanted).map { words[$0] } }
    let first = all.first == words.first ? bits[0] : nil
    return .words(off: word(false), on: word(true), first: first)
  }

  /// An error about the line that is being read.
  func malformed(expected: String, found: String) -> DensityError {
    .malformed(path: path, at: .line(lines.line), expected: expected, found: found)
  }
}

/// The words of a line, in quotes or without, and the signs between them.
struct ARFFScanner {
  enum Word {
    case word(ArraySlice<UInt8>)
    /// A sign, or the end of the line, stands here.
    case none
    /// A quote opens that does not close.
    case unclosed
  }

  private let line: UnsafeBufferPointer<UInt8>
  private var place = 0
  /// Whether the blanks that were skipped last held a tab, which divides values as a comma does.
  private(set) var tookTab = false

  /// - Parameter line: is lent, and must live as long as the scanner.
  init(_ line: UnsafeBufferPointer<UInt8>) { self.line = line }

  /// What was not read.
  var rest: UnsafeBufferPointer<UInt8>.SubSequence { line[place...] }

  /// Goes to the next byte that is no blank, and returns it.
  mutating func skipBlanks() -> UInt8? {
    tookTab = false
    while place < line.count, line[place] <= 0x20 {
      if line[place] == 0x09 { tookTab = true }
      place += 1
    }
    return place < line.count ? line[place] : nil
  }

  /// Takes a sign if it comes next.
  mutating func takes(_ sign: UInt8) -> Bool {
    guard skipBlanks() == sign else { return false }
    place += 1
    return true
  }

  /// Takes the next word.
  mutating func word() -> Word {
    guard let first = skipBlanks() else { return .none }
    guard first == 0x22 || first == 0x27 else {
      let start = place
      while place < line.count, line[place] > 0x20, !Self.isSign(line[place]) { place += 1 }
      return place > start ? .word(ArraySlice(line[start..<place])) : .none
    }
    var word: [UInt8] = []
    place += 1
    while place < line.count, line[place] != first {
      // A backslash takes the next byte as it is.
      if line[place] == 0x5C, place + 1 < line.count { place += 1 }
      word.append(line[place])
      place += 1
    }
    guard place < line.count else { return .unclosed }
    place += 1
    return .word(word[...])
  }

  private static func isSign(_ byte: UInt8) -> Bool { byte == 0x2C || byte == 0x7B || byte == 0x7D }
}
