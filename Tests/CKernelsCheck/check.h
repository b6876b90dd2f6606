// What the checks share: matrices in guarded memory, random numbers, a way of calling a kernel that tests
// what every kernel promises, and the comparison with a bound.
//
// To add a kernel: write a check that loops over shapes, makes operands, calls the kernel inside RUN or
// RUN_ROWS and compares every element with a plain loop in double; then name it in the list of main.c, which
// demands a check for every kernel of the table.

#ifndef CHECK_H
#define CHECK_H

#include "CKernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// MARK: Sizes

/// Numbers of rows or columns around the vector widths of 4, 8 and 16 lanes and the widths of tiles.
extern const ptrdiff_t sizes[];
enum { size_count = 21 };

/// Combination i of sizes, each of `at` = 0, 1, 2… taking all of them in another order.
ptrdiff_t size_at(int i, int at);

/// Shapes for kernels of one pass over memory: few rows of every size, no row, and rows for several tasks.
enum { shape_count = size_count + 2 };
static inline ptrdiff_t rows_of(int i) { return i < size_count ? 3 : i == size_count ? 0 : 150; }
static inline ptrdiff_t columns_of(int i) { return i < size_count ? sizes[i] : 203; }

#define EACH_SHAPE(rows, columns) \
  for (ptrdiff_t i_ = 0, rows, columns; \
       i_ < shape_count && (rows = rows_of((int)i_), columns = columns_of((int)i_), true); i_++)

