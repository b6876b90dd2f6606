/// A shell that can complete what is typed of a command.
package enum Shell: String, CaseIterable, Sendable {
  case bash
  case zsh
  case fish
}

extension Program {
  /// Returns a script that teaches a shell to complete the program's commands, their options and the values to choose from;
  /// anything else is completed as a path.
  package func completions(for shell: Shell) -> String {
    switch shell {
    case .bash: bashCompletions
    case .zsh: zshCompletions
    case .fish: fishCompletions
    }
  }

  private var topicWords: [String] { commands.map(\.name) + topics.map(\.name) }

  private var bashCompletions: String {
    var lines = [
      "# Completes \(name) in bash; from `\(name) completions bash`.",
      "_\(name)() {",
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\" command=\"${COMP_WORDS[1]}\"",
      "  local options= values=",
      "  COMPREPLY=()",
      "  if (( COMP_CWORD == 1 )); then",
      "    COMPREPLY=($(compgen -W \"\(commands.map(\.name).joined(separator: " ")) help\" -- \"$word\"))",
      "    return",
      "  fi",
      "  case \"$command\" in",
      "  help) values=\"\(topicWords.joined(separator: " "))\" ;;",
    ]
    for command in commands {
      let options = command.options + Option.common
      lines.append("  \(command.name)) options=\"\(options.flatMap(\.words).joined(separator: " "))\"")
      let choices = options.filter { !$0.allowed.isEmpty }
      if !choices.isEmpty {
        lines.append("    case \"$before\" in")
        for option in choices {
          lines.append(
            "    \(option.words.joined(separator: "|"))) values=\"\(option.allowed.joined(separator: " "))\" ;;"
          )
        }
        lines.append("    esac")
      }
      if let choices = command.positionals.first?.choices, !choices.isEmpty {
        lines.append("    (( COMP_CWORD == 2 )) && values=\"\(choices.joined(separator: " "))\"")
      }
      lines.append("    ;;")
    }
    lines += [
      "  esac",
      "  if [[ -n $values && $word != -* ]]; then",
      "    COMPREPLY=($(compgen -W \"$values\" -- \"$word\"))",
      "  elif [[ $word == -* ]]; then",
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))",
      "  fi",
      "}",
      "complete -o default -o bashdefault -F _\(name) \(name)",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private var zshCompletions: String {
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    /// A description in brackets, or before a colon, where these and backslashes mean something.
    func described(_ text: String) -> String {
      ["\\", "[", "]", ":"].reduce(text) { $0.replacing($1, with: "\\" + $1) }
    }
    var lines = [
      "#compdef \(name)", "# Completes \(name) in zsh; from `\(name) completions zsh`.", "_\(name)() {",
      "  if (( CURRENT == 2 )); then", "    local -a commands=(",
    ]
    lines += commands.map { "      " + quoted("\($0.name):\(described($0.summary))") }
    lines += [
      "      " + quoted("help:Tell of a command or a topic."), "    )", "    _describe command commands",
      "    return", "  fi", "  local command=$words[2]", "  shift words", "  (( CURRENT-- ))",
      "  case $command in",
      "  help) _arguments " + quoted("1:topic:(\(topicWords.joined(separator: " ")))") + " ;;",
    ]
    for command in commands {
      lines.append("  \(command.name)) _arguments \\")
      for option in command.options + Option.common {
        let value = option.placeholder.map { placeholder in
          ":\(described(placeholder)):"
            + (option.allowed.isEmpty ? "_files" : "(\(option.allowed.joined(separator: " ")))")
        }
        for word in option.words {
          lines.append(
            "    "
              + quoted(
                (option.isRepeated ? "*" : "") + word + "[\(described(option.brief))]" + (value ?? ""))
              + " \\")
        }
      }
      let choices = command.positionals.first?.choices ?? []
      lines.append(
        "    "
          + quoted(
            choices.isEmpty
              ? "*:file:_files" : "1:\(command.positionals[0].name):(\(choices.joined(separator: " ")))")
          + " ;;")
    }
    lines += ["  esac", "}", "_\(name) \"$@\""]
    return lines.joined(separator: "\n") + "\n"
  }

  private var fishCompletions: String {
    func quoted(_ text: String) -> String {
      "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
    let begin = "complete -c \(name)"
    var lines = ["# Completes \(name) in fish; from `\(name) completions fish`."]
    for command in commands {
      lines.append("\(begin) -f -n __fish_use_subcommand -a \(command.name) -d \(quoted(command.summary))")
    }
    lines.append("\(begin) -f -n __fish_use_subcommand -a help -d 'Tell of a command or a topic.'")
    let topics = topicWords.joined(separator: " ")
    lines.append("\(begin) -f -n '__fish_seen_subcommand_from help' -a \(quoted(topics))")
    for command in commands {
      let condition = "-n '__fish_seen_subcommand_from \(command.name)'"
      for option in command.options + Option.common {
        var line = "\(begin) \(condition) -l \(option.name)" + (option.short.map { " -s \($0)" } ?? "")
        if option.placeholder != nil {
          line += option.allowed.isEmpty ? " -r" : " -x -a \(quoted(option.allowed.joined(separator: " ")))"
        }
        lines.append(line + " -d \(quoted(option.brief))")
      }
      if let choices = command.positionals.first?.choices, !choices.isEmpty {
        lines.append("\(begin) -f \(condition) -a \(quoted(choices.joined(separator: " ")))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Option {
  /// How it is typed, long and short.
  fileprivate var words: [String] { ["--\(name)"] + (short.map { ["-\($0)"] } ?? []) }

  /// The first sentence of its help.
  fileprivate var brief: String {
    guard let end = help.firstRange(of: ". ") else { return help }
    return String(help[..<end.lowerBound]) + "."
  }
}
