/// Returns a size as one would say it, in three digits: `812 B`, `64.3 kB`, `5.00 MB`, `1.20 GB`.
package func byteCountText(_ count: Int) -> String {
  var (value, unit) = (Double(count), 0)
  let units = ["B", "kB", "MB", "GB", "TB"]
  // What would be shown as 1000 of a unit is one of the next.
  while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
  guard unit > 0 else { return "\(count) B" }
  let decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
  let scale = decimals == 2 ? 100.0 : decimals == 1 ? 10 : 1
  let digits = String(Int((value * scale).rounded()))
  let text = decimals == 0 ? digits : "\(digits.dropLast(decimals)).\(digits.suffix(decimals))"
  return "\(text) \(units[unit])"
}
