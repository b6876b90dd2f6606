import BinaryDensity
import Testing
import _TestSupport

@Suite("Tables of text: one way of reading is as good as another")
struct TextFuzzTests {
  /// A text of bits, whose lines are written in one of several ways each.
  static func text(
    _ bits: BinaryMatrix, separator: String, isPlain: Bool, using generator: inout SplitMix
  ) -> String {
    var text = ""
    for row in 0..<bits.rowCount {
      let form = isPlain ? 0 : Int.random(in: 0..<5, using: &generator)
      let words = [("0", "1"), ("0", "1"), ("0.0", "1e0"), ("\"0\"", "\"1\""), ("-0", "+1")][form]
      let cells = (0..<bits.columnCount).map { bits[row, $0] ? words.1 : words.0 }
      text += cells.joined(separator: separator) + (form == 1 ? " " : "")
      text += isPlain ? "\n" : ["\n", "\r\n", "\r", "\n\n"][Int.random(in: 0..<4, using: &generator)]
    }
    return text
  }

  @Test(
    "digits eight bytes at a time are the same as field by field", arguments: [",", ";", "\t", "|", " "],
    [2, 3, 4, 5, 8, 9, 63, 64, 65, 127, 784, 40_000])
  func agreement(separator: String, columnCount: Int) throws {
    var generator = SplitMix(state: UInt64(columnCount))
    // More than some windows of the file.
    let rowCount = max(4, 120_000 / columnCount)
    let bits = randomBits(rowCount: min(rowCount, 60_000), columnCount: columnCount, using: &generator)
    for isPlain in [true, false] {
      let text = Self.text(bits, separator: separator, isPlain: isPlain, using: &generator)
      try withFile(text.utf8) { path in try #expect(DataTable.read(path).contents == .bits(bits)) }
    }
  }

  @Test("bit strings too", arguments: [2, 7, 8, 9, 63, 64, 65, 1000])
  func bitStrings(columnCount: Int) throws {
    var generator = SplitMix(state: UInt64(columnCount))
    let bits = randomBits(rowCount: 120_000 / columnCount, columnCount: columnCount, using: &generator)
    for end in ["\n", "\r\n", "\r", " \n"] {
      var text = ""
      for row in 0..<bits.rowCount {
        text += (0..<columnCount).map { bits[row, $0] ? "1" : "0" }.joined() + end
      }
      try withFile(text.utf8) { path in try #expect(DataTable.read(path).contents == .bits(bits)) }
    }
  }

  @Test("missing cells stay where they are among lines of digits", arguments: [2, 64, 65, 130])
  func missing(columnCount: Int) throws {
    var generator = SplitMix(state: 5)
    let bits = randomBits(rowCount: 3000, columnCount: columnCount, using: &generator)
    let known = randomBits(
      rowCount: 3000, columnCount: columnCount, probability: 1 - 0.3 / Double(columnCount), using: &generator)
    var text = ""
    for row in 0..<bits.rowCount {
      text += (0..<columnCount).map { known[row, $0] ? bits[row, $0] ? "1" : "0" : "" }.joined(separator: ",")
      text += "\n"
    }
    let values = BinaryMatrix(rowCount: 3000, columnCount: columnCount) { bits[$0, $1] && known[$0, $1] }
    try withFile(text.utf8) { path in
      let table = try DataTable.read(path)
      #expect(table.contents == .partial(PartialRows(values: values, known: known)))
      #expect(table.summary.missingCount == 3000 * columnCount - known.onBitCount)
    }
  }

  @Test("5000 damaged texts are one error or the right table", arguments: 0..<10)
  func damage(seed: Int) throws {
    var generator = SplitMix(state: UInt64(seed))
    var tables = 0
    for trial in 0..<500 {
      let bytes = Self.damaged(trial, using: &generator)
      try withFile(bytes) { path in
        do throws(DensityError) {
          let taken = try take(path: path, TableOptions())
          #expect(!taken.rows.isEmpty)
          if let expected = Self.plainReading(bytes, taken) {
            tables += 1
            #expect(taken.rows == expected, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
          }
        } catch {
          #expect(error.description.hasPrefix(path + ": "))
          #expect(!error.description.contains("\n"))
        }
      }
    }
    #expect(tables > 20)
  }

  static func damaged(_ trial: Int, using generator: inout SplitMix) -> [UInt8] {
    let separator = [",", ";", "\t", "|", " "][trial % 5]
    let columnCount = Int.random(in: 1...9, using: &generator)
    let bits = randomBits(
      rowCount: Int.random(in: 1...6, using: &generator), columnCount: columnCount, using: &generator)
    var bytes: [UInt8] = []
    if trial % 2 == 0 {
      bytes += Array((0..<columnCount).map { "n\($0)" }.joined(separator: separator).utf8) + [0x0A]
    }
    bytes += Array(text(bits, separator: separator, isPlain: trial % 3 == 0, using: &generator).utf8)
    let alphabet = Array("01,;\t| \"\r\n#%?.-+2xa\0\u{1A}NA".utf8) + [0xFF, 0xEF, 0x80]
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[place] = byte
      case 1: bytes.insert(byte, at: place)
      case 2: bytes.remove(at: place)
      case 3: bytes.removeSubrange(place...)
      default: bytes += bytes[..<place]
      }
    }
    return bytes
  }

  /// Reads a text line by line and field by field in the plainest way, where it is plain enough.
  static func plainReading(_ bytes: [UInt8], _ taken: TakenText) -> String? {
    let separators = ["comma": ",", "semicolon": ";", "tab": "\t", "blanks": " "]
    guard let separator = separators[taken.dialect], taken.leftOut.isEmpty, !bytes.contains(0x22),
      !bytes.contains(0x1A), bytes.allSatisfy({ $0 < 0x80 })
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\r\n" || $0 == "\r" || $0 == "\n" }
    lines.removeFirst(taken.nameLine ?? 0)
    var rows: [String] = []
    for line in lines {
      let start = line.drop { $0 == " " }
      let isEmpty = line.allSatisfy { $0 == " " || $0 == "\t" && separator != "\t" }
      if isEmpty || start.hasPrefix("#") || start.hasPrefix("%") { continue }
      let fields =
        separator == " "
        ? line.split { $0 == " " || $0 == "\t" }
        : line.split(separator: separator, omittingEmptySubsequences: false)
      rows.append(
        fields.map { field in
          let word = field.filter { $0 != " " && $0 != "\t" }.uppercased()
          if ["", "?", ".", "NA", "N", "A"].contains(word) {
            return word == "N" ? "0" : word == "A" ? "x" : "?"
          }
          return Double(word).map { $0 == 1 ? "1" : $0 == 0 ? "0" : "x" } ?? "x"
        }.joined())
    }
    // A first line may count the rows.
    if let first = rows.first, first.contains("x"), taken.rows == rows.dropFirst().joined(separator: " ") {
      return taken.rows
    }
    return rows.joined(separator: " ")
  }
}
