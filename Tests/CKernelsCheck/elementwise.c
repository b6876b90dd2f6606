#include "check.h"

#include <float.h>

// MARK: Activations

enum { activation_count = 4 };
static const char *const activation_names[activation_count] = {"relu", "sigmoid", "tanh", "softplus"};

static double value_of(ck_activation f, double x) {
  switch (f) {
  case ck_relu: return x < 0 ? 0 : x;
  case ck_sigmoid: return 1 / (1 + exp(-x));
  case ck_tanh: return tanh(x);
  case ck_softplus: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
  }
  return NAN;
}

/// f′(x) from y = f(x).
static double slope_of(ck_activation f, double y) {
  switch (f) {
  case ck_relu: return y > 0 ? 1 : isnan(y) ? y : 0;
  case ck_sigmoid: return y * (1 - y);
  case ck_tanh: return 1 - y * y;
  case ck_softplus: return -expm1(-y);
  }
  return NAN;
}

/// The distance from |x| to the next number in single precision.
static double ulp_of(double x) { return fabs(nextafterf((float)fabs(x), INFINITY) - (float)fabs(x)); }

static void expect_values(ck_activation f, ck_matrix x, ck_matrix y) {
  EACH_ELEMENT(y, r, c) {
    double expected = value_of(f, *at(x, r, c));
    EXPECT_NEAR(y, r, c, expected, isfinite(expected) ? fmax(3 * ulp_of(expected), 1e-37) : 0);
  }
}

/// Arguments of every size: evenly spaced, and of either sign at every binary order of magnitude.
static ck_matrix all_sizes(void) {
  enum { count = 4000 };
  ck_matrix x = matrix(10, count / 5);
  EACH_ELEMENT(x, r, c) {
    int i = (int)(r * count / 5 + c);
    float significand = (i % 2 == 0 ? 1 : -1) * (1 + (float)(i - count) / count);
    *at(x, r, c) = i < count ? (float)i * 0.055f - 110 : ldexpf(significand, i % 140 - 133);
  }
  return x;
}

/// Edges of the ranges that single precision and the approximations have.
static ck_matrix edges(void) {
  static const float values[] = {
    INFINITY, NAN,   0,      88.72f,   88.73f,  87.33f,  87.34f, 103.9f,
    104.1f,   16.6f, 0.625f, 0.41421f, FLT_MAX, FLT_MIN, 1e-45f, 709};
  ck_matrix x = matrix(2, sizeof values / sizeof *values);
  EACH_ELEMENT(x, r, c) *at(x, r, c) = r == 0 ? values[c] : -values[c];
  return x;
}

static void check_functions(void (*apply)(ck_activation f, ck_matrix x, ck_matrix y)) {
  for (int f = 0; f < activation_count; f++) {
    EACH_SIZE(columns) {
      shape("%s, 3 × %td, and in place", activation_names[f], columns);
      ck_matrix x = uniform(3, columns, -4, 4), y = matrix(3, columns), z = copy(x);
      poison(x);
      RUN_ROWS(3, apply((ck_activation)f, PART(x), PART(y)), y);
      expect_values((ck_activation)f, x, y);
      ck_matrix start = copy(z);
      RUN_ROWS(3, apply((ck_activation)f, PART(z), PART(z)), z);
      expect_values((ck_activation)f, start, z);
    }
    shape("%s of all sizes", activation_names[f]);
    ck_matrix x = all_sizes(), y = matrix(x.rows, x.columns);
    RUN_ROWS(x.rows, apply((ck_activation)f, PART(x), PART(y)), y);
    expect_values((ck_activation)f, x, y);
    shape("%s at the edges", activation_names[f]);
    x = edges();
    y = matrix(x.rows, x.columns);
    RUN_ROWS(x.rows, apply((ck_activation)f, PART(x), PART(y)), y);
    expect_values((ck_activation)f, x, y);
  }
}

void check_apply(const ck_kernels *kernels) { check_functions(kernels->apply); }
void check_portable_apply(const ck_kernels *kernels) { check_functions(kernels->portable_apply); }

/// The slope is at most two operations on |y| ≤ 1, or 2 ulp of an exponential below 1; a product and a sum
/// below 2 follow.
void check_activation_gradient(const ck_kernels *kernels) {
  for (int f = 0; f < activation_count; f++) {
    EACH_SIZE(columns) {
      shape("%s, 3 × %td", activation_names[f], columns);
      ck_matrix y = uniform(3, columns, f == ck_tanh ? -1 : 0, f == ck_softplus ? 4 : 1);
      ck_matrix dy = uniform(3, columns, -1, 1), dx = uniform(3, columns, -1, 1);
      poison(y);
      poison(dy);
      poison(dx);
      RUN_ROWS(3, kernels->activation_gradient((ck_activation)f, PART(y), PART(dy), PART(dx)), dx);
      EACH_ELEMENT(dx, r, c) {
        double slope = slope_of((ck_activation)f, *at(y, r, c));
        EXPECT_NEAR(dx, r, c, before(dx, r, c) + slope * *at(dy, r, c), 8 * ROUNDOFF);
      }
    }
  }
}

