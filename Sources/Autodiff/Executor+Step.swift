import Kernels

extension Executor {
  /// Takes one step of an optimizer along the derivative of the loss: `backward()` and then
  /// `optimizer.step(self, learningRate: learningRate)`, to the same bits.
  ///
  /// The gradient of the weights of a masked layer or a NADE is spent on their step of Adam as it is computed, and
  /// takes no memory, provided that nothing else reads the weights and that nothing is clipped; other parameters go
  /// through `gradients` as usual. What a fixed and sorted mask forbids then takes no work either (nor does weight decay
  /// touch it). The gradients of weights that were spent are not valid afterwards.
  /// - Precondition: `forward()` has run on the same inputs.
  public func backward(stepping optimizer: inout Optimizer<Scalar>, learningRate: Double) {
    guard optimizer.canSpendGradients else {
      backward()
      optimizer.step(self, learningRate: learningRate)
      return
    }
    optimizer.begin()
    for index in gradients.matrices.indices where !isSpent[index] {
      gradients.unsafeMutableView(at: index).clear()
    }
    eachGradient { value in
      switch (graph[value].op, ownWeights[value.index]) {
      case (.maskedLinear(let x, _, _, let mask), .ofLayer(let index)):
        differentiate(value, includingWeights: false)
        let staircase = masks[mask.index]
        optimizer.spend(
          view(of: x), UnsafeMatrixView(gradientView(of: value)), mask: staircase, method: method(of: x),
          everywhere: !(graph.masksAreFixed[mask.index] && staircase.hasSortedOutputs),
          learningRate: learningRate,
          on: parameters.unsafeMutableView(at: index), at: index)
      case (.nade(let n), .ofNADE(let w, let v)):
        // First, because it may move the weights, which the operands then read.
        let weights = NADEWeights(
          w: parameters.unsafeMutableView(at: w), v: parameters.unsafeMutableView(at: v))
        optimizer.spend(
          view(of: n.x), UnsafeMatrixView(gradientView(of: value)), parameters: operands(n),
          into: gradients(of: n), learningRate: learningRate, on: weights, at: w, v)
      default: differentiate(value)
      }
    }
    for index in parameters.matrices.indices where !isSpent[index] {
      optimizer.update(
        parameters.unsafeMutableView(at: index), at: index, gradient: gradients.unsafeView(at: index),
        scaledBy: 1, learningRate: learningRate)
    }
  }
}

/// Where weights that one node alone reads stand among the parameters.
enum OwnWeights {
  case ofLayer(Int)
  case ofNADE(w: Int, v: Int)

  var places: [Int] {
    switch self {
    case .ofLayer(let weights): [weights]
    case .ofNADE(let w, let v): [w, v]
    }
  }
}
