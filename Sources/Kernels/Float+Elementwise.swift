import CKernels

extension Float {
  public static func expandBits(
    _ words: UnsafePointer<UInt64>, wordsPerRow: Int, rows: UnsafePointer<Int>?,
    places: UnsafePointer<Int32>?, into y: UnsafeMutableMatrixView<Float>, listing onBits: UnsafeOnBits?
  ) {
    precondition(wordsPerRow * 64 >= y.columnCount, "\(wordsPerRow) words do not hold \(y.columnCount) bits")
    kernels.pointee.expand_bits(words, wordsPerRow, rows, places, y.raw, onBits.raw)
  }

  public static func apply(
    _ f: Activation, _ x: UnsafeMatrixView<Float>, into y: UnsafeMutableMatrixView<Float>
  ) {
    y.require("y", shapeOf: x)
    kernels.pointee.apply(f.raw, x.raw, y.raw)
  }

  public static func accumulateGradient(
    of f: Activation, output y: UnsafeMatrixView<Float>, _ dy: UnsafeMatrixView<Float>,
    into dx: UnsafeMutableMatrixView<Float>
  ) {
    dy.require("dy", shapeOf: y)
    dx.require("dx", shapeOf: y)
    kernels.pointee.activation_gradient(f.raw, y.raw, dy.raw, dx.raw)
  }

  public static func accumulate(
    _ x: UnsafeMatrixView<Float>, scaledBy scale: Float, into y: UnsafeMutableMatrixView<Float>,
    keeping keep: Float
  ) {
    y.require("y", shapeOf: x)
    kernels.pointee.accumulate(x.raw, scale, keep, y.raw)
  }

  public static func multiply(
    _ a: UnsafeMatrixView<Float>, _ b: UnsafeMatrixView<Float>, into y: UnsafeMutableMatrixView<Float>,
    accumulating: Bool
  ) {
    b.require("b", shapeOf: a)
    y.require("y", shapeOf: a)
    kernels.pointee.multiply(a.raw, b.raw, y.raw, accumulating)
  }

  public static func dropout(
    _ x: UnsafeMatrixView<Float>, rate: Double, scaledBy scale: Float, bits: Philox,
    into y: UnsafeMutableMatrixView<Float>,
    accumulating: Bool
  ) {
    precondition(rate >= 0 && rate < 1, "a rate of \(rate) would not leave anything")
    y.require("y", shapeOf: x)
    kernels.pointee.dropout(
      x.raw, UInt32(rate * 0x1p32), scale, bits.raw, y.raw, accumulating)
  }

  public static func accumulateRow(
    _ row: UnsafeMatrixView<Float>, scaledBy scale: Float, into y: UnsafeMutableMatrixView<Float>
  ) {
    row.require("row", rows: 1, columns: y.columnCount)
    kernels.pointee.accumulate_row(row.raw, scale, y.raw)
  }

  public static func accumulateColumn(
    _ column: UnsafeMatrixView<Float>, scaledBy scale: Float, into y: UnsafeMutableMatrixView<Float>
  ) {
    column.require("column", rows: y.rowCount, columns: 1)
    kernels.pointee.accumulate_column(column.raw, scale, y.raw)
  }

  public static func accumulateSumOfRows(
    _ x: UnsafeMatrixView<Float>, scaledBy scale: Float, into row: UnsafeMutableMatrixView<Float>
  ) {
    row.require("row", rows: 1, columns: x.columnCount)
    kernels.pointee.accumulate_sum_of_rows(x.raw, scale, row.raw)
  }

  public static func accumulateSumOfColumns(
    _ x: UnsafeMatrixView<Float>, scaledBy scale: Float, into column: UnsafeMutableMatrixView<Float>
  ) {
    column.require("column", rows: x.rowCount, columns: 1)
    kernels.pointee.accumulate_sum_of_columns(x.raw, scale, column.raw)
  }

  public static func logMeanExp(_ x: UnsafeMatrixView<Float>, into y: UnsafeMutableMatrixView<Float>) {
    y.require("y", rows: x.rowCount, columns: 1)
    kernels.pointee.log_mean_exp(x.raw, y.raw)
  }

  public static func accumulateLogMeanExpGradient(
    _ x: UnsafeMatrixView<Float>, output y: UnsafeMatrixView<Float>, _ dy: UnsafeMatrixView<Float>,
    into dx: UnsafeMutableMatrixView<Float>
  ) {
    y.require("y", rows: x.rowCount, columns: 1)
    dy.require("dy", rows: x.rowCount, columns: 1)
    dx.require("dx", shapeOf: x)
    kernels.pointee.log_mean_exp_gradient(x.raw, y.raw, dy.raw, dx.raw)
  }

  public static func bernoulliLogLikelihood(
    logits z: UnsafeMatrixView<Float>, targets t: UnsafeMatrixView<Float>,
    into y: UnsafeMutableMatrixView<Float>
  ) {
    t.require("targets", shapeOf: z)
    y.require("y", rows: z.rowCount, columns: 1)
    kernels.pointee.bernoulli(z.raw, t.raw, y.raw)
  }

  public static func accumulateBernoulliGradient(
    logits z: UnsafeMatrixView<Float>, targets t: UnsafeMatrixView<Float>, _ dy: UnsafeMatrixView<Float>,
    into dz: UnsafeMutableMatrixView<Float>
  ) {
    t.require("targets", shapeOf: z)
    dy.require("dy", rows: z.rowCount, columns: 1)
    dz.require("dz", shapeOf: z)
    kernels.pointee.bernoulli_gradient(z.raw, t.raw, dy.raw, dz.raw)
  }
}
