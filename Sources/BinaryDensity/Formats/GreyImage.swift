/// A picture of grey levels, 0 black and 255 white.
public struct GreyImage: Equatable, Sendable {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// The grey levels, row by row from the top.
  public let pixels: [UInt8]

  /// Creates a picture from its grey levels.
  ///
  /// - Precondition: width and height are positive and below 2³¹, and `pixels.count == width * height`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      (1...0x7FFF_FFFF).contains(width) && (1...0x7FFF_FFFF).contains(height),
      "no picture is \(width) × \(height)")
    precondition(pixels.count == width * height, "\(pixels.count) pixels cannot fill \(width) × \(height)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}
