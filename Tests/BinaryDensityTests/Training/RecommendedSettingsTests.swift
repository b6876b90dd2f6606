import Autodiff
import BinaryDensity
import Testing

@Suite("What is recommended for a family")
struct RecommendedSettingsTests {
  @Test func everyNetworkHasSettingsAndNothingElseHas() {
    for kind in ModelKind.allCases {
      #expect((kind.recommendedSettings != nil) == ModelKind.trainable.contains(kind))
    }
  }

  /// What `density train` has always done with MNIST's 50000 training rows.
  @Test(arguments: [
    (ModelKind.nade, 20, 0.002, 0.1), (.made, 30, 0.003, 0.1), (.fvsbn, 40, 0.003, 0.04),
    (.eonade, 120, 0.0005, 0),
  ])
  func onMNIST(_ kind: ModelKind, epochCount: Int, learningRate: Double, weightDecay: Double) {
    let training = TrainingConfiguration.recommended(for: kind, rowCount: 50_000)
    #expect(
      training
        == TrainingConfiguration(
          epochCount: epochCount, batchSize: 100, learningRate: learningRate, schedule: .cosine(),
          optimizer: .adam(weightDecay: weightDecay)))
  }

  @Test func epochsMakeUpForTheSizeOfTheTableAndOfTheBatch() {
    func epochs(_ rowCount: Int, _ batchSize: Int = 100) -> Int {
      TrainingConfiguration.recommended(for: .nade, rowCount: rowCount, batchSize: batchSize).epochCount
    }
    // With larger batches more of them, as the rate grows; with smaller ones the same.
    #expect(epochs(50_000, 25) == 20 && epochs(50_000, 400) == 40 && epochs(50_000, 1000) == 63)
    #expect(epochs(50_000, 1) == 20 && epochs(50_000, 5000) == 63)
    #expect(epochs(50_001) == 19 && epochs(100) == 10_000 && epochs(1) == 10_000)
    #expect(epochs(0) == 10_000 && epochs(100_000_000) == 1)
  }

  @Test func theLearningRateSuitsTheUpdateRule() {
    for (optimizer, rate) in [
      (OptimizerMethod.sgd(momentum: 0.5), 0.05), (.adagrad(), 0.01), (.adam(weightDecay: 0.7), 0.003),
    ] {
      let training = TrainingConfiguration.recommended(for: .made, rowCount: 1000, optimizer: optimizer)
      #expect(training.optimizer == optimizer && training.learningRate == rate)
    }
  }

  /// At the recommended batch to the bit what is recommended, else as the square root, up to where that ends.
  @Test func theLearningRateFollowsTheBatch() {
    func rate(_ batchSize: Int, _ optimizer: OptimizerMethod? = nil) -> Double {
      TrainingConfiguration.recommended(
        for: .nade, rowCount: 50_000, batchSize: batchSize, optimizer: optimizer
      ).learningRate
    }
    #expect(rate(100) == 0.002 && rate(25) == 0.001 && rate(400) == 0.004)
    #expect(abs(rate(50) - 0.002 / 2.0.squareRoot()) < 1e-15)
    #expect(rate(1000) > rate(999) && rate(1001) == rate(1000) && rate(1_000_000) == rate(1000))
    #expect(rate(10) < rate(11) && rate(9) == rate(10) && rate(1) == rate(10))
    #expect(rate(25, .adagrad()) == 0.005 && rate(25, .sgd()) == 0.025)
    for kind in ModelKind.trainable {
      let settings = kind.recommendedSettings
      #expect(settings?.learningRate(of: .adam()) == settings?.learningRate)
    }
  }

  @Test func modelsHaveTheRecommendedOrders() {
    #expect(FVSBN.Configuration(variableCount: 5).ordering == .random)
    #expect(NADE.Configuration(variableCount: 5).ordering == .natural)
    #expect(MADE.Configuration(variableCount: 5).ordering == .random)
    let eonade = EoNADE.Configuration(variableCount: 5)
    #expect(eonade.ordering == .resampled && eonade.orderCount == 16)
    #expect(EoNADE.Configuration(variableCount: 5, ordering: .natural).orderCount == 1)
  }

  @Test func whatNoGradientsTrainIsABrokenContract() async {
    await #expect(processExitsWith: .failure) {
      _ = TrainingConfiguration.recommended(for: .chowLiu, rowCount: 100)
    }
    await #expect(processExitsWith: .failure) {
      _ = TrainingConfiguration.recommended(for: .nade, rowCount: 100, batchSize: 0)
    }
  }
}
