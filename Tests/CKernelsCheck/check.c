#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

// MARK: Sizes

const ptrdiff_t sizes[size_count] = {
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 65, 97};

ptrdiff_t size_at(int i, int at) {
  // Multipliers without a factor in common with the number of sizes, 3 · 7; and a shift for each time around.
  static const int steps[] = {1, 5, 8};
  return sizes[(i * steps[at] + i / size_count * (3 * at + 1) * at) % size_count];
}

// MARK: Operands

// Floats before and after a matrix that no kernel may touch.
enum { guard = 48 };

typedef struct {
  ck_matrix m;
  float *memory;
  size_t floats;
  float *remembered;  // as it was before the first call of a RUN
  float *result;      // as it was after
} operand;

static operand *operands;
static size_t operand_count, operand_capacity, operands_made;
static int32_t **arrays;
static size_t array_count;
static uint64_t random_state;

static void *checked(void *pointer) {
  if (pointer == NULL) abort();
  return pointer;
}

double draw(void) {
  // Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014: SplitMix64.
  uint64_t z = random_state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

ptrdiff_t draw_below(ptrdiff_t count) { return (ptrdiff_t)(draw() * (double)count); }

static ptrdiff_t padded(ck_matrix m) { return (m.columns + 15) / 16 * 16; }

ck_matrix matrix(ptrdiff_t rows, ptrdiff_t columns) {
  static const ptrdiff_t gaps[] = {0, 16, 5};
  ptrdiff_t stride = (columns + 15) / 16 * 16 + gaps[operands_made++ % 3];
  operand o = {.floats = (size_t)(rows * stride + 2 * guard)};
  o.memory = checked(malloc(sizeof(float) * o.floats));
  o.remembered = checked(malloc(sizeof(float) * o.floats));
  o.result = checked(malloc(sizeof(float) * o.floats));
  for (size_t i = 0; i < o.floats; i++) o.memory[i] = NAN;
  o.m = (ck_matrix){o.memory + guard + operands_made % 5, rows, columns, stride};
  if (operand_count == operand_capacity) {
    operand_capacity = 2 * operand_capacity + 16;
    operands = checked(realloc(operands, sizeof *operands * operand_capacity));
  }
  operands[operand_count++] = o;
  return o.m;
}

ck_matrix uniform(ptrdiff_t rows, ptrdiff_t columns, double low, double high) {
  ck_matrix m = matrix(rows, columns);
  EACH_ELEMENT(m, r, c) *at(m, r, c) = (float)(low + (high - low) * draw());
  return m;
}

ck_matrix bits(ptrdiff_t rows, ptrdiff_t columns, double probability) {
  ck_matrix m = matrix(rows, columns);
  EACH_ELEMENT(m, r, c) *at(m, r, c) = draw() < probability;
  return m;
}

ck_matrix copy(ck_matrix other) {
  ck_matrix m = matrix(other.rows, other.columns);
  EACH_ELEMENT(m, r, c) *at(m, r, c) = *at(other, r, c);
  return m;
}

void poison(ck_matrix m) {
  if (m.rows > 0 && m.columns > 0) *at(m, draw_below(m.rows), draw_below(m.columns)) = NAN;
}

int32_t *integers(ptrdiff_t count) {
  arrays = checked(realloc(arrays, sizeof *arrays * (array_count + 1)));
  return arrays[array_count++] = checked(malloc(sizeof(int32_t) * (size_t)(count + 1)));
}

int32_t *ordering(ptrdiff_t count, bool natural) {
  int32_t *order = integers(count);
  for (ptrdiff_t i = 0; i < count; i++) {
    ptrdiff_t j = natural ? i : draw_below(i + 1);
    if (j < i) order[i] = order[j];
    order[j] = (int32_t)i;
  }
  return order;
}

ck_on_bits lists(ptrdiff_t rows, ptrdiff_t columns) {
  ptrdiff_t count = rows * (columns + 16);
  // An array of integers has room for one more than is asked for; an address takes two.
  ck_on_bits made = {integers(count), (ptrdiff_t *)integers(2 * rows)};
  for (ptrdiff_t i = 0; i < count; i++) made.base[i] = -1;
  return made;
}

void expect_lists(ck_matrix m, ck_on_bits lists) {
  for (ptrdiff_t r = 0; r < m.rows; r++) {
    const int32_t *next = lists.base + lists.starts[r];
    for (ptrdiff_t c = 0; c < m.columns; c++) {
      if (*at(m, r, c) == 1) EXPECT(*next++ == c);
    }
    EXPECT(*next == INT32_MAX);
  }
}

int32_t *by_degree(const int32_t *degrees, ptrdiff_t count) {
  int32_t *order = ordering(count, true);
  for (ptrdiff_t i = 1; i < count; i++) {
    int32_t moving = order[i];
    ptrdiff_t j = i;
    for (; j > 0 && degrees[order[j - 1]] > degrees[moving]; j--) order[j] = order[j - 1];
    order[j] = moving;
  }
  return order;
}

static void forget(void) {
  for (size_t i = 0; i < operand_count; i++) {
    free(operands[i].memory);
    free(operands[i].remembered);
    free(operands[i].result);
  }
  for (size_t i = 0; i < array_count; i++) free(arrays[i]);
  operand_count = array_count = 0;
}

static operand *operand_of(ck_matrix m) {
  for (size_t i = 0; i < operand_count; i++) {
    if (operands[i].m.base == m.base) return &operands[i];
  }
  abort();
}

float before(ck_matrix m, ptrdiff_t r, ptrdiff_t c) {
  operand *o = operand_of(m);
  return o->remembered[at(m, r, c) - o->memory];
}

// MARK: Calling

static const int threads_of_run[] = {1, 2, 3, 8, 2};
// Sizes of successive parts in the last run; the last of them takes all rows that are left.
static const ptrdiff_t part_sizes[] = {1, 2, 7, 16, PTRDIFF_MAX};

static struct {
  int run;                              // 0 when none is under way
  ptrdiff_t rows, first, count, parts;  // the rows to divide, and those of this call
} calling;

ck_matrix part_of(ck_matrix m) {
  m.base += calling.first * m.stride;
  m.rows = calling.count;
  return m;
}

static bool same_bits(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }

/// Fails unless all that the kernel had no right to change is as it was.
static void expect_untouched(const ck_matrix *written, size_t count) {
  for (size_t i = 0; i < operand_count; i++) {
    operand *o = &operands[i];
    bool is_written = false;
    for (size_t w = 0; w < count; w++) is_written |= written[w].base == o->m.base;
    ptrdiff_t begin = o->m.base - o->memory, end = begin + o->m.rows * o->m.stride;
    for (ptrdiff_t p = 0; p < (ptrdiff_t)o->floats; p++) {
      bool inside = p >= begin && p < end;
      ptrdiff_t column = inside ? (p - begin) % o->m.stride : 0;
      if (inside && (is_written ? column < padded(o->m) : column >= o->m.columns && column < padded(o->m))) {
        continue;
      }
      if (same_bits(o->memory[p], o->remembered[p])) continue;
      fail(
        "a %s operand (%td × %td, stride %td) has changed at float %td", is_written ? "written" : "read",
        o->m.rows, o->m.columns, o->m.stride, p - begin);
      return;
    }
  }
}

static void expect_result(const ck_matrix *written, size_t count) {
  for (size_t w = 0; w < count; w++) {
    operand *o = operand_of(written[w]);
    EACH_ELEMENT(o->m, r, c) {
      float first = o->result[at(o->m, r, c) - o->memory], now = *at(o->m, r, c);
      if (same_bits(first, now) || (isnan(first) && isnan(now))) continue;
      fail(
        "[%td, %td] of result %zu is %.9g on %d threads%s, but %.9g on one", r, c, w, now, ck_thread_count(),
        calling.run == 5 ? " and a few rows at a time" : "", first);
      return;
    }
  }
}

/// Lets the address sanitizer, in a build that has it, stop a kernel that reads what is no operand.
static void forbid_surroundings(void) {
  for (size_t i = 0; i < operand_count; i++) {
    operand *o = &operands[i];
    ASAN_POISON_MEMORY_REGION(o->memory, sizeof(float) * o->floats);
    for (ptrdiff_t r = 0; r < o->m.rows; r++) {
      ASAN_UNPOISON_MEMORY_REGION(at(o->m, r, 0), sizeof(float) * (size_t)padded(o->m));
    }
  }
}

static void permit_surroundings(void) {
  for (size_t i = 0; i < operand_count; i++) {
    ASAN_UNPOISON_MEMORY_REGION(operands[i].memory, sizeof(float) * operands[i].floats);
  }
}

static void start_run(void) {
  static const float paddings[] = {NAN, 3, INFINITY, -1e30f, NAN};
  for (size_t i = 0; i < operand_count; i++) {
    operand *o = &operands[i];
    size_t bytes = sizeof(float) * o->floats;
    if (calling.run == 0) memcpy(o->remembered, o->memory, bytes);
    else memcpy(o->memory, o->remembered, bytes);
    for (ptrdiff_t r = 0; r < o->m.rows; r++) {
      for (ptrdiff_t c = o->m.columns; c < padded(o->m); c++) *at(o->m, r, c) = paddings[calling.run];
    }
  }
  ck_override_thread_count(threads_of_run[calling.run]);
  calling.run++;
  forbid_surroundings();
}

bool next_call(ptrdiff_t rows, const ck_matrix *written, size_t count) {
  ptrdiff_t done = calling.first + calling.count;
  if (calling.run == 5 && done < calling.rows) {
    calling.first = done;
    ptrdiff_t next = part_sizes[++calling.parts];
    calling.count = next < calling.rows - done ? next : calling.rows - done;
    return true;
  }
  permit_surroundings();
  if (calling.run > 0) {
    expect_untouched(written, count);
    if (calling.run > 1) expect_result(written, count);
    else {
      for (size_t i = 0; i < operand_count; i++) {
        memcpy(operands[i].result, operands[i].memory, sizeof(float) * operands[i].floats);
      }
    }
  }
  if (calling.run == (rows > 1 ? 5 : 4)) {
    calling.run = 0;
    ck_override_thread_count(0);
    return false;
  }
  start_run();
  calling.rows = rows;
  calling.first = calling.parts = 0;
  calling.count = calling.run == 5 ? part_sizes[0] : rows;
  return true;
}

// MARK: Comparing

static struct {
  const char *name, *set;
  char shape[160];
  int failures;
  double start;
} current;

void shape(const char *format, ...) {
  forget();
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(current.shape, sizeof current.shape, format, arguments);
  va_end(arguments);
}

void fail(const char *format, ...) {
  // The first few say enough.
  if (++current.failures > 3) return;
  printf("FAILED %s %s, %s: ", current.name, current.set, current.shape);
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  puts("");
}

void expect_near(const char *name, ck_matrix m, ptrdiff_t r, ptrdiff_t c, double expected, double bound) {
  double found = *at(m, r, c);
  if (isnan(expected) ? isnan(found) : found == expected || fabs(found - expected) <= bound) return;
  fail("%s[%td, %td] is %.9g where %.9g ± %.3g is expected", name, r, c, found, expected, bound);
}

void expect_same(const char *name, ck_matrix m, ck_matrix n, ptrdiff_t r, ptrdiff_t c) {
  if (bits_at(m, r, c) == bits_at(n, r, c)) return;
  fail("%s[%td, %td] is %.9g where exactly %.9g is expected", name, r, c, *at(m, r, c), *at(n, r, c));
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void begin_check(const char *name, const char *set) {
  current.name = name;
  current.set = set;
  current.failures = 0;
  current.start = seconds();
  shape("-");
  random_state = 1;
}

bool end_check(void) {
  forget();
  printf(
    "%-32s %-9s %s %5.2f s\n", current.name, current.set, current.failures == 0 ? "passed" : "FAILED",
    seconds() - current.start);
  fflush(stdout);
  return current.failures == 0;
}
