import Arguments
import BinaryDensity

/// The page `density help queries`.
enum QueryHelp {
  /// The page; its last part is found by asking small models.
  static let topic = HelpTopic(
    name: "queries", summary: "What 'density query' can be asked, and how each model answers.",
    sections: [
      .paragraphs(
        """
        A query is P(event) or P(event | condition), with log before it for the logarithm. A condition may be any event. \
        Cells that nothing is said of may have either value.
        """),
      .table(title: "Events", rows: events),
      .table(title: "Answers", rows: answers),
      .table(title: "Errors", rows: mistakes),
      .examples([
        Command.Example(
          "density query model.safetensors 'P(runner=yes | smoker=no, vegan=?)'", "a column given another"),
        Command.Example(
          "density query model.safetensors 'log P(at least 2 of (#1-#9, sick) | color=red or !old)'",
          "a count, given one event or another"),
        Command.Example(
          "density query model.safetensors --alike table.csv --row 7", "the rows most alike to row 7"),
      ]),
    ] + capabilities)

  private static let events = [
    ("a, a=1, !a, a=0", "A column by its name; by itself it is on. != says the opposite, as does not."),
    ("#12, #3-#9=0", "Columns by number, from 1 as in --columns; a range: all of them."),
    ("\"with, comma\"", "Names with blanks or signs stand in double quotes, \"\" for \" in them."),
    (
      "smoker=yes",
      "The words for on and off that --values gave in training; without such, true, yes, t, y and false, no, f, n."
    ),
    ("c=?", "Unknown: no condition at all, said for clearness; not within not, or and counts."),
    (
      "color=red",
      "Where columns color=red and color=blue, or color_red and color_blue, were one variable: the named one is on, "
        + "and the others of the group are off. That they are taken so is said."
    ),
    (
      "a, b or c and d",
      "Both and either; \"and\" binds before \"or\", a comma last of all. Brackets bind first."
    ),
    (
      "at least 2 of a,b,c",
      "Also at most, exactly; of all; of (…) with any events in it. A list without brackets goes on to | or )."
    ),
  ]

  private static let answers = [
    (
      "(exact)",
      "But for rounding: the terms of the event, p(A | B) = p(A and B) / p(B), were all exact. Up to 20 columns "
        + "everything is."
    ),
    (
      "± (estimate)",
      "By particles in 32 batches, or by rows drawn, which give the standard error. They grow until the error can be "
        + "trusted, and is below --error, or there are --particles of them."
    ),
    (
      "≈ (NOT to be trusted)",
      "The batches disagree by more than half a nat: tails may have been missed. p is above the bound in 95 % of runs."
    ),
    (
      "missing cells",
      "What is not known is summed over: right where cells are missing at random, so that a missing cell says nothing "
        + "of its value."
    ),
    (
      "--alike",
      "Rows x by J(x, y) = Σ_i (σ(z_i(x)) − σ(z_i(y))) (z_i(x) − z_i(y)), z_i the logit of the i-th conditional along the "
        + "model's order: the divergence of Jeffreys between what rows x and y let the model expect at every step. Of "
        + "mixtures without one order the mean over their components."
    ),
  ]

  private static let mistakes = [
    (
      "one line",
      "The column of the query (and the line of a file), what was expected, what was found, and near names. Status 64; "
        + "65 in a file, and for a condition of probability zero. Of several questions of a file the others have their answers, and the "
        + "error stands in the place of one."
    ),
    (
      "other commands",
      "--given and --hide of other commands name cells in the same way, divided by commas: 'smoker, runner=0, #7-#9'."
    ),
  ]

  /// How each model answers, by groups of models that answer alike.
  private static var capabilities: [HelpTopic.Section] {
    let groups = (try? QueryCapabilities.all()) ?? []
    let legend = HelpTopic.Section.paragraphs(
      """
      How models answer, beyond 20 columns. D is the number of columns, K that of components or orders, u how many \
      unknown columns stand before the last known one in the order; a step is one conditional of one row. An enumeration \
      is short if it is predicted to take less than a tenth of a second.
      """)
    return [legend]
      + groups.map { group in
        .table(
          title: group.models.joined(separator: ", "),
          rows: QueryCapabilities.Question.allCases.map { ($0.rawValue, group.words(for: $0)) })
      }
  }
}
