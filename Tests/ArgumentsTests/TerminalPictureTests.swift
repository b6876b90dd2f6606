import Arguments
import Testing

@Suite("Pictures of characters")
struct TerminalPictureTests {
  @Test func sparklines() {
    #expect(sparkline([]) == "" && sparkline([3]) == "▁" && sparkline([2, 2]) == "▁▁")
    #expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█")
    #expect(sparkline([7, 0], width: 40) == "█▁")
    // Means of two.
    #expect(sparkline([8, 6, 1, -1], width: 2) == "█▁")
    #expect(sparkline((0..<1000).map(Double.init)).count == 40)
    #expect(sparkline([0, .infinity]) == "")
  }

  @Test func pictures() {
    let checks = [[true, false, true], [false, true, true], [true, false, false]]
    #expect(halfBlocks([checks], width: 3) == ["▀▄█", "▀  "])
    #expect(halfBlocks([checks, checks, checks], width: 8) == ["▀▄█ ▀▄█", "▀   ▀  "])
    #expect(halfBlocks([checks], width: 2).isEmpty && halfBlocks([], width: 80).isEmpty)
  }
}
