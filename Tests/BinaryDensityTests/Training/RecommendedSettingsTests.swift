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
    #expect(epochs(50_000, 50) == 10 && epochs(50_001) == 19 && epochs(100) == 10_000 && epochs(1) == 10_000)
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
