// Legend: B rows in a batch, K inputs, N outputs; k an input, n an output, r a row.

#include "check.h"

// MARK: Products

static void check_product_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t columns, ck_transposition transposing,
  bool accumulating, int poisoned
) {
  bool left = transposing == ck_left, right = transposing == ck_right;
  shape(
    "%td × %td · %td × %td, transposing %d, accumulating %d, NaN in %d", rows, depth, depth, columns,
    transposing, accumulating, poisoned);
  ck_matrix a = left ? uniform(depth, rows, -1, 1) : uniform(rows, depth, -1, 1);
  ck_matrix b = right ? uniform(columns, depth, -1, 1) : uniform(depth, columns, -1, 1);
  ck_matrix c = accumulating ? uniform(rows, columns, -1, 1) : matrix(rows, columns);
  if (poisoned == 1) poison(a);
  if (poisoned == 2) poison(b);
  // The rows of a transposed operand are columns and cannot be divided.
  if (left) RUN(kernels->product(a, b, transposing, c, accumulating), c);
  else RUN_ROWS(rows, kernels->product(PART(a), b, transposing, PART(c), accumulating), c);
  EACH_ELEMENT(c, r, n) {
    sum s = {0};
    if (accumulating) add(&s, before(c, r, n));
    for (ptrdiff_t k = 0; k < depth; k++) {
      add(&s, (double)(left ? *at(a, k, r) : *at(a, r, k)) * (right ? *at(b, n, k) : *at(b, k, n)));
    }
    EXPECT_SUM(c, r, n, s);
  }
}

void check_product(const ck_kernels *kernels) {
  for (int t = ck_none; t <= ck_right; t++) {
    for (int i = 0; i < 3 * size_count; i++) {
      check_product_of(
        kernels, size_at(i, 0), size_at(i, 1), size_at(i, 2), (ck_transposition)t, i % 2 == 1, i % 3);
    }
    // A sum long enough to be taken in pieces.
    check_product_of(kernels, 33, 1100, 50, (ck_transposition)t, false, 0);
    // Rows for several tasks.
    check_product_of(kernels, 300, 20, 40, (ck_transposition)t, true, 0);
  }
}

// MARK: Masks

typedef struct {
  ptrdiff_t inputs, outputs;
  int32_t *input_degrees, *output_degrees;
  ck_staircase c;
} mask;

static bool permits(const mask *m, ptrdiff_t k, ptrdiff_t n) {
  return m->input_degrees[k] <= m->output_degrees[n];
}

enum { mask_kinds = 5 };
static const char *const mask_names[mask_kinds] = {"permuted", "natural", "dense", "empty", "half permuted"};

/// Makes a mask: degrees at random, so that both orders are permutations and some outputs see nothing and
/// some everything; ascending degrees, so that both orders are natural; everything permitted; nothing; inputs at random
/// and outputs ascending.
static mask make_mask(int kind, ptrdiff_t inputs, ptrdiff_t outputs) {
  mask m = {inputs, outputs, integers(inputs), integers(outputs), {0}};
  for (ptrdiff_t k = 0; k < inputs; k++) {
    const ptrdiff_t degrees[mask_kinds] = {1 + draw_below(inputs), k + 1, 0, 1, 1 + draw_below(inputs)};
    m.input_degrees[k] = (int32_t)degrees[kind];
  }
  for (ptrdiff_t n = 0; n < outputs; n++) {
    const ptrdiff_t degrees[mask_kinds] = {draw_below(inputs + 1), n * inputs / outputs, 0, 0, n * inputs / outputs};
    m.output_degrees[n] = (int32_t)degrees[kind];
  }
  int32_t *prefixes = integers(outputs);
  m.c = (ck_staircase){by_degree(m.input_degrees, inputs), by_degree(m.output_degrees, outputs), prefixes};
  for (ptrdiff_t n = 0; n < outputs; n++) {
    int32_t length = n == 0 ? 0 : prefixes[n - 1];
    while (length < inputs && permits(&m, m.c.inputs[length], m.c.outputs[n])) length++;
    prefixes[n] = length;
  }
  // An order that is the natural one need not be spelt out.
  if (kind > 0 && kind < 4 && draw() < 0.5) m.c.inputs = NULL;
  if (kind > 0 && draw() < 0.5) m.c.outputs = NULL;
  return m;
}

