// The products in bfloat16: those of this machine, and those on emulated AMX tiles; and whether tiles are used
// where there are some.
//
// Legend: B rows in a batch, K inputs, N outputs; k an input, n an output, r a row.

#include "amx.h"
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

// MARK: Operands

typedef struct {
  ck_staircase c;
  int32_t *input_places, *output_places;  // where they stand when sorted
} mask;

static bool permits(const mask *m, ptrdiff_t k, ptrdiff_t n) {
  return m->input_places[k] < m->c.prefixes[m->output_places[n]];
}

static int32_t *places(const int32_t *order, ptrdiff_t count) {
  int32_t *result = integers(count);
  for (ptrdiff_t i = 0; i < count; i++) result[order[i]] = (int32_t)i;
  return result;
}

enum { mask_kinds = 5 };
static const char *const mask_names[mask_kinds] = {"random", "permuted", "ascending", "dense", "empty"};

static int compare(const void *a, const void *b) { return *(const int32_t *)a - *(const int32_t *)b; }

/// Makes a mask: random prefixes, of sorted units and of permuted ones; prefixes that ascend evenly;
/// everything permitted; nothing.
static mask make_mask(int kind, ptrdiff_t inputs, ptrdiff_t outputs) {
  bool is_sorted = kind != 1;
  int32_t *input_order = ordering(inputs, is_sorted), *output_order = ordering(outputs, is_sorted);
  int32_t *prefixes = integers(outputs);
  for (ptrdiff_t n = 0; n < outputs; n++) {
    ptrdiff_t random = draw_below(inputs + 1);
    const ptrdiff_t lengths[mask_kinds] = {random, random, n * inputs / outputs, inputs, 0};
    prefixes[n] = (int32_t)lengths[kind];
  }
  qsort(prefixes, (size_t)outputs, sizeof *prefixes, compare);
  return (mask){
    {is_sorted ? NULL : input_order, is_sorted ? NULL : output_order, prefixes},
    places(input_order, inputs), places(output_order, outputs)};
}

/// Makes random weights, NaN wherever the mask forbids them.
static ck_matrix make_weights(const mask *m, ptrdiff_t inputs, ptrdiff_t outputs) {
  ck_matrix w = uniform(inputs, outputs, -1, 1);
  EACH_ELEMENT(w, k, n) {
    if (!permits(m, k, n)) *at(w, k, n) = NAN;
  }
  return w;
}

