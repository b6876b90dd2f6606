import Arguments
import BinaryDensity
import Drawing
import Essentials

/// How to make the page again, and how the model was made.
enum RepeatSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let arguments = material.arguments
    // Where it is written, and by how many threads, changes nothing on the page.
    let options = arguments.optionWords { !["output", "threads", DataOptions.data.name].contains($0) }
    let table = try? arguments.optionalValue("table", as: .path)
    let words =
      ["density", "report"] + [material.subject.place.path, table].compactMap(\.self).map(argument(ofPath:))
      + options
    var content = HTML.paragraph("This page:") + line(words)
    if let training = material.subject.trainArguments {
      let path = material.subject.trainingPath.map { [argument(ofPath: $0)] } ?? []
      let options = training.optionWords { $0 != DataOptions.data.name }
      content =
        content + .paragraph("The training, from the record in its folder:")
        + line(["density", "train"] + path + options)
    } else {
      content =
        content
        + .note(
          "How the model was made its file does not say in words to repeat; what it does say stands above.")
    }
    return ReportSection(name: "repeat", title: "How to repeat it", content: content)
  }

  private static func line(_ words: [String]) -> HTML {
    .element(
      "pre", [:],
      .element("code", [:], "\(Terminal.visible(shellLine(words)))"))
  }
}
