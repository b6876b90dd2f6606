import Autodiff
import Kernels
import _TestSupport

extension GradientCase {
  /// Every op, with every operand that may carry a gradient and every combination the rules distinguish.
  static let everyOp: [GradientCase] =
    products + maskedLayers + elementwise + reductions + likelihoods + sharing

  private static let products: [GradientCase] = [
    GradientCase("batch of data times parameter") { c in
      c.graph.product(c.input(4), c.parameter(4, 3))
    },
    GradientCase("parameter times parameter") { c in
      c.graph.product(c.parameter(2, 4), c.parameter(4, 3))
    },
    GradientCase("differentiable batch times parameter") { c in
      c.graph.product(c.batch(4), c.parameter(4, 3))
    },
    GradientCase("a matrix times itself") { c in
      let a = c.parameter(3, 3)
      return c.graph.product(a, a)
    },
    GradientCase("addBias to a batch") { c in c.graph.addBias(c.batch(4), c.parameter(1, 4)) },
    GradientCase("addBias to a parameter") { c in c.graph.addBias(c.parameter(3, 4), c.parameter(1, 4)) },
    GradientCase("addBias to data") { c in c.graph.addBias(c.input(4), c.parameter(1, 4)) },
  ]

  private static let maskedLayers: [GradientCase] = [true, false].flatMap { hasBias in
    let suffix = hasBias ? "with bias" : "without bias"
    func layer(
      _ name: String, _ mask: Staircase, _ x: @escaping @Sendable (inout GraphCase) -> Graph.Value
    ) -> GradientCase {
      GradientCase("maskedLinear, \(name), \(suffix)") { c in
        let x = x(&c)
        let w = c.parameter(mask.inputCount, mask.outputCount)
        let bias = hasBias ? c.parameter(1, mask.outputCount) : nil
        let slot = c.graph.mask(mask)
        return c.graph.maskedLinear(x, weights: w, bias: bias, mask: slot)
      }
    }
    let unsorted = Staircase.random(inputCount: 6, outputCount: 5, seed: 11)
    return [
      layer("sparse bits, unsorted mask", unsorted) { $0.bits(6) },
      layer("dense bits, unsorted mask", unsorted) { $0.bits(6, isSparse: false) },
      layer("dense numbers, sorted mask", .ascending(inputCount: 6, outputCount: 5)) { $0.input(6) },
      layer("differentiable input, unsorted mask", unsorted) { $0.batch(6) },
      layer("differentiable input, no restriction", Staircase(denseInputCount: 6, outputCount: 5)) {
        $0.batch(6)
      },
      layer("sparse bits through dropout", unsorted) { c in
        let x = c.bits(6)
        return c.graph.dropout(x, rate: 0.3)
      },
    ]
  }

  private static let elementwise: [GradientCase] =
    [
      GradientCase("add") { c in c.graph.add(c.batch(4), c.batch(4)) },
      GradientCase("add parameters") { c in c.graph.add(c.parameter(2, 4), c.parameter(2, 4)) },
      GradientCase("add data on the left") { c in c.graph.add(c.input(4), c.batch(4)) },
      GradientCase("add to itself") { c in
        let a = c.batch(4)
        return c.graph.add(a, a)
      },
      GradientCase("multiply") { c in c.graph.multiply(c.batch(4), c.batch(4)) },
      GradientCase("multiply data on the left") { c in c.graph.multiply(c.input(4), c.batch(4)) },
      GradientCase("multiply data on the right") { c in c.graph.multiply(c.batch(4), c.input(4)) },
      GradientCase("multiply with itself") { c in
        let a = c.batch(4)
        return c.graph.multiply(a, a)
      },
      GradientCase("scale") { c in c.graph.scale(c.batch(4), by: -2.5) },
      GradientCase("scale all rows but two") { c in c.graph.scale(c.parameter(5, 4), by: -2.5, sparing: 2) },
      GradientCase("concatenate") { c in
        let parts = [c.batch(4), c.input(1), c.batch(17)]
        return c.graph.concatenate(parts)
      },
      GradientCase("concatenate parameters") { c in
        let parts = [c.parameter(3, 2), c.parameter(3, 5)]
        return c.graph.concatenate(parts)
      },
      GradientCase("concatenate with a part twice") { c in
        let (a, b) = (c.batch(4), c.batch(3))
        return c.graph.concatenate([a, b, a])
      },
    ]
    + Activation.allCases.map { f in
      GradientCase("\(f.rawValue)") { c in
        // Far enough out for every curve to flatten, and on both sides.
        let a = c.graph.scale(c.batch(9), by: 4)
        return c.graph.apply(f, a)
      }
    }
    + [0, 0.3, 0.9].map { rate in
      GradientCase("dropout of \(rate)") { c in c.graph.dropout(c.batch(20), rate: rate) }
    }

