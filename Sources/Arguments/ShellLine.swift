/// Returns words as one types them into a shell, in one line.
package func shellLine(_ words: [String]) -> String { words.map(shellWord).joined(separator: " ") }

/// Returns a word as one types it into a shell.
package func shellWord(_ word: String) -> String {
  let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,+@%~".utf8)
  let isPlain = !word.isEmpty && word.first != "~" && word.utf8.allSatisfy(plain.contains)
  return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
}

/// Returns a path as an argument: one that begins with a dash would be taken for an option.
package func argument(ofPath path: String) -> String {
  path.hasPrefix("-") && path != "-" ? "./" + path : path
}
