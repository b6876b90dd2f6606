#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// How the learning rate changes while a model trains.
public enum Schedule: Hashable, Sendable, Codable {
  /// Always the base learning rate.
  case constant
  /// `base / (1 + step / halving)`: half the learning rate after `halving` steps.
  case inverseDecay(halving: Double)
  /// A linear rise over the fraction `warmUp` of the steps, then half a cosine down to `floor` of the base.
  ///
  /// - Source: Loshchilov & Hutter, SGDR, ICLR 2017, equation 5 with one period.
  case cosine(warmUp: Double = 0.02, floor: Double = 0)
  /// The learning rate times `factor` each time the validation figure has not improved for `patience` epochs.
  case reduceOnPlateau(factor: Double = 0.5, patience: Int = 3)
}

/// The learning rate of every step under a schedule: all the state that a schedule has.
public struct LearningRateController: Hashable, Sendable, Codable {
  /// The schedule.
  public let schedule: Schedule
  /// The base learning rate.
  public let base: Double
  /// The number of steps the whole training is meant to take; a cosine ends there.
  public let totalSteps: Int
  private var reductions = 0
  private var best: Double?
  private var epochsWithoutImprovement = 0

  /// Creates the controller of a training of `totalSteps` steps.
  public init(_ schedule: Schedule, base: Double, totalSteps: Int) {
    self.schedule = schedule
    self.base = base
    self.totalSteps = totalSteps
  }

  /// Whether the counts are such as so many epochs arrive at; those of a file need not be.
  package func isPossible(afterEpochs epochCount: Int) -> Bool {
    epochCount >= 0 && (0...epochCount).contains(reductions)
      && (0...epochCount).contains(epochsWithoutImprovement)
  }

  /// Returns the controller of a training that is to take another number of steps, where it stands.
  ///
  /// A cosine then spans all the steps: its rate goes on from where a training of that length would be. The other
  /// schedules do not depend on the number.
  package func extended(toTotalSteps count: Int) -> LearningRateController {
    var controller = LearningRateController(schedule, base: base, totalSteps: count)
    controller.reductions = reductions
    controller.best = best
    controller.epochsWithoutImprovement = epochsWithoutImprovement
    return controller
  }

  /// Returns the learning rate of a step, counted from 0.
  public func learningRate(atStep step: Int) -> Double {
    switch schedule {
    case .constant: return base
    case .inverseDecay(let halving): return base / (1 + Double(step) / halving)
    case .cosine(let warmUp, let floor):
      let total = Double(max(totalSteps, 1))
      let rise = (warmUp * total).rounded(.up)
      if Double(step) < rise { return base * Double(step + 1) / rise }
      let done = min(1, (Double(step) - rise) / max(total - rise, 1))
      return base * (floor + (1 - floor) * 0.5 * (1 + cos(Double.pi * done)))
    case .reduceOnPlateau(let factor, _): return base * pow(factor, Double(reductions))
    }
  }

  /// Takes note of an epoch's validation figure, lower being better.
  public mutating func observe(_ figure: Double) {
    guard case .reduceOnPlateau(_, let patience) = schedule else { return }
    if let best, figure >= best {
      epochsWithoutImprovement += 1
      if epochsWithoutImprovement >= patience {
        reductions += 1
        epochsWithoutImprovement = 0
      }
    } else {
      best = figure
      epochsWithoutImprovement = 0
    }
  }
}
