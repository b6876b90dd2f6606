import Arguments

/// The page `density help json`.
enum JSONHelp {
  static let topic = HelpTopic(
    name: "json", summary: "What the figures are called that '--json' prints.",
    sections: [
      .paragraphs(
        """
        With --json a command prints one object on standard output, and nothing else there; progress and errors go to standard \
        error as always. What is not known, is infinite or cannot be, is null (but 'compare' has "inf" and "-inf"). A later version may add members; one whose meaning changes \
        gets another name.
        """),
      .table(title: "In every object", rows: everywhere),
      .table(title: "Figures", rows: figures),
      .table(title: "What they are of", rows: subjects),
      .examples([
        Command.Example(
          "density evaluate model.safetensors test.csv --json | jq .nll", "the figure alone")
      ]),
    ])

  private static let everywhere = [
    ("command", "The command that printed it."), ("version", "The version of the program."),
  ]

  private static let figures = [
    ("nll", "The mean of -log p over rows, in nats; validation_nll that of the rows that chose."),
    ("log_p", "log p of a row or an answer, in nats; mean_log_p the mean of rows'."),
    ("standard_error", "One standard error of the object's figure; of figure X, X_standard_error."),
    (
      "bits_per_variable",
      "The same as nll in bits, over the number of variables. Keys that name bits are in bits."
    ),
    (
      "exact",
      "Whether a figure is exact but for rounding; without the member it is, unless estimated is true."
    ),
    ("trusted", "Whether an estimate's standard error can be trusted."),
    (
      "drawn_ones, table_ones", "The mean number of ones in a row of the model, and of its table."
    ),
    ("seconds, rows_per_second", "How long it took, and how fast that was."),
  ]

  private static let subjects = [
    ("model, configuration, parameters", "The family, its settings, and the number of its parameters."),
    ("checkpoint, table, output", "Paths."),
    ("tables", "What was read: path, taken_as, columns, left_out, missing."),
    ("rows, columns, cells", "How many; of mode, the rows themselves."),
    ("row, column, variable", "Which: numbers count from 1, names are the table's."),
    ("split", "train, validation or test; of a table by itself its path."),
    ("results", "One object for each split measured: split, rows, nll, standard_error, …"),
    (
      "answers",
      "One object for each query or row: query, row, probability, log_p, exact, or query and error."
    ),
  ]
}
