/// Returns a number as `printf` of C writes it by a format of one `Double`, such as `%.4f` or `%.2g`.
///
/// `String(format:)` writes the same; but it is of Foundation proper, whose tables of languages and calendars would then be
/// part of a program that stands alone.
package func printed(_ value: Double, _ format: String) -> String {
  withVaList([value]) { arguments in
    // The largest number has 309 digits before its point.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
      let count = Int(vsnprintf(buffer.baseAddress, buffer.count, format, arguments))
      return String(decoding: UnsafeRawBufferPointer(buffer).prefix(max(0, min(count, 511))), as: UTF8.self)
    }
  }
}
