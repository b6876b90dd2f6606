// swift-tools-version: 6.2

import PackageDescription

// No package dependencies, by decision: a build needs nothing but the toolchain and the system's zlib.

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

let cSettings: [CSetting] = [
  .treatAllWarnings(as: .error),
  // A misspelt instruction-set name in `target("…")` is only this warning; without it the kernel would
  // silently be compiled for the baseline.
  .enableWarning("ignored-attributes"),
]

let package = Package(
  name: "BinaryDensity",
  // On Apple's systems atomics and mutexes came with these versions.
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "BinaryDensity", targets: ["BinaryDensity", "Autodiff", "Kernels"]),
    .executable(name: "density", targets: ["DensityCommand"]),
    .executable(name: "density-bench", targets: ["DensityBenchmarks"]),
  ],
  traits: [
    .trait(
      name: "MPI",
      description:
        "The search over MPI linked in, instead of a plugin that 'make mpi' compiles: needs the flags of mpicc."
    )
  ],
  targets: [
    .target(
      name: "CKernels", cSettings: cSettings,
      linkerSettings: [.linkedLibrary("pthread", .when(platforms: [.linux]))]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    // With the trait MPI; without it nothing of MPI is needed.
    .systemLibrary(name: "CMPI"),
    .target(name: "Essentials", swiftSettings: swiftSettings),
    .target(name: "Kernels", dependencies: ["CKernels"], swiftSettings: swiftSettings),
    .target(name: "Autodiff", dependencies: ["Kernels"], swiftSettings: swiftSettings),
    .target(
      name: "BinaryDensity", dependencies: ["Autodiff", "Essentials", "Kernels", "CZlib"],
      swiftSettings: swiftSettings),
    .target(name: "Arguments", dependencies: ["Essentials"], swiftSettings: swiftSettings),
    .target(name: "Drawing", dependencies: ["Essentials"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "DensityCommand",
      dependencies: [
        "Arguments", "BinaryDensity", "Autodiff", "Drawing", "Essentials", "Kernels",
        .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "DensityBenchmarks",
      dependencies: ["Arguments", "BinaryDensity", "Autodiff", "Drawing", "Kernels"],
      exclude: ["Peers"],
      swiftSettings: swiftSettings),

    .target(
      name: "_TestSupport", dependencies: ["Autodiff", "Kernels"], path: "Tests/_TestSupport",
      swiftSettings: swiftSettings),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter", cSettings: cSettings),
    .testTarget(
      name: "KernelsTests", dependencies: ["CAllocationCounter", "Kernels", "_TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "AutodiffTests", dependencies: ["Autodiff", "CAllocationCounter", "Kernels", "_TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BinaryDensityTests",
      dependencies: ["BinaryDensity", "Autodiff", "Essentials", "Kernels", "CZlib", "_TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(name: "ArgumentsTests", dependencies: ["Arguments"], swiftSettings: swiftSettings),
    .testTarget(
      name: "DensityCommandTests",
      // The command itself, so that building the tests builds what they run.
      dependencies: ["DensityCommand", "BinaryDensity", "Autodiff", "Drawing", "Kernels", "_TestSupport"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DensityBenchmarksTests",
      dependencies: ["DensityBenchmarks", "BinaryDensity", "Drawing", "Kernels", "_TestSupport"],
      swiftSettings: swiftSettings),
  ]
)
