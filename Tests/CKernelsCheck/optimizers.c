#include "check.h"

#include <float.h>

// MARK: What is asked of gradients

/// Keeps a double where RUN looks for results.
static void put(ck_matrix m, double value) { memcpy(m.base, &value, sizeof value); }

void check_sum_of_squares(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1), result = matrix(1, 2);
    if (columns % 4 == 1) poison(x);
    RUN(put(result, kernels->sum_of_squares(x)), result);
    double found, expected = 0;
    memcpy(&found, result.base, sizeof found);
    EACH_ELEMENT(x, r, c) expected += (double)*at(x, r, c) * *at(x, r, c);
    // Squares are exact in double, and both sums are taken in it.
    double bound = (double)(x.rows * x.columns) * 0x1p-52 * expected;
    if (isnan(expected) ? !isnan(found) : fabs(found - expected) > bound) {
      fail("the sum is %.17g where %.17g ± %.3g is expected", found, expected, bound);
    }
  }
}

void check_is_finite(const ck_kernels *kernels) {
  static const float values[] = {FLT_MAX, -FLT_MAX, 0, INFINITY, -INFINITY, NAN};
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1), result = matrix(1, 1);
    RUN(*result.base = kernels->is_finite(x), result);
    EXPECT(*result.base == 1);
    if (x.rows == 0 || x.columns == 0) continue;
    for (int v = 0; v < 6; v++) {
      float *element = at(x, draw_below(x.rows), v % 2 == 0 ? x.columns - 1 : draw_below(x.columns));
      float value = *element;
      *element = values[v];
      RUN(*result.base = kernels->is_finite(x), result);
      EXPECT(*result.base == (v < 3));
      *element = value;
    }
  }
}

// MARK: Steps

/// At most five rounded operations on numbers of at most 2.
void check_descend(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix w = uniform(rows, columns, -1, 1), g = uniform(rows, columns, -1, 1);
    ck_matrix v = uniform(rows, columns, -1, 1);
    poison(w);
    poison(g);
    poison(v);
    RUN_ROWS(rows, kernels->descend(PART(w), PART(g), 0.5f, 0.25f, 0.75f, PART(v)), w, v);
    EACH_ELEMENT(w, r, c) {
      double velocity = 0.75 * before(v, r, c) + 0.5 * *at(g, r, c);
      EXPECT_NEAR(v, r, c, velocity, 10 * ROUNDOFF);
      EXPECT_NEAR(w, r, c, before(w, r, c) - 0.25 * velocity, 10 * ROUNDOFF);
    }
  }
}

/// |g| / √(s + g²) is at most 1 and good to five roundings.
void check_adagrad(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix w = uniform(rows, columns, -1, 1), g = uniform(rows, columns, -1, 1);
    ck_matrix s = uniform(rows, columns, 0, 1);
    poison(w);
    poison(g);
    poison(s);
    RUN_ROWS(rows, kernels->adagrad(PART(w), PART(g), 0.5f, 0.25f, 0x1p-10f, PART(s)), w, s);
    EACH_ELEMENT(w, r, c) {
      double slope = 0.5 * *at(g, r, c), squares = before(s, r, c) + slope * slope;
      EXPECT_NEAR(s, r, c, squares, 10 * ROUNDOFF);
      EXPECT_NEAR(w, r, c, before(w, r, c) - 0.25 * slope / (sqrt(squares) + 0x1p-10), 10 * ROUNDOFF);
    }
  }
}

/// The direction is at most 8 · 0.2 / √(16 · 0.09) < 4 in the first step, the rest is below 1.
void check_adam(const ck_kernels *kernels) {
  for (int i = 0; i < 2 * shape_count; i++) {
    ptrdiff_t rows = rows_of(i % shape_count), columns = columns_of(i % shape_count);
    bool is_first = i < shape_count;
    shape("%td × %td, %s step", rows, columns, is_first ? "first" : "late");
    ck_matrix w = uniform(rows, columns, -1, 1), g = uniform(rows, columns, -1, 1);
    ck_matrix m = uniform(rows, columns, -0.1, 0.1), v = uniform(rows, columns, 0.1, 1);
    poison(w);
    poison(g);
    poison(m);
    poison(v);
    // Constants that single precision holds exactly, so that only the arithmetic differs.
    const ck_adam step = {
      .rate = 0x1p-7f, .beta1 = 0.875f, .beta2 = 0.9375f, .epsilon = 0x1p-20f, .weight_decay = 0x1p-6f,
      .mean_correction = is_first ? 8 : 1, .variance_correction = is_first ? 16 : 1};
    RUN_ROWS(rows, kernels->adam(PART(w), PART(g), 0.5f, step, PART(m), PART(v)), w, m, v);
    EACH_ELEMENT(w, r, c) {
      double slope = 0.5 * *at(g, r, c);
      double mean = 0.875 * before(m, r, c) + 0.125 * slope;
      double variance = 0.9375 * before(v, r, c) + 0.0625 * slope * slope;
      double direction = mean * step.mean_correction / (sqrt(variance * step.variance_correction) + 0x1p-20);
      double weight = before(w, r, c);
      EXPECT_NEAR(m, r, c, mean, 4 * ROUNDOFF);
      EXPECT_NEAR(v, r, c, variance, 4 * ROUNDOFF);
      EXPECT_NEAR(
        w, r, c, weight - 0x1p-7 * (direction + 0x1p-6 * weight), (2 + 4 * 10 * 0x1p-7) * ROUNDOFF);
    }
  }
}