/// Makes random weights, NaN wherever the mask forbids them.
static ck_matrix make_weights(const mask *m) {
  ck_matrix w = uniform(m->inputs, m->outputs, -1, 1);
  EACH_ELEMENT(w, k, n) {
    if (!permits(m, k, n)) *at(w, k, n) = NAN;
  }
  return w;
}

/// Makes inputs that are mostly zero, and else anything or only ones.
static ck_matrix make_sparse(ptrdiff_t rows, ptrdiff_t columns) {
  ck_matrix x = uniform(rows, columns, -1, 1);
  bool are_ones = draw() < 0.5;
  EACH_ELEMENT(x, r, k) {
    if (draw() < 0.7) *at(x, r, k) = 0;
    else if (are_ones) *at(x, r, k) = 1;
  }
  return x;
}

typedef void masked_check(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation);

/// Calls a check for many shapes with every kind of mask, and with variations 0, 1, 2 … in turn.
static void each_mask(const ck_kernels *kernels, masked_check *check) {
  for (int i = 0; i < 3 * size_count; i++) {
    check(kernels, size_at(i, 2), size_at(i, 0), size_at(i, 1), i % mask_kinds, i);
  }
  for (int kind = 0; kind < mask_kinds; kind++) {
    for (int i = 0; i < 4; i++) check(kernels, 17 + i, 33, 100, kind, i);
    for (int i = 0; i < 2; i++) check(kernels, 140, 65, 131, kind, i);
  }
  // Sums long enough to be taken in pieces.
  for (int i = 0; i < 2; i++) {
    check(kernels, 9, 1100, 30, 0, i);
    check(kernels, 9, 30, 1100, 0, i);
    // Inputs that are sorted for all rows together, and stay as they are for a few.
    for (int k = 0; k < 3; k++) check(kernels, 40, 1100, 30, 4, i);
  }
}

// MARK: Forward

static void check_masked_linear_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  bool is_sparse = variation % 2 == 0, has_bias = variation / 2 % 2 == 0;
  int poisoned = variation % 3;
  shape(
    "%td rows, %td inputs, %td outputs, %s mask, sparse %d, bias %d, NaN in %d", rows, inputs, outputs,
    mask_names[kind], is_sparse, has_bias, poisoned);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix w = make_weights(&m), bias = uniform(1, outputs, -1, 1), y = matrix(rows, outputs);
  ck_matrix x = is_sparse ? make_sparse(rows, inputs) : uniform(rows, inputs, -1, 1);
  if (poisoned == 1) poison(x);
  if (poisoned == 2 && has_bias) poison(bias);
  // A weight that only a zero multiplies may or may not count.
  if (poisoned == 2 && !is_sparse) poison(w);
  const float *b = has_bias ? bias.base : NULL;
  RUN_ROWS(rows, kernels->masked_linear(PART(x), unlisted, w, b, m.c, is_sparse, PART(y)), y);
  EACH_ELEMENT(y, r, n) {
    sum s = {0};
    if (has_bias) add(&s, *at(bias, 0, n));
    for (ptrdiff_t k = 0; k < inputs; k++) {
      if (permits(&m, k, n)) add(&s, (double)*at(x, r, k) * *at(w, k, n));
    }
    // A forbidden input that is not finite may spread.
    if (poisoned == 1 && isnan(*at(y, r, n))) continue;
    EXPECT_SUM(y, r, n, s);
  }
  // Other inputs of degrees that an output may not see leave it as it is.
  ck_matrix once = copy(y);
  if (is_sparse && poisoned != 1) {
    // It makes no difference who finds the ones.
    EACH_ELEMENT(x, r, k) *at(x, r, k) = *at(x, r, k) != 0;
    kernels->masked_linear(x, unlisted, w, b, m.c, ck_sparse, once);
    ck_on_bits on_bits = lists(rows, inputs);
    ptrdiff_t next = 0;
    for (ptrdiff_t r = 0; r < rows; r++) {
      // As they would follow each other.
      on_bits.starts[r] = next;
      int32_t *end = on_bits.base + next;
      for (ptrdiff_t k = 0; k < inputs; k++) {
        if (*at(x, r, k) == 1) *end++ = (int32_t)k;
      }
      *end++ = INT32_MAX;
      next = end - on_bits.base;
    }
    RUN(kernels->masked_linear(x, on_bits, w, b, m.c, ck_sparse, y), y);
    EACH_ELEMENT(y, r, n) EXPECT_SAME(y, once, r, n);
  }
  if (inputs == 0 || outputs == 0) return;
  int32_t degree = m.output_degrees[draw_below(outputs)];
  EACH_ELEMENT(x, r, k) {
    if (m.input_degrees[k] > degree) *at(x, r, k) = *at(x, r, k) == 0 ? 2 : 0;
  }
  kernels->masked_linear(x, unlisted, w, b, m.c, is_sparse, y);
  EACH_ELEMENT(y, r, n) {
    if (m.output_degrees[n] <= degree && !isnan(*at(once, r, n))) EXPECT_SAME(y, once, r, n);
  }
}

