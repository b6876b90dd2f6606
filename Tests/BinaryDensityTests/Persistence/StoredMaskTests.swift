import BinaryDensity
import Foundation
import Kernels
import Testing
import _TestSupport

@Suite("Orderings and degrees in a file")
struct StoredMaskTests {
  private static let variableCount = 5

  /// A MADE of two mask sets in two random orderings.
  private func made(maskCount: Int = 2) throws -> MADE {
    try MADE(
      MADE.Configuration(
        variableCount: Self.variableCount, hiddenCounts: [6, 4], maskCount: maskCount, ordering: .resampled,
        seed: 2),
      seed: 1)
  }

  /// Writes a model, changes the file, and reads it.
  private func loaded(
    _ model: any Density, _ change: (inout SafetensorsFile) throws -> Void = { _ in }
  ) throws -> any Density {
    try withTemporaryDirectory { folder in
      let path = folder + "/model.safetensors"
      try Checkpoint(model: model).write(to: path)
      var contents = try SafetensorsFile(contentsOf: path)
      try change(&contents)
      try contents.write(to: path)
      return try Checkpoint(contentsOf: path).model
    }
  }

  private func integers(_ name: String, in contents: SafetensorsFile) throws -> [Int32] {
    let tensor = try #require(contents.tensor(named: name))
    guard case .int32(let values) = tensor.scalars else {
      Issue.record("\(name) is no I32")
      return []
    }
    return values
  }

  private func replace(_ name: String, in contents: inout SafetensorsFile, _ change: (inout [Int32]) -> Void)
    throws
  {
    var values = try integers(name, in: contents)
    change(&values)
    let place = try #require(contents.tensors.firstIndex { $0.name == name })
    contents.tensors[place] = .init(
      name: name, shape: contents.tensors[place].shape, scalars: .int32(values))
  }

  @Test("stand as arrays, a row a mask set")
  func arrays() throws {
    let made = try made()
    _ = try loaded(made) { contents in
      #expect(contents.metadata["format"] == "BinaryDensity 2")
      let ordering = try integers("model.ordering", in: contents)
      #expect(ordering == made.maskSets.flatMap { $0.ordering.variables.map(Int32.init) })
      for layer in 0..<2 {
        let degrees = made.maskSets.flatMap { $0.hiddenDegrees[layer].map(Int32.init) }
        try #expect(integers("model.degrees\(layer)", in: contents) == degrees)
      }
    }
  }

  @Test("are what the file says, whatever the seed gives")
  func otherMasks() throws {
    let (made, rows) = (try made(), BinaryMatrix.allRows(ofWidth: Self.variableCount))
    // The two mask sets exchanged: the same mixture.
    let exchanged = try loaded(made) { contents in
      for (name, width) in [("ordering", 5), ("degrees0", 6), ("degrees1", 4)] {
        try replace("model." + name, in: &contents) { $0 = Array($0[width...] + $0[..<width]) }
      }
    }
    let sets = try #require(exchanged as? MADE).maskSets
    #expect(sets == made.maskSets.reversed())
    for (a, b) in zip(exchanged.logProbabilities(of: rows), made.logProbabilities(of: rows)) {
      #expect(abs(a - b) < 1e-5)
    }
    // Another ordering of a NADE: p(x) of permuted columns.
    let nade = try NADE(
      NADE.Configuration(variableCount: 5, hiddenCount: 3, ordering: .random, seed: 3), seed: 4)
    let other = try loaded(nade) { try replace("model.ordering", in: &$0) { $0 = [4, 2, 0, 1, 3] } }
    #expect(try #require(other as? NADE).ordering.variables == [4, 2, 0, 1, 3])
    #expect(try #require(loaded(other) as? NADE).ordering.variables == [4, 2, 0, 1, 3])
  }

