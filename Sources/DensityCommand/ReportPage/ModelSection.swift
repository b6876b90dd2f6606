import Arguments
import BinaryDensity
import Drawing
import Essentials

/// What was trained on what.
enum ModelSection: ReportChapter {
  static func section(_ material: ReportMaterial) throws(DensityError) -> ReportSection? {
    let (subject, model) = (material.subject, material.model)
    var facts: [(String, HTML)] = [("model", "\(description(of: model))")]
    facts.append(("settings", .element("pre", [:], "\(try settings(of: model))")))
    facts.append(("file", "\(code(subject.place.model)), \(try FileCheck.text(of: subject.place.model))"))
    facts.append(("columns", columns(material)))
    if let reading = subject.checkpoint.reading {
      facts.append(
        ("how tables are read", .element("code", [:], "\(Terminal.visible(Checkpoint.encode(reading)))")))
    }
    facts += training(subject)
    if let table = material.table {
      let rows = table.rows
      facts.append(
        (
          "rows looked at",
          """
          \(rows.words) \(code(rows.source.part.name)), CRC-32 of their bits \
          \(CRC32.text(of: rows.values.checksum))
          """
        ))
    }
    facts.append(("report", "by density \(program.version ?? ""), seed \(material.work.seed)"))
    return ReportSection(name: "model", title: "The model", content: .facts(facts))
  }

  /// A path, or what else is typed.
  static func code(_ text: String) -> HTML { .element("code", [:], "\(Terminal.visible(text))") }

  /// The model's settings and its parts as a tree, cut where there are many.
  private static func settings(of model: any Density) throws(DensityError) -> String {
    do { return try ModelTree(of: model).lines().joined(separator: "\n") } catch {
      throw .unsupported("\(error)")
    }
  }

  private static func columns(_ material: ReportMaterial) -> HTML {
    var words = "\(material.model.variableCount)"
    if let shape = material.imageShape { words += ", pictures of \(shape.height) × \(shape.width)" }
    guard let names = material.columnNames else { return "\(words), without names" }
    let shown = names.prefix(12).indices.map { HTML.name(material.name($0)) }.joined(", ")
    return "\(words): \(shown)\(names.count > 12 ? ", and \(names.count - 12) more" : "")"
  }

  /// What is known of the training.
  private static func training(_ subject: ReportSubject) -> [(String, HTML)] {
    var facts: [(String, HTML)] = []
    if let progress = subject.progress {
      facts.append(("trained on", "\(Terminal.visible("\(progress.data)"))"))
      facts.append(
        (
          "training",
          """
          \(progress.epoch) of \(counted(progress.configuration.epochCount, "epoch")), step \(progress.step), \
          in \(durationText(seconds: progress.seconds)) of the machine that trained
          """
        ))
      if let best = progress.bestValidationNLL {
        facts.append(("best epoch", "\(progress.bestEpoch), validation NLL \(fixed(best, 3)) nats a row"))
      }
      facts.append(
        (
          "how",
          .element("code", [:], "\(Terminal.visible(Checkpoint.encode(progress.configuration), limit: 2000))")
        ))
    } else if let search = subject.checkpoint.searchRecord {
      facts.append(("trained on", "\(Terminal.visible("\(search.data)"))"))
      facts.append(("found by", "density fit, in \(durationText(seconds: search.seconds)) of its time"))
    } else if let provenance = subject.checkpoint.provenance {
      facts.append(("trained on", "\(Terminal.visible("\(provenance.data)"))"))
    } else if let path = subject.trainingPath {
      facts.append(("trained on", code(path)))
    } else {
      facts.append(("trained on", "the file does not say"))
    }
    if let provenance = subject.checkpoint.provenance, let figure = provenance.validationNLL {
      facts.append(
        (
          "chosen by",
          "validation NLL \(estimate(fixed(figure, 4), if: provenance.validationIsEstimated == true)) nats on "
            + "\(counted(provenance.validationRowCount, "row"))"
        ))
    }
    return facts
  }
}
