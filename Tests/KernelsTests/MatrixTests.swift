import Kernels
import Testing
import _TestSupport

@Suite struct MatrixTests {
  @Test func copiesWhenWritten() {
    let a = Matrix<Float>.uniform(3, 5, seed: 121)
    var b = a
    b[2, 4] = 7
    #expect(b[2, 4] == 7)
    #expect(a[2, 4] != 7)
    b = a
    b.withUnsafeMutableView { $0[0, 0] = 9 }
    #expect(a[0, 0] != 9)
  }

  @Test func equalityIgnoresPadding() {
    let a = Matrix<Float>(rowCount: 2, columnCount: 3, elements: [1, 2, 3, 4, 5, 6])
    let b = Matrix<Float>(nanPaddedRowCount: 2, columnCount: 3) { Float($0 * 3 + $1 + 1) }
    #expect(a == b)
    #expect(a != Matrix(rowCount: 3, columnCount: 2, elements: [1, 2, 3, 4, 5, 6]))
    #expect(b.elements == [1, 2, 3, 4, 5, 6])
    #expect(b[row: 1] == [4, 5, 6])
  }

  @Test(arguments: sizesAroundVectors)
  func rowsStartOnAnOddNumberOfCacheLines(columns: Int) {
    let m = Matrix<Float>(rowCount: 2, columnCount: columns)
    #expect(m.stride >= (columns + 15) / 16 * 16)
    #expect(m.stride / 16 % 2 == 1)
    #expect(m.stride % 16 == 0)
    #expect(m.withUnsafeView { UInt(bitPattern: $0.base) } % 64 == 0)
  }

  @Test func converts() {
    let a = Matrix<Float>.uniform(4, 4, seed: 122)
    #expect(a.converted(to: Double.self).converted(to: Float.self) == a)
  }

  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      _ = Matrix<Float>(rowCount: 2, columnCount: 2, elements: [1, 2, 3])
    }
    await #expect(processExitsWith: .failure) {
      let m = Matrix<Float>(rowCount: 2, columnCount: 2)
      _ = m[2, 0]
    }
  }
}

@Suite struct StaircaseTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func isTheMaskItStandsFor(seed: UInt64) {
    let mask = Staircase.random(
      inputCount: Int(seed * 7 % 13), outputCount: Int(seed * 5 % 17), seed: seed)
    #expect(mask.inputOrder.map(Int.init).sorted() == Array(0..<mask.inputCount))
    #expect(mask.outputOrder.map(Int.init).sorted() == Array(0..<mask.outputCount))
    var permitted = 0
    var before: Int32 = 0
    for (position, output) in mask.outputOrder.enumerated() {
      let length = mask.prefixLengths[position]
      #expect(length >= before)
      before = length
      for (rank, input) in mask.inputOrder.enumerated() {
        let isPermitted = mask.inputDegrees[Int(input)] <= mask.outputDegrees[Int(output)]
        #expect(mask.permits(Int(input), Int(output)) == isPermitted)
        #expect((rank < Int(length)) == isPermitted)
        permitted += isPermitted ? 1 : 0
      }
    }
    #expect(mask.permittedCount == permitted)
  }

  /// Degrees close together are sorted by counting, others by comparison: both keep equal degrees in order.
  @Test(arguments: [1, 1 << 40]) func orderIsStable(scale: Int) {
    let degrees = [3, -1, 2, 3, 0, -1, 2].map { $0 * scale }
    let mask = Staircase(inputDegrees: degrees, outputDegrees: degrees.reversed())
    #expect(mask.inputOrder == [1, 5, 4, 2, 6, 0, 3])
    #expect(mask.outputOrder == [1, 5, 2, 0, 4, 3, 6])
    #expect(mask.prefixLengths == [2, 2, 3, 5, 5, 7, 7])
    #expect(Staircase(inputDegrees: [.min, .max], outputDegrees: []).inputOrder == [0, 1])
  }

  @Test func denseMaskPermitsEverything() {
    #expect(Staircase(denseInputCount: 3, outputCount: 5).permittedCount == 15)
  }
}