  @Test("members of the configuration that are optional may be absent")
  func optionalMembers() throws {
    let rows = BinaryMatrix.allRows(ofWidth: Self.variableCount)
    let models: [(any Density, String)] = [
      (try made(maskCount: 1), #"{"variable_count":5,"hidden_counts":[6,4]}"#),
      (try made(), #"{"variable_count":5,"hidden_counts":[6,4],"mask_count":2,"seed":null}"#),
      (
        try NADE(NADE.Configuration(variableCount: 5, hiddenCount: 3, ordering: .random), seed: 4),
        #"{"variable_count":5,"hidden_count":3}"#
      ),
      (
        try NADE(
          NADE.Configuration(variableCount: 5, hiddenCount: 3, ordering: .random, seed: .max), seed: 4),
        #"{"hidden_count":3,"seed":18446744073709551615,"variable_count":5 }"#
      ),
      (try FVSBN(FVSBN.Configuration(variableCount: 5), seed: 4), #"{"variable_count":5}"#),
      (
        try EoNADE(EoNADE.Configuration(variableCount: 5, hiddenCounts: [4], orderCount: 3), seed: 5),
        #"{"variable_count":5,"hidden_counts":[4],"order_count":3}"#
      ),
    ]
    for (model, configuration) in models {
      let found = try loaded(model) { $0.metadata["configuration"] = configuration }
      #expect(found.logProbabilities(of: rows) == model.logProbabilities(of: rows))
      #expect(try loaded(found).logProbabilities(of: rows) == model.logProbabilities(of: rows))
      if configuration.contains("18446744073709551615") {
        #expect(try #require(found as? NADE).configuration.seed == .max)
      }
    }
  }

  @Test(
    "that are impossible, or a configuration that is, is one line",
    arguments: [
      (
        "order twice",
        "array 'model.ordering': expected a permutation of 0 … 4 in row 1, found 3 more than once"
      ),
      ("order beyond", "array 'model.ordering': expected a permutation of 0 … 4 in row 0, found 5"),
      ("order missing", "expected an array 'model.ordering', found none"),
      ("order shape", "expected the array 'model.ordering' as I32 [2, 5], found I32 [5, 2]"),
      ("order floats", "array 'model.ordering': expected whole numbers, found 0.5"),
      ("degree beyond", "found a unit of hidden layer 0 has degree 5, which is not from 0 to 4"),
      ("degree negative", "found a unit of hidden layer 1 has degree -1, which is not from 0 to 4"),
      ("forbidding", "in mask set 1 the degrees forbid every weight of hidden layer 0"),
      ("fresh without seed", "fresh masks are drawn from a seed, and there is none"),
      ("unknown member", "expected members that a made knows, found 'temperature'"),
      ("format 1 without seed", "a seed, from which format 1 draws orderings and masks"),
    ])
  func faults(fault: String, words: String) throws {
    let error = #expect(throws: DensityError.self) {
      try loaded(made()) { contents in
        let configuration = contents.metadata["configuration"] ?? ""
        switch fault {
        case "order twice": try replace("model.ordering", in: &contents) { $0[5...] = [3, 0, 3, 1, 2] }
        case "order beyond": try replace("model.ordering", in: &contents) { $0[0] = 5 }
        case "order missing": contents.tensors.removeAll { $0.name == "model.ordering" }
        case "order shape", "order floats":
          let place = try #require(contents.tensors.firstIndex { $0.name == "model.ordering" })
          let values = try integers("model.ordering", in: contents)
          contents.tensors[place] =
            fault == "order shape"
            ? .init(name: "model.ordering", shape: [5, 2], scalars: .int32(values))
            : .init(
              name: "model.ordering", shape: [2, 5],
              scalars: .float32([0.5] + values.dropFirst().map { Float($0) }))
        case "degree beyond": try replace("model.degrees0", in: &contents) { $0[3] = 5 }
        case "degree negative": try replace("model.degrees1", in: &contents) { $0[7] = -1 }
        case "forbidding": try replace("model.degrees0", in: &contents) { $0[6...] = [0, 0, 0, 0, 0, 0] }
        case "fresh without seed":
          contents.metadata["configuration"] =
            #"{"variable_count":5,"hidden_counts":[6,4],"mask_count":2,"trains_on_fresh_masks":true}"#
        case "unknown member":
          contents.metadata["configuration"] = configuration.replacing(
            "{", with: #"{"temperature":2,"#, maxReplacements: 1)
        case "format 1 without seed":
          contents.metadata["format"] = "BinaryDensity 1"
          contents.metadata["configuration"] = configuration.replacing(#","seed":2"#, with: "")
        default: Issue.record("\(fault) is not built")
        }
      }
    }
    let text = try #require(error).description
    #expect(text.contains(words), "\(text)")
    #expect(!text.contains("\n"))
  }

  @Test("weights that a single mask forbids are zero once a file of format 1 is loaded")
  func forbiddenWeights() throws {
    let path = packageRoot + "/Tests/formats/format1/made.safetensors"
    let made = try #require(try Checkpoint(contentsOf: path).model as? MADE)
    guard case .float32(let before) = try SafetensorsFile(contentsOf: path).tensor(named: "model.w0")?.scalars
    else {
      Issue.record("no w0")
      return
    }
    let (mask, weights) = (made.masks(ofComponent: 0)[0], made.parameters["w0"])
    var forbiddenCount = 0
    for input in 0..<weights.rowCount {
      for unit in 0..<weights.columnCount {
        let written = before[input * weights.columnCount + unit]
        if mask.permits(input, unit) {
          #expect(weights[input, unit] == written)
        } else {
          #expect(weights[input, unit] == 0)
          if written != 0 { forbiddenCount += 1 }
        }
      }
    }
    #expect(forbiddenCount > 0)
  }

  @Test("a density of somebody else's is refused in one line, alone and in a mixture")
  func foreign() throws {
    struct Fair: Density {
      let variableCount = 2
      func logProbabilities(of rows: BinaryMatrix) -> [Double] {
        Array(repeating: -2 * log(2.0), count: rows.rowCount)
      }
    }
    try withTemporaryDirectory { folder in
      for density in [Fair() as any Density, Mixture([Fair(), Fair()])] {
        let error = #expect(throws: DensityError.self) {
          try Checkpoint(model: density).write(to: folder + "/a.safetensors")
        }
        let text = try #require(error).description
        #expect(text.contains("Fair") && !text.contains("\n"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/a.safetensors"))
      }
    }
  }
}