// MARK: Element by element

/// Two products and a sum.
void check_accumulate(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1), y = uniform(rows, columns, -1, 1);
    poison(x);
    poison(y);
    RUN_ROWS(rows, kernels->accumulate(PART(x), -0.3f, 0.9f, PART(y)), y);
    EACH_ELEMENT(y, r, c) {
      sum s = {0};
      add(&s, (double)0.9f * before(y, r, c));
      add(&s, (double)-0.3f * *at(x, r, c));
      EXPECT_SUM(y, r, c, s);
    }
  }
}

void check_multiply(const ck_kernels *kernels) {
  for (int accumulating = 0; accumulating < 2; accumulating++) {
    EACH_SHAPE(rows, columns) {
      shape("%td × %td, accumulating %d", rows, columns, accumulating);
      ck_matrix a = uniform(rows, columns, -1, 1), b = uniform(rows, columns, -1, 1);
      ck_matrix y = accumulating ? uniform(rows, columns, -1, 1) : matrix(rows, columns);
      poison(a);
      poison(b);
      RUN_ROWS(rows, kernels->multiply(PART(a), PART(b), PART(y), accumulating), y);
      EACH_ELEMENT(y, r, c) {
        sum s = {0};
        if (accumulating) add(&s, before(y, r, c));
        add(&s, (double)*at(a, r, c) * *at(b, r, c));
        EXPECT_SUM(y, r, c, s);
      }
    }
  }
}

// MARK: Rows and columns

void check_accumulate_row(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix row = uniform(1, columns, -1, 1), y = uniform(rows, columns, -1, 1);
    poison(row);
    RUN_ROWS(rows, kernels->accumulate_row(row, -0.3f, PART(y)), y);
    EACH_ELEMENT(y, r, c) {
      sum s = {0};
      add(&s, before(y, r, c));
      add(&s, (double)-0.3f * *at(row, 0, c));
      EXPECT_SUM(y, r, c, s);
    }
  }
}

void check_accumulate_column(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix column = uniform(rows, 1, -1, 1), y = uniform(rows, columns, -1, 1);
    poison(column);
    RUN_ROWS(rows, kernels->accumulate_column(PART(column), -0.3f, PART(y)), y);
    EACH_ELEMENT(y, r, c) {
      sum s = {0};
      add(&s, before(y, r, c));
      add(&s, (double)-0.3f * *at(column, r, 0));
      EXPECT_SUM(y, r, c, s);
    }
  }
}

void check_accumulate_sum_of_rows(const ck_kernels *kernels) {
  for (int i = 0; i < 3 * size_count; i++) {
    ptrdiff_t rows = i == 0 ? 400 : size_at(i, 1), columns = i == 0 ? 300 : size_at(i, 0);
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1), row = uniform(1, columns, -1, 1);
    poison(x);
    RUN(kernels->accumulate_sum_of_rows(x, 0.5f, row), row);
    for (ptrdiff_t c = 0; c < columns; c++) {
      sum s = {0};
      add(&s, before(row, 0, c));
      for (ptrdiff_t r = 0; r < rows; r++) add(&s, 0.5 * *at(x, r, c));
      EXPECT_SUM(row, 0, c, s);
    }
  }
}

void check_accumulate_sum_of_columns(const ck_kernels *kernels) {
  for (int i = 0; i < 3 * size_count; i++) {
    ptrdiff_t rows = i == 0 ? 400 : size_at(i, 1), columns = i == 0 ? 300 : size_at(i, 0);
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1), column = uniform(rows, 1, -1, 1);
    poison(x);
    RUN_ROWS(rows, kernels->accumulate_sum_of_columns(PART(x), 0.5f, PART(column)), column);
    for (ptrdiff_t r = 0; r < rows; r++) {
      sum total = {0}, s = {0};
      for (ptrdiff_t c = 0; c < columns; c++) add(&total, *at(x, r, c));
      // The sum is taken in double, so that only its rounding and the addition count.
      add(&s, before(column, r, 0));
      add(&s, 0.5 * total.value);
      EXPECT_SUM(column, r, 0, s);
    }
  }
}

// MARK: Mixtures

