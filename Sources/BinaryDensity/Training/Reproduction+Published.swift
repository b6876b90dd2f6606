import Autodiff
import Kernels

extension Reproduction {
  private static let nade2011 = "Larochelle & Murray, AISTATS 2011"
  private static let deepNADE2014 = "Uria, Murray & Larochelle, ICML 2014"
  private static let made2015 = "Germain et al., ICML 2015"

  /// What can be reproduced.
  public static let all: [Reproduction] = [
    Reproduction(
      name: "fvsbn", summary: "FVSBN, one random order", publishedNLL: 97.45, source: nade2011, kind: .fvsbn,
      training: recommended(.fvsbn, epochCount: 40),
      publishedTraining: gradientDescent(epochCount: 1000)
    ) { (count, seed) throws(DensityError) in
      try FVSBN(FVSBN.Configuration(variableCount: count, ordering: .random, seed: seed), seed: seed)
    },
    nade(
      "nade-500", .sigmoid, adam(learningRate: 0.004, weightDecay: 0.1, epochCount: 40), published: 88.86,
      source: nade2011),
    nade("nade-500-relu", .relu, recommended(.nade, epochCount: 40), published: 88.33, source: deepNADE2014),
    made(
      "made-500", [500], masks: 1, training: recommended(.made, epochCount: 30),
      published: 94.7,
      note: ", read off a figure"),
    made(
      "made-500-8", [500], masks: 8, direct: true,
      training: recommended(.made, epochCount: 40),
      published: 93.15, note: ", best number of masks, read off a figure"),
    made(
      "made-8000", [8000], masks: 1,
      training: adam(learningRate: 0.002, weightDecay: 0.2, dropout: 0.3, epochCount: 15),
      published: 88.40),
    made(
      "made-8000-32", [8000], masks: 32, direct: true,
      training: adam(
        learningRate: 0.005, weightDecay: 0.1, dropout: 0.2, epochCount: 60, validationInterval: 10),
      published: 88.04),
    made(
      "made-2x8000-32", [8000, 8000], masks: 32, direct: true,
      training: adam(
        learningRate: 0.001, weightDecay: 0.2, dropout: 0.3, epochCount: 40, validationInterval: 5),
      published: 86.64),
    eonade("eonade-1-128", [500], orders: 128, published: 87.71),
    eonade("eonade-2-1", [500, 500], orders: 1, published: 89.17),
    eonade("eonade-2-16", [500, 500], orders: 16, published: 85.96),
    eonade("eonade-2-128", [500, 500], orders: 128, published: 85.10),
  ]

  private static func adam(
    learningRate: Double, weightDecay: Double, dropout: Double = 0, epochCount: Int,
    validationInterval: Int = 1
  ) -> TrainingConfiguration {
    TrainingConfiguration(
      epochCount: epochCount, learningRate: learningRate, optimizer: .adam(weightDecay: weightDecay),
      validationInterval: validationInterval, dropout: Dropout(hidden: dropout))
  }

  private static func recommended(_ kind: ModelKind, epochCount: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration.recommended(for: kind, rowCount: 50_000)
    training.epochCount = epochCount
    return training
  }

  /// Plain gradient descent at 0.0005 a row, which is 0.05 for the mean of a hundred.
  private static func gradientDescent(epochCount: Int) -> TrainingConfiguration {
    TrainingConfiguration(
      epochCount: epochCount, learningRate: 0.05, schedule: .constant, optimizer: .sgd(momentum: 0),
      patience: 30)
  }

  private static func nade(
    _ name: String, _ activation: Activation, _ training: TrainingConfiguration, published: Double,
    source: String
  ) -> Reproduction {
    Reproduction(
      name: name,
      summary: "NADE of 500 \(activation == .relu ? "ReLUs" : "sigmoid units"), one random order",
      publishedNLL: published, source: source, kind: .nade, training: training,
      publishedTraining: gradientDescent(epochCount: 1000)
    ) { (count, seed) throws(DensityError) in
      try NADE(
        NADE.Configuration(
          variableCount: count, hiddenCount: 500, activation: activation, ordering: .random, seed: seed),
        seed: seed)
    }
  }

  private static func made(
    _ name: String, _ hiddenCounts: [Int], masks: Int, direct: Bool = false, training: TrainingConfiguration,
    published: Double, note: String = ""
  ) -> Reproduction {
    let size = hiddenCounts.map(String.init).joined(separator: " + ")
    return Reproduction(
      name: name,
      summary: "MADE of \(size) ReLUs, \(masks) mask\(masks == 1 ? "" : "s")"
        + (direct ? ", direct weights" : ""),
      publishedNLL: published, source: made2015 + note, kind: .made, training: training,
      publishedTraining: TrainingConfiguration(
        epochCount: 1000, learningRate: 0.01, schedule: .constant, optimizer: .adagrad(), patience: 30)
    ) { (count, seed) throws(DensityError) in
      try MADE(
        MADE.Configuration(
          variableCount: count, hiddenCounts: hiddenCounts, hasDirectWeights: direct, maskCount: masks,
          ordering: .random, seed: seed), seed: seed)
    }
  }

  private static func eonade(
    _ name: String, _ hiddenCounts: [Int], orders: Int, published: Double
  ) -> Reproduction {
    let layers = hiddenCounts.count == 1 ? "1 hidden layer" : "\(hiddenCounts.count) hidden layers"
    return Reproduction(
      name: name, summary: "EoNADE of \(layers) of 500 ReLUs, \(orders) order\(orders == 1 ? "" : "s")",
      publishedNLL: published, source: deepNADE2014, kind: .eonade,
      training: adam(
        learningRate: RecommendedSettings.eonade.learningRate, weightDecay: 0.03, epochCount: 500),
      folder: "eonade-\(hiddenCounts.count)", orderCount: orders
    ) { (count, seed) throws(DensityError) in
      // Orders are chosen when it is measured, so that results that differ in them share a training.
      try EoNADE(
        EoNADE.Configuration(variableCount: count, hiddenCounts: hiddenCounts, orderCount: 1, seed: seed),
        seed: seed
      )
    }
  }
}
