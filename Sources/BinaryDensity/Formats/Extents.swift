/// Returns the product of sizes, or nil where one is negative or the product exceeds an `Int`.
///
/// Sizes come from files: with it, no header makes a program compute a wrong number of bytes. If one size is zero the
/// product is zero, however large the others are.
package func checkedProduct(of sizes: some Collection<Int>) -> Int? {
  guard sizes.allSatisfy({ $0 >= 0 }) else { return nil }
  guard !sizes.contains(0) else { return 0 }
  var product = 1
  for size in sizes {
    let (next, overflow) = product.multipliedReportingOverflow(by: size)
    if overflow { return nil }
    product = next
  }
  return product
}

/// Returns sizes in the form `60000 × 28 × 28`.
func shapeText(_ sizes: [Int]) -> String {
  sizes.isEmpty ? "one number" : sizes.map(String.init).joined(separator: " × ")
}