void check_masked_linear(const ck_kernels *kernels) { each_mask(kernels, check_masked_linear_of); }

// MARK: Backward

static void check_input_gradient_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  int poisoned = variation % 3;
  shape(
    "%td rows, %td inputs, %td outputs, %s mask, NaN in %d", rows, inputs, outputs, mask_names[kind],
    poisoned);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix w = make_weights(&m), dy = uniform(rows, outputs, -1, 1), dx = uniform(rows, inputs, -1, 1);
  if (poisoned == 1) poison(dy);
  if (poisoned == 2) poison(w);
  RUN_ROWS(rows, kernels->masked_linear_input_gradient(PART(dy), w, m.c, ck_dense, PART(dx)), dx);
  EACH_ELEMENT(dx, r, k) {
    sum s = {0};
    add(&s, before(dx, r, k));
    for (ptrdiff_t n = 0; n < outputs; n++) {
      if (permits(&m, k, n)) add(&s, (double)*at(dy, r, n) * *at(w, k, n));
    }
    if (poisoned == 1 && isnan(*at(dx, r, k))) continue;
    EXPECT_SUM(dx, r, k, s);
  }
}

void check_masked_linear_input_gradient(const ck_kernels *kernels) {
  each_mask(kernels, check_input_gradient_of);
}

static void check_weight_gradient_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  bool is_sparse = variation % 2 == 0;
  int poisoned = variation % 3;
  shape(
    "%td rows, %td inputs, %td outputs, %s mask, sparse %d, NaN in %d", rows, inputs, outputs,
    mask_names[kind], is_sparse, poisoned);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix x = is_sparse ? make_sparse(rows, inputs) : uniform(rows, inputs, -1, 1);
  ck_matrix dy = uniform(rows, outputs, -1, 1), dw = uniform(inputs, outputs, -1, 1);
  if (poisoned == 1) poison(x);
  if (poisoned == 2 && !is_sparse) poison(dy);
  ck_matrix start = copy(dw);
  RUN(kernels->masked_linear_weight_gradient(x, dy, m.c, is_sparse, dw), dw);
  EACH_ELEMENT(dw, k, n) {
    if (!permits(&m, k, n)) {
      EXPECT_SAME(dw, start, k, n);
      continue;
    }
    sum s = {0};
    add(&s, before(dw, k, n));
    for (ptrdiff_t r = 0; r < rows; r++) add(&s, (double)*at(x, r, k) * *at(dy, r, n));
    EXPECT_SUM(dw, k, n, s);
  }
}

