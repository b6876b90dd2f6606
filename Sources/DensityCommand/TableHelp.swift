import Arguments
import BinaryDensity

/// The page `density help tables`.
enum TableHelp {
  static let topic = HelpTopic(
    name: "tables", summary: "The tables of bits that the commands read.",
    sections: [
      .paragraphs(
        """
        A row is an observation, a column a variable, a cell 0 or 1. The format is told by the contents, plain or gzip; \
        - is the standard input. How a table was taken is said in one line.
        """),
      .table(title: "Formats (--format)", rows: DataTable.formatSummaries.map { ($0.name, $0.summary) }),
      .table(
        title: "Text",
        rows: [
          (
            "delimiter",
            "Comma, semicolon, tab, pipe or blanks, the same in all lines; or none, with a digit a column."
          ),
          (
            "names",
            "A first line that is no row names the columns (--header yes or no, if it is not clear). A model keeps the "
              + "names, and finds the columns of other tables by them, in whatever order they are."
          ),
          (
            "values",
            "0 and 1, also as decimals; true and false, yes and no, t and f, y and n. Any other pair: --values -1,1. "
              + "Not for svmlight, item lists, Matrix Market, pictures and packed tables, which say themselves what is on."
          ),
          (
            "missing cells",
            "Nothing, ?, NA, NaN, NULL; others by --missing. train and fit take them; what cannot use them says how many "
              + "there are, and where the first is."
          ),
          (
            "other columns",
            "Numbers of rows, names, labels: --ignore id,label, or --columns a,b,7-20 for those wanted."
          ),
          ("comments", "Lines that begin with # or %, between rows those that cannot be rows."),
        ]),
      .table(
        title: "Grey levels",
        rows: [
          (
            "pictures",
            "Bytes above 1 are grey levels where the file holds pictures (IDX or NPY of three axes, PGM), or where "
              + "--binarize says how they become bits. Elsewhere they are an error."
          )
        ]),
      .examples([
        Command.Example(
          "density fit people.csv --ignore id,label", "a table with names, without two of its columns"),
        Command.Example("density train survey.tsv --values no,yes", "with words of its own"),
        Command.Example(
          "python3 -c 'import pandas, sys; pandas.read_parquet(\"t.parquet\").to_csv(sys.stdout, index=False)' | "
            + "density logprob model.safetensors -",
          "any format that Python reads, through a pipe"),
        Command.Example(
          "python3 -c 'import h5py, numpy, sys; numpy.save(sys.stdout.buffer, h5py.File(\"t.h5\")[\"x\"][:])' | "
            + "density logprob model.safetensors -", "HDF5 too"),
      ]),
    ])
}
