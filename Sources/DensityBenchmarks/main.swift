import Autodiff
import BinaryDensity
import Kernels

// Rows a second of training, likelihood and sampling for every model, on random rows with MNIST's shape and density.

#if DEBUG
  print("density-bench: a debug build measures nothing worth knowing; use `make bench`")
#else
  let benchmark = Benchmark(arguments: Array(CommandLine.arguments.dropFirst()))
  benchmark.run()
#endif
