import Foundation
import Testing
import _TestSupport

/// The script that compares what two builds train, on the built command and itself.
@Suite struct CompareBuildsTests {
  private static let script = DensityProgram.packageRoot.appendingPathComponent("Tests/compare-builds.py")
    .path

  static let hasPython =
    (try? DensityProgram.shell("python3 '\(script)' --help", in: "/").status) == 0

  private static func compare(with program: String, _ settings: String) throws -> DensityProgram.Result {
    let old = DensityProgram.folder.appendingPathComponent("density").path
    return try DensityProgram.shell("python3 '\(script)' '\(old)' '\(program)' \(settings)", in: "/")
  }

  @Test(.enabled(if: hasPython)) func aBuildDoesNotDifferFromItself() throws {
    let own = DensityProgram.folder.appendingPathComponent("density").path
    let result = try Self.compare(with: own, "--only 'table, MADE' --only Chow-Liu")
    #expect(result.status == 0 && result.output.hasSuffix("no difference\n"), "\(result.output)")
  }

  /// Another seed stands for another build: of each kind of thing compared, some differ.
  @Test(.enabled(if: hasPython)) func aBuildThatTrainsOtherwiseDiffers() throws {
    try withTemporaryDirectory { directory in
      let own = DensityProgram.folder.appendingPathComponent("density").path
      let other = directory + "/density"
      // The script gives the seed last but for the run's folder.
      let text = """
        #!/bin/sh
        for word; do shift; test "$word" = 3 && test "$1" = --json && word=4; set -- "$@" "$word"; done
        exec '\(own)' "$@"

        """
      try text.write(toFile: other, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other)
      let result = try Self.compare(with: other, "--only 'table, NADE'")
      #expect(result.status == 1 && result.output.hasSuffix("1 of 1 settings differ\n"), "\(result.output)")
      for part in [
        "figures of train", "history.jsonl", "best.safetensors: model.w", "last.safetensors: optimizer",
      ] {
        #expect(result.output.contains(part), "\(part) in \(result.output)")
      }
    }
  }
}
