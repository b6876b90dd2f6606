// swift-tools-version: 6.2

import PackageDescription

let swiftSettings: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// A program of one file that shows what the library is for.
func example(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: [.product(name: "BinaryDensity", package: "BinaryDensity")],
    path: "Examples/\(name)",
    swiftSettings: swiftSettings)
}

// A package as a user has it: it depends on this repository by path and sees only what is public. `make test` builds and
// runs it, so that the README's blocks, which stand in its sources, cannot rot.
let package = Package(
  name: "Client",
  platforms: [.macOS(.v15)],
  // Named, for a path's own name is that of the folder that a clone happens to have.
  dependencies: [.package(name: "BinaryDensity", path: "../..")],
  targets: [
    // The examples are its dependencies so that they are built with it: it runs them.
    .executableTarget(
      name: "Client",
      dependencies: [
        .product(name: "BinaryDensity", package: "BinaryDensity"), "OddRows", "Completions", "TablePress",
      ],
      swiftSettings: swiftSettings),
    example("OddRows"), example("Completions"), example("TablePress"),
  ]
)