static double log_mean_exp_of(ck_matrix x, ptrdiff_t r) {
  double peak = -INFINITY, total = 0;
  for (ptrdiff_t c = 0; c < x.columns; c++) {
    if (isnan(*at(x, r, c))) return NAN;
    peak = fmax(peak, *at(x, r, c));
  }
  if (isinf(peak)) return peak;
  for (ptrdiff_t c = 0; c < x.columns; c++) total += exp(*at(x, r, c) - peak);
  return peak + log(total / (double)x.columns);
}

/// An exponential errs by 2 ulp, the difference it is taken of by 40·u or less, the sum of N terms by N·u,
/// the logarithm by an ulp: all relative to a sum of at least 1, hence absolute in its logarithm.
static double mixture_bound(ptrdiff_t columns, double offset) {
  return ROUNDOFF * (50 + (double)columns + 3 * fabs(offset));
}

static const double offsets[] = {0, 300, -300};

void check_log_mean_exp(const ck_kernels *kernels) {
  for (int i = 0; i < 3 * size_count; i++) {
    ptrdiff_t columns = i == 0 ? 1000 : sizes[i % size_count];
    if (columns == 0) continue;
    double offset = offsets[i / size_count];
    shape("20 × %td around %g", columns, offset);
    ck_matrix x = uniform(20, columns, offset - 20, offset + 20), y = matrix(20, 1);
    poison(x);
    *at(x, 3, columns - 1) = -INFINITY;
    for (ptrdiff_t c = 0; c < columns; c++) *at(x, 4, c) = -INFINITY;
    *at(x, 5, 0) = INFINITY;
    for (ptrdiff_t c = 0; c < columns; c++) *at(x, 6, c) = -INFINITY;
    *at(x, 6, columns - 1) = NAN;
    RUN_ROWS(20, kernels->log_mean_exp(PART(x), PART(y)), y);
    for (ptrdiff_t r = 0; r < 20; r++) {
      EXPECT_NEAR(y, r, 0, log_mean_exp_of(x, r), mixture_bound(columns, offset));
    }
  }
}

/// The exponential is at most N, hence its part of the gradient at most 1; it errs relatively by what its
/// argument errs by absolutely, and a few roundings.
void check_log_mean_exp_gradient(const ck_kernels *kernels) {
  for (int i = 1; i < 3 * size_count; i++) {
    ptrdiff_t columns = sizes[i % size_count];
    if (columns == 0) continue;
    double offset = offsets[i / size_count];
    shape("9 × %td around %g", columns, offset);
    ck_matrix x = uniform(9, columns, offset - 20, offset + 20), y = matrix(9, 1);
    ck_matrix dy = uniform(9, 1, -1, 1), dx = uniform(9, columns, -1, 1);
    *at(x, 4, 0) = -INFINITY;
    for (ptrdiff_t r = 0; r < 9; r++) *at(y, r, 0) = (float)log_mean_exp_of(x, r);
    static const float not_finite[] = {NAN, INFINITY, -INFINITY};
    for (int r = 0; r < 3; r++) *at(y, r, 0) = not_finite[r];
    *at(dy, 3, 0) = NAN;
    RUN_ROWS(9, kernels->log_mean_exp_gradient(PART(x), PART(y), PART(dy), PART(dx)), dx);
    EACH_ELEMENT(dx, r, c) {
      double expected = before(dx, r, c);
      float mean = *at(y, r, 0);
      if (isfinite(mean)) expected += *at(dy, r, 0) * exp((double)*at(x, r, c) - mean) / (double)columns;
      EXPECT_NEAR(dx, r, c, expected, isfinite(mean) ? mixture_bound(columns, offset) + 8 * ROUNDOFF : 0);
    }
  }
}

// MARK: Likelihood

/// log(1 + eᶻ) without overflow.
static double softplus_of(double z) { return value_of(ck_softplus, z); }

/// Every term is within 4 ulp, that is 8·u relatively, and for t in {0, 1} all have one sign.
void check_bernoulli(const ck_kernels *kernels) {
  static const double scales[] = {0.5, 6, 60};
  for (int i = 0; i < 3 * shape_count; i++) {
    ptrdiff_t rows = rows_of(i % shape_count), columns = columns_of(i % shape_count);
    double scale = scales[i / shape_count];
    shape("%td × %td, logits up to %g", rows, columns, scale);
    ck_matrix z = uniform(rows, columns, -scale, scale), t = bits(rows, columns, 0.3), y = matrix(rows, 1);
    poison(z);
    if (i % 2 == 0) poison(t);
    RUN_ROWS(rows, kernels->bernoulli(PART(z), PART(t), PART(y)), y);
    for (ptrdiff_t r = 0; r < rows; r++) {
      double expected = 0;
      for (ptrdiff_t c = 0; c < columns; c++) {
        float logit = *at(z, r, c), target = *at(t, r, c);
        expected += isnan(target) ? NAN : -softplus_of(target == 1 ? -logit : logit);
      }
      EXPECT_NEAR(y, r, 0, expected, 9 * ROUNDOFF * fabs(expected));
    }
  }
}