void check_masked_linear_weight_gradient(const ck_kernels *kernels) {
  each_mask(kernels, check_weight_gradient_of);
}

// MARK: Lists

/// The same bits as the gradient of the weights of an x that has the lists in its columns.
static void check_accumulate_listed_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs
) {
  shape("%td rows, %td inputs, %td outputs", rows, inputs, outputs);
  mask all = make_mask(2, inputs, outputs);
  ck_matrix x = make_sparse(rows, inputs), dy = uniform(rows, outputs, -1, 1);
  EACH_ELEMENT(x, r, k) if (*at(x, r, k) != 0) *at(x, r, k) = 1;
  ck_matrix dw = uniform(inputs, outputs, -1, 1), expected = copy(dw);
  // The lists of the columns that have any, in another order than theirs.
  int32_t numbers[8192], places[128];
  ptrdiff_t starts[128], count = 0, end = 0;
  for (ptrdiff_t i = 0; i < inputs; i++) {
    ptrdiff_t k = inputs - 1 - i;
    starts[count] = end;
    for (ptrdiff_t r = 0; r < rows; r++) if (*at(x, r, k) != 0) numbers[end++] = (int32_t)r;
    if (end == starts[count]) continue;
    numbers[end++] = INT32_MAX;
    places[count++] = (int32_t)k;
  }
  RUN(kernels->accumulate_listed(dy, (ck_on_bits){numbers, starts}, places, count, dw), dw);
  kernels->masked_linear_weight_gradient(x, dy, all.c, ck_sparse, expected);
  EACH_ELEMENT(dw, k, n) EXPECT_SAME(dw, expected, k, n);
}

void check_accumulate_listed(const ck_kernels *kernels) {
  for (int i = 0; i < 3 * size_count; i++) {
    check_accumulate_listed_of(
      kernels, 1 + size_at(i, 0) % 60, 1 + size_at(i, 1) % 120, size_at(i, 2));
  }
}

// MARK: Adam

/// The same bits as the weight gradient into zeros, followed by Adam.
static void check_masked_linear_adam_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  ck_method method = variation % 2 == 0 ? ck_sparse : ck_dense;
  bool everywhere = kind == 0 || variation / 2 % 2 == 0;
  shape(
    "%td rows, %td inputs, %td outputs, %s mask, method %d, everywhere %d", rows, inputs, outputs,
    mask_names[kind], method, everywhere);
  const ck_adam step = {0.01f, 0.9f, 0.99f, 1e-6f, 0.1f, 1.5f, 1.25f};
  mask mask = make_mask(kind, inputs, outputs);
  ck_matrix x = method == ck_sparse ? make_sparse(rows, inputs) : uniform(rows, inputs, -1, 1);
  ck_matrix dy = uniform(rows, outputs, -1, 1), w = make_weights(&mask), m = make_weights(&mask);
  ck_matrix v = uniform(inputs, outputs, 0, 1), g = uniform(inputs, outputs, 0, 0);
  ck_matrix w2 = copy(w), m2 = copy(m), v2 = copy(v), w1 = copy(w), m1 = copy(m), v1 = copy(v);
  RUN(kernels->masked_linear_adam(x, dy, mask.c, method, everywhere, w, m, v, step), w, m, v);
  kernels->masked_linear_weight_gradient(x, dy, mask.c, method, g);
  kernels->adam(w2, g, 1, step, m2, v2);
  EACH_ELEMENT(w, k, n) {
    bool moves = everywhere || permits(&mask, k, n);
    EXPECT_SAME(w, moves ? w2 : w1, k, n);
    EXPECT_SAME(m, moves ? m2 : m1, k, n);
    EXPECT_SAME(v, moves ? v2 : v1, k, n);
  }
}

void check_masked_linear_adam(const ck_kernels *kernels) {
  each_mask(kernels, check_masked_linear_adam_of);
}
