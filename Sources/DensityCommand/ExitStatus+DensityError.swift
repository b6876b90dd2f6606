import Arguments
import BinaryDensity

extension ExitStatus {
  /// The status of a process that an error of the library has ended.
  init(_ error: DensityError) {
    self =
      switch error {
      case .missingFile, .unreadable: .missingInput
      case .malformed, .mismatch, .impossibleEvidence, .triesExhausted, .undefined: .dataError
      case .unwritable(StandardOutput.name, _): .inputOutput
      case .unwritable: .cannotCreate
      case .invalidConfiguration, .unsupported: .usage
      case .diverged: .internalError
      case .interrupted: .interrupted
      }
  }
}
