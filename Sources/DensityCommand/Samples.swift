import Arguments
import BinaryDensity

/// Checks that a picture of many rows can be held in memory.
///
/// - Throws: `UsageError`.
func checkPicture(rowCount: Int, variableCount: Int, magnification: Int) throws(UsageError) {
  let most = 1 << 28
  let pixelCount = Double(rowCount) * Double(variableCount) * Double(magnification * magnification)
  guard pixelCount <= Double(most) else {
    throw UsageError(
      "a picture of \(rowCount) rows would have more than \(most) pixels; write rows, as .npy, or fewer of them"
    )
  }
}