/// Rounds to the nearest number with 8 significant bits, and of two to the one whose last bit is 0.
static double rounded(float x) {
  if (isnan(x)) return x;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// MARK: Products

static void check_forward(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  shape(
    "forward: %td rows, %td inputs, %td outputs, %s mask, %d", rows, inputs, outputs, mask_names[kind],
    variation);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix w = make_weights(&m, inputs, outputs), x = uniform(rows, inputs, -1, 1);
  ck_matrix bias = uniform(1, outputs, -1, 1), y = matrix(rows, outputs);
  bool has_bias = variation % 2 == 0, is_poisoned = variation % 3 == 1;
  if (variation % 3 == 2) poison(w);
  if (is_poisoned) poison(x);
  const float *b = has_bias ? bias.base : NULL;
  RUN_ROWS(rows, kernels->masked_linear(PART(x), unlisted, w, b, m.c, ck_bf16, PART(y)), y);
  EACH_ELEMENT(y, r, n) {
    sum s = {0};
    if (has_bias) add(&s, *at(bias, 0, n));
    for (ptrdiff_t k = 0; k < inputs; k++) {
      if (permits(&m, k, n)) add(&s, rounded(*at(x, r, k)) * rounded(*at(w, k, n)));
    }
    // A forbidden input that is not finite may spread.
    if (is_poisoned && isnan(*at(y, r, n))) continue;
    EXPECT_SUM(y, r, n, s);
  }
  // Other inputs that an output may not see leave it as it is.
  if (inputs == 0 || outputs == 0 || is_poisoned) return;
  ck_matrix once = copy(y);
  ptrdiff_t place = draw_below(outputs);
  EACH_ELEMENT(x, r, k) {
    if (m.input_places[k] >= m.c.prefixes[place]) *at(x, r, k) -= 3;
  }
  kernels->masked_linear(x, unlisted, w, b, m.c, ck_bf16, y);
  EACH_ELEMENT(y, r, n) {
    if (m.output_places[n] <= place && !isnan(*at(once, r, n))) EXPECT_SAME(y, once, r, n);
  }
}

static void check_input_gradient(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  shape(
    "input gradient: %td rows, %td inputs, %td outputs, %s mask, %d", rows, inputs, outputs, mask_names[kind],
    variation);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix w = make_weights(&m, inputs, outputs);
  ck_matrix dy = uniform(rows, outputs, -1, 1), dx = uniform(rows, inputs, -1, 1);
  bool is_poisoned = variation % 3 == 1;
  if (is_poisoned) poison(dy);
  if (variation % 3 == 2) poison(w);
  RUN_ROWS(rows, kernels->masked_linear_input_gradient(PART(dy), w, m.c, ck_bf16, PART(dx)), dx);
  EACH_ELEMENT(dx, r, k) {
    sum s = {0};
    add(&s, before(dx, r, k));
    for (ptrdiff_t n = 0; n < outputs; n++) {
      if (permits(&m, k, n)) add(&s, rounded(*at(dy, r, n)) * rounded(*at(w, k, n)));
    }
    if (is_poisoned && isnan(*at(dx, r, k))) continue;
    EXPECT_SUM(dx, r, k, s);
  }
}

static void check_weight_gradient(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  shape(
    "weight gradient: %td rows, %td inputs, %td outputs, %s mask, %d", rows, inputs, outputs, mask_names[kind],
    variation);
  mask m = make_mask(kind, inputs, outputs);
  ck_matrix x = uniform(rows, inputs, -1, 1), dy = uniform(rows, outputs, -1, 1);
  ck_matrix dw = uniform(inputs, outputs, -1, 1);
  if (variation % 3 == 1) poison(x);
  if (variation % 3 == 2) poison(dy);
  RUN(kernels->masked_linear_weight_gradient(x, dy, m.c, ck_bf16, dw), dw);
  EACH_ELEMENT(dw, k, n) {
    sum s = {0};
    add(&s, before(dw, k, n));
    for (ptrdiff_t r = 0; r < rows && permits(&m, k, n); r++) {
      add(&s, rounded(*at(x, r, k)) * rounded(*at(dy, r, n)));
    }
    if (permits(&m, k, n)) EXPECT_SUM(dw, k, n, s);
    else if (*at(dw, k, n) != before(dw, k, n)) fail("a forbidden weight [%td, %td] has changed", k, n);
  }
}

/// A step of Adam gets the same bits as the weight gradient into zeros, followed by Adam.
static void check_step(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  shape(
    "step: %td rows, %td inputs, %td outputs, %s mask, %d", rows, inputs, outputs, mask_names[kind],
    variation);
  mask mask = make_mask(kind, inputs, outputs);
  if (mask.c.inputs != NULL) return;
  const ck_adam step = {0.01f, 0.9f, 0.99f, 1e-6f, 0.1f, 1.5f, 1.25f};
  ck_matrix x = uniform(rows, inputs, -1, 1), dy = uniform(rows, outputs, -1, 1);
  ck_matrix w = uniform(inputs, outputs, -1, 1), m = uniform(inputs, outputs, -1, 1);
  ck_matrix v = uniform(inputs, outputs, 0, 1), g = uniform(inputs, outputs, 0, 0);
  ck_matrix w2 = copy(w), m2 = copy(m), v2 = copy(v);
  RUN(kernels->masked_linear_adam(x, dy, mask.c, ck_bf16, false, w, m, v, step), w, m, v);
  kernels->masked_linear_weight_gradient(x, dy, mask.c, ck_bf16, g);
  kernels->adam(w2, g, 1, step, m2, v2);
  EACH_ELEMENT(w, k, n) {
    if (permits(&mask, k, n)) {
      EXPECT_SAME(w, w2, k, n);
      EXPECT_SAME(m, m2, k, n);
      EXPECT_SAME(v, v2, k, n);
    } else if (*at(w, k, n) != before(w, k, n)) fail("a forbidden weight [%td, %td] has changed", k, n);
  }
}

static void check_shape(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t outputs, int kind, int variation
) {
  check_forward(kernels, rows, inputs, outputs, kind, variation);
  check_input_gradient(kernels, rows, inputs, outputs, kind, variation);
  check_weight_gradient(kernels, rows, inputs, outputs, kind, variation);
  check_step(kernels, rows, inputs, outputs, kind, variation);
}

static void check_products(const ck_kernels *kernels) {
  for (int i = 0; i < 3 * size_count; i++) {
    check_shape(kernels, size_at(i, 2), size_at(i, 0), size_at(i, 1), i % mask_kinds, i);
  }
  for (int kind = 0; kind < mask_kinds; kind++) {
    for (int i = 0; i < 4; i++) check_shape(kernels, 15 + i, 33, 100, kind, i);
    for (int i = 0; i < 3; i++) check_shape(kernels, 31 + i, 31 + i, 31 + i, kind, i);
    check_shape(kernels, 140, 65, 131, kind, 0);
  }
  check_shape(kernels, 9, 1100, 30, 0, 0);
  check_shape(kernels, 9, 30, 1100, 0, 0);
}

/// The instruction itself, against what it is known to do: it flushes denormal numbers, and no weight that is
/// one gets through.
static void check_denormals(const ck_kernels *kernels) {
  shape("denormal numbers");
  ck_matrix x = matrix(1, 1), w = matrix(1, 1), y = matrix(1, 1);
  const int32_t prefixes[] = {1};
  const ck_staircase mask = {.prefixes = prefixes};
  *at(x, 0, 0) = 0x1p-130f;
  *at(w, 0, 0) = 0x1p30f;
  kernels->masked_linear(x, unlisted, w, NULL, mask, ck_bf16, y);
  EXPECT(*at(y, 0, 0) == 0);
  *at(x, 0, 0) = 0x1p-120f;
  *at(w, 0, 0) = 0x1p-10f;
  kernels->masked_linear(x, unlisted, w, NULL, mask, ck_bf16, y);
  EXPECT(*at(y, 0, 0) == 0);
  *at(w, 0, 0) = 0x1p-6f;
  kernels->masked_linear(x, unlisted, w, NULL, mask, ck_bf16, y);
  EXPECT(*at(y, 0, 0) == 0x1p-126f);
}

static void check_trial(void) {
  shape("the trial");
  EXPECT(emulated_tiles_agree());
  break_emulated_tiles(true);
  EXPECT(!emulated_tiles_agree());
  break_emulated_tiles(false);
  EXPECT(emulated_tiles_agree());
  EXPECT(emulated_configurations() == 0);
}

// MARK: Tiles

/// Whether tiles are used with a value of BINARYDENSITY_AMX, which a process reads once.
static bool has_amx_with(const char *value) {
  pid_t child = fork();
  if (child == 0) {
    setenv("BINARYDENSITY_AMX", value, 1);
    _exit(ck_has_amx() ? 1 : 0);
  }
  int status;
  return waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

void check_amx(void) {
  ck_override(ck_avx512);
  shape("environment");
  EXPECT(!has_amx_with("0"));
  EXPECT(has_amx_with("1") == ck_has_amx());
  EXPECT(ck_has_bf16() || !ck_has_amx());
  ck_override(ck_portable);
  EXPECT(!ck_has_amx());
  ck_override(ck_avx512);
  // The kernels on tiles round by instructions of AVX-512.
  if (ck_has_bf16()) {
    check_trial();
    check_denormals(&emulated_kernels);
    check_products(&emulated_kernels);
    shape("released tiles");
    EXPECT(emulated_configurations() == 0);
  }
  ck_override(-1);
}

void check_bf16(void) {
  ck_override(ck_avx512);
  if (ck_has_bf16()) {
    check_denormals(ck_table());
    check_products(ck_table());
  }
  ck_override(-1);
}

#else

void check_amx(void) {
  shape("platform");
  EXPECT(!ck_has_amx());
}

void check_bf16(void) {
  shape("platform");
  EXPECT(!ck_has_bf16());
}

#endif
