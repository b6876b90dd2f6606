// swift-tools-version: 6.2

import PackageDescription

// A package as a user has it: it depends on this repository by path and sees only what is public. `make test` builds and
// runs it, so that the README's blocks, which stand in its sources, cannot rot.
let package = Package(
  name: "Client",
  platforms: [.macOS(.v15)],
  // Named, for a path's own name is that of the folder that a clone happens to have.
  dependencies: [.package(name: "BinaryDensity", path: "../..")],
  targets: [
    .executableTarget(
      name: "Client", dependencies: [.product(name: "BinaryDensity", package: "BinaryDensity")],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
  ]
)
