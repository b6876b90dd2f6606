extension Threads {
  /// Returns `body(0), …, body(count − 1)`, computed on several threads.
  package static func map<Result: Sendable>(
    count: Int, _ body: @Sendable (Int) -> Result
  ) -> [Result] {
    (0..<count).map(body)
  }
}