/// Loops over every size as `name`.
#define EACH_SIZE(name) \
  for (ptrdiff_t name##_i = 0, name; name##_i < size_count && (name = sizes[name##_i], true); name##_i++)

// MARK: Operands

/// Makes a matrix of NaN. Its rows are padded as the contract allows, with strides that vary, and its base is
/// aligned to no more than a float. It lives until the next shape.
ck_matrix matrix(ptrdiff_t rows, ptrdiff_t columns);
/// Makes a matrix of numbers drawn evenly from low to high.
ck_matrix uniform(ptrdiff_t rows, ptrdiff_t columns, double low, double high);
/// Makes a matrix of zeros and ones, ones with a probability.
ck_matrix bits(ptrdiff_t rows, ptrdiff_t columns, double probability);
/// Makes a matrix of the same numbers.
ck_matrix copy(ck_matrix m);
/// Sets one of the numbers, if there is any, to NaN.
void poison(ck_matrix m);
/// Makes an array that lives as long as the matrices.
int32_t *integers(ptrdiff_t count);
/// Makes a permutation of 0 ..< count, or the natural order.
int32_t *ordering(ptrdiff_t count, bool natural);
/// Sorts 0 ..< count by degree, those of one degree as they come.
int32_t *by_degree(const int32_t *degrees, ptrdiff_t count);

/// On-bits that are to be found, or not to be listed.
static const ck_on_bits unlisted = {NULL, NULL};
/// Makes room for the lists of a matrix, filled with what no list holds.
ck_on_bits lists(ptrdiff_t rows, ptrdiff_t columns);
/// Fails unless the lists are of where the matrix is one.
void expect_lists(ck_matrix m, ck_on_bits lists);

static inline float *at(ck_matrix m, ptrdiff_t r, ptrdiff_t c) { return m.base + r * m.stride + c; }
static inline uint32_t bits_at(ck_matrix m, ptrdiff_t r, ptrdiff_t c) {
  uint32_t bits;
  memcpy(&bits, at(m, r, c), sizeof bits);
  return bits;
}

/// Returns the next of a fixed sequence of numbers in [0, 1).
double draw(void);
/// Returns one of 0 ..< count.
ptrdiff_t draw_below(ptrdiff_t count);

#define EACH_ELEMENT(m, r, c) \
  for (ptrdiff_t r = 0; r < (m).rows; r++) \
    for (ptrdiff_t c = 0; c < (m).columns; c++)

// MARK: Calling

/// Calls a kernel on 1, 2, 3 and 8 threads, each time from the same operands with something else in their
/// padding. The matrices written, which are named after the call, must get the same bits every time; nothing
/// else may change, neither numbers nor the memory around them. What was written stands at the end.
#define RUN(call, ...) RUN_ROWS(0, call, __VA_ARGS__)

/// RUN, and once more in several calls with a few of the rows each, which must write the same bits. The call
/// names operands that are divided as PART(x).
#define RUN_ROWS(row_count, call, ...) \
  do { \
    const ck_matrix written_[] = {__VA_ARGS__}; \
    while (next_call(row_count, written_, sizeof written_ / sizeof *written_)) { call; } \
  } while (0)

#define PART(m) part_of(m)

bool next_call(ptrdiff_t rows, const ck_matrix *written, size_t count);
ck_matrix part_of(ck_matrix m);

/// What a number was before the last RUN.
float before(ck_matrix m, ptrdiff_t r, ptrdiff_t c);

// MARK: Comparing

/// Begins a case of a check: forgets the operands of the one before. The text, which names shape and
/// variation, is shown if a comparison fails.
void shape(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Fails the check.
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Fails the check unless something holds.
#define EXPECT(condition) ((condition) ? (void)0 : fail("not true: %s", #condition))

/// Fails the check unless an element is within a bound of what is expected, or NaN like it.
#define EXPECT_NEAR(m, r, c, expected, bound) expect_near(#m, m, r, c, expected, bound)
void expect_near(const char *name, ck_matrix m, ptrdiff_t r, ptrdiff_t c, double expected, double bound);

/// A sum in double, with the sizes of its terms.
typedef struct {
  double value, magnitude;
  int terms;
} sum;

static inline void add(sum *s, double term) {
  s->value += term;
  s->magnitude += fabs(term);
  s->terms++;
}

/// Half an ulp of 1 in single precision: what one rounding may err by, relatively.
#define ROUNDOFF 0x1p-24

/// What n products, summed in any order with n roundings or fewer, err by at most: (n + 2)·u·Σ|a·b|, with a
/// factor for the higher orders.
static inline double bound_of(sum s) { return 1.01 * (s.terms + 2) * ROUNDOFF * s.magnitude; }
#define EXPECT_SUM(m, r, c, s) EXPECT_NEAR(m, r, c, (s).value, bound_of(s))

/// Fails the check unless two elements have the same bits.
#define EXPECT_SAME(m, n, r, c) expect_same(#m, m, n, r, c)
void expect_same(const char *name, ck_matrix m, ck_matrix n, ptrdiff_t r, ptrdiff_t c);

// MARK: The checks

/// Begins a check, and ends it: frees its operands, prints its line and returns whether nothing failed.
void begin_check(const char *name, const char *set);
bool end_check(void);

void check_product(const ck_kernels *k);
void check_masked_linear(const ck_kernels *k);
void check_masked_linear_input_gradient(const ck_kernels *k);
void check_masked_linear_weight_gradient(const ck_kernels *k);
void check_accumulate_listed(const ck_kernels *k);
void check_masked_linear_adam(const ck_kernels *k);
void check_expand_bits(const ck_kernels *k);
void check_apply(const ck_kernels *k);
void check_activation_gradient(const ck_kernels *k);
void check_accumulate(const ck_kernels *k);
void check_multiply(const ck_kernels *k);
void check_dropout(const ck_kernels *k);
void check_accumulate_row(const ck_kernels *k);
void check_accumulate_column(const ck_kernels *k);
void check_accumulate_sum_of_rows(const ck_kernels *k);
void check_accumulate_sum_of_columns(const ck_kernels *k);
void check_log_mean_exp(const ck_kernels *k);
void check_log_mean_exp_gradient(const ck_kernels *k);
void check_bernoulli(const ck_kernels *k);
void check_bernoulli_gradient(const ck_kernels *k);
void check_nade(const ck_kernels *k);
void check_nade_gradient(const ck_kernels *k);
void check_nade_adam(const ck_kernels *k);
void check_nade_sample(const ck_kernels *k);
void check_network_sample(const ck_kernels *k);
void check_uniforms(const ck_kernels *k);
void check_walk_prepare(const ck_kernels *k);
void check_cursor_logits(const ck_kernels *k);
void check_cursor_settle(const ck_kernels *k);
void check_portable_apply(const ck_kernels *k);
void check_ensemble_logits(const ck_kernels *k);
void check_mixture_logits(const ck_kernels *k);
void check_mixture_advance(const ck_kernels *k);
void check_draw_bits(const ck_kernels *k);
void check_bit_frequencies(const ck_kernels *k);
void check_sum_of_squares(const ck_kernels *k);
void check_is_finite(const ck_kernels *k);
void check_descend(const ck_kernels *k);
void check_adagrad(const ck_kernels *k);
void check_adam(const ck_kernels *k);
void check_multiply_adds(const ck_kernels *k);
void check_stream(const ck_kernels *k);
/// That what walks compute has the committed digest, and the digest.
void check_digest(const ck_kernels *k);
uint64_t digest_of(const ck_kernels *k);
void check_dispatch(void);
void check_threads(void);
void check_bf16(void);
void check_amx(void);

#endif