/// 3 ulp of a sigmoid below 1, a difference, a product and a sum below 2.
void check_bernoulli_gradient(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix z = uniform(rows, columns, -20, 20), t = bits(rows, columns, 0.3);
    ck_matrix dy = uniform(rows, 1, -1, 1), dz = uniform(rows, columns, -1, 1);
    poison(z);
    poison(t);
    poison(dz);
    RUN_ROWS(rows, kernels->bernoulli_gradient(PART(z), PART(t), PART(dy), PART(dz)), dz);
    EACH_ELEMENT(dz, r, c) {
      double slope = *at(t, r, c) - value_of(ck_sigmoid, *at(z, r, c));
      EXPECT_NEAR(dz, r, c, before(dz, r, c) + *at(dy, r, 0) * slope, 12 * ROUNDOFF);
    }
  }
}

// MARK: Bits

void check_expand_bits(const ck_kernels *kernels) {
  static const ptrdiff_t columns[] = {1, 15, 16, 17, 63, 64, 65, 128, 784};
  enum { tables = 9, row_count = 31, variations = 8 };
  for (int i = 0; i < variations * tables; i++) {
    ptrdiff_t width = columns[i % tables], words_per_row = (width + 63) / 64;
    int variation = i / tables;
    bool has_numbers = variation & 1, has_places = variation & 2, has_lists = variation & 4;
    shape("%td columns, row numbers %d, places %d, lists %d", width, has_numbers, has_places, has_lists);
    uint64_t words[row_count * 13];
    for (int w = 0; w < row_count * 13; w++) {
      words[w] = (uint64_t)(draw() * 0x1p32) << 32 | (uint64_t)(draw() * 0x1p32);
      // Rows of few bits, of none and of all.
      if (w / words_per_row % 4 == 1) words[w] &= words[w] >> 7 & words[w] << 5;
      if (w / words_per_row % 4 == 2) words[w] = 0;
      if (w / words_per_row % 8 == 3) words[w] = UINT64_MAX;
    }
    ptrdiff_t numbers[row_count];
    for (int r = 0; r < row_count; r++) numbers[r] = draw_below(row_count);
    const int32_t *places = ordering(width, !has_places);
    ck_matrix y = matrix(row_count, width);
    ck_on_bits on_bits = has_lists ? lists(row_count, width) : unlisted;
    RUN(
      kernels->expand_bits(
        words, words_per_row, has_numbers ? numbers : NULL, has_places ? places : NULL, y, on_bits), y);
    for (ptrdiff_t r = 0; r < row_count; r++) {
      const uint64_t *row = words + (has_numbers ? numbers[r] : r) * words_per_row;
      for (ptrdiff_t c = 0; c < width; c++) EXPECT_NEAR(y, r, places[c], row[c / 64] >> (c % 64) & 1, 0);
    }
    if (has_lists) expect_lists(y, on_bits);
  }
}

// MARK: Peaks

void check_multiply_adds(const ck_kernels *kernels) {
  shape("%d elements", CK_CHAIN_ELEMENTS);
  ck_matrix x = uniform(1, CK_CHAIN_ELEMENTS, -1, 1);
  ptrdiff_t count = 0;
  RUN(count = kernels->multiply_adds(5, 0.5f, 0.25f, x.base), x);
  EXPECT(count > 0 && count <= CK_CHAIN_ELEMENTS);
  for (ptrdiff_t c = 0; c < CK_CHAIN_ELEMENTS; c++) {
    double expected = before(x, 0, c);
    for (int round = 0; round < 5 && c < count; round++) expected = expected * 0.5 + 0.25;
    // Each of ten roundings errs by u of at most one, and the next round halves it.
    EXPECT_NEAR(x, 0, c, expected, c < count ? 4 * ROUNDOFF : 0);
  }
}

void check_stream(const ck_kernels *kernels) {
  EACH_SHAPE(rows, columns) {
    shape("%td × %td", rows, columns);
    ck_matrix x = uniform(rows, columns, -1, 1);
    RUN(kernels->stream(x, 0.75f), x);
    EACH_ELEMENT(x, r, c) {
      sum s = {0};
      add(&s, before(x, r, c));
      add(&s, 0.75);
      EXPECT_SUM(x, r, c, s);
    }
  }
}