  private static let reductions: [GradientCase] =
    [Axis.rows, .columns].flatMap { axis in
      [
        GradientCase("sum of a batch over \(axis.rawValue)") { c in c.graph.sum(c.batch(4), over: axis) },
        GradientCase("sum of a parameter over \(axis.rawValue)") { c in
          c.graph.sum(c.parameter(3, 4), over: axis)
        },
        GradientCase("mean of a batch over \(axis.rawValue)") { c in c.graph.mean(c.batch(4), over: axis) },
        GradientCase("mean of a parameter over \(axis.rawValue)") { c in
          c.graph.mean(c.parameter(3, 4), over: axis)
        },
      ]
    } + [
      GradientCase("logMeanExp") { c in c.graph.logMeanExp(c.batch(4)) },
      GradientCase("logMeanExp of one column") { c in c.graph.logMeanExp(c.batch(1)) },
      GradientCase("logMeanExp of a large spread") { c in
        let terms = c.graph.add(c.batch(4), c.input(4, in: -900...900))
        return c.graph.logMeanExp(terms)
      },
      GradientCase("logMeanExp far below zero") { c in
        let terms = c.graph.add(c.batch(4), c.input(4, in: -901 ... -899))
        return c.graph.logMeanExp(terms)
      },
    ]

  private static let likelihoods: [GradientCase] =
    [
      GradientCase("bernoulliLogLikelihood") { c in
        c.graph.bernoulliLogLikelihood(logits: c.batch(6), targets: c.bits(6))
      },
      GradientCase("bernoulliLogLikelihood of extreme logits") { c in
        let logits = c.graph.add(c.batch(6), c.input(6, in: -60...60))
        return c.graph.bernoulliLogLikelihood(logits: logits, targets: c.bits(6))
      },
      GradientCase("bernoulliLogLikelihood of fractional targets") { c in
        c.graph.bernoulliLogLikelihood(logits: c.batch(6), targets: c.input(6, in: 0...1))
      },
      GradientCase("oneHot") { c in
        let (z, x) = (c.batch(9), c.bits(9))
        let logits = c.graph.oneHot(z, rows: x, groups: [[0, 1, 2, 3], [8, 5, 6]])
        // What is certain is far from all that a derivative could tell.
        return c.graph.add(c.graph.apply(.tanh, logits), z)
      },
    ]
    + [Activation.sigmoid, .relu].flatMap { f in
      [Array(0..<6), [4, 0, 5, 2, 1, 3]].map { ordering in
        GradientCase("nade, \(f.rawValue), ordering \(ordering)") { c in
          c.graph.nade(
            c.bits(6), w: c.parameter(6, 5), v: c.parameter(6, 5), b: c.parameter(1, 6),
            c: c.parameter(1, 5), ordering: ordering, activation: f)
        }
      }
    }
    + [
      GradientCase("nade whose parameters are computed") { c in
        let w = c.graph.apply(.tanh, c.parameter(6, 5))
        let v = c.graph.multiply(w, c.parameter(6, 5))
        return c.graph.nade(
          c.bits(6), w: w, v: v, b: c.parameter(1, 6), c: c.parameter(1, 5), ordering: Array(0..<6),
          activation: .sigmoid)
      }
    ]

  private static let sharing: [GradientCase] = [
    GradientCase("a value with three readers") { c in
      let a = c.graph.apply(.tanh, c.batch(4))
      let b = c.graph.product(a, c.parameter(4, 4))
      return c.graph.add(c.graph.multiply(a, b), a)
    },
    GradientCase("a parameter shared by name") { c in
      let w = c.parameter(4, 4)
      let once = c.graph.product(c.input(4), w)
      let again = c.graph.parameter(c.graph.name(of: w), rows: 4, columns: 4)
      return c.graph.product(c.graph.apply(.sigmoid, once), again)
    },
    GradientCase("masked layers that share weights under different masks") { c in
      let (x, w) = (c.bits(6), c.parameter(6, 5))
      let rows = (0..<3).map { k in
        let mask = c.graph.mask(.random(inputCount: 6, outputCount: 5, seed: UInt64(k)))
        return c.graph.sum(c.graph.maskedLinear(x, weights: w, mask: mask), over: .columns)
      }
      return c.graph.logMeanExp(c.graph.concatenate(rows))
    },
  ]
}
