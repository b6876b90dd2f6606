#include "check.h"

// MARK: Random words

/// Word `position` of a sequence: Philox 4×32-10 of Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As
/// Easy as 1, 2, 3, SC 2011.
static uint32_t word_at(ck_words words, uint64_t position) {
  uint64_t index = position / 4;
  uint32_t c[4] = {
    (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)words.stream, (uint32_t)(words.stream >> 32)};
  uint32_t key[2] = {(uint32_t)words.seed, (uint32_t)(words.seed >> 32)};
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)c[0] * 0xD2511F53u, q = (uint64_t)c[2] * 0xCD9E8D57u;
    uint32_t next[4] = {(uint32_t)(q >> 32) ^ c[1] ^ key[0], (uint32_t)q, (uint32_t)(p >> 32) ^ c[3] ^ key[1],
                        (uint32_t)p};
    memcpy(c, next, sizeof c);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return c[position % 4];
}

/// The word's leading 24 significant bits as a fixed-point fraction.
static float fraction_of(uint32_t word) {
  int dropped = 0;
  while (word >> dropped > 0xFFFFFF) dropped++;
  return (float)(word >> dropped << dropped) * 0x1p-32f;
}

void check_uniforms(const ck_kernels *kernels) {
  static const uint64_t positions[] = {0, 1, 6, 0x3FFFFFFFAu, (uint64_t)1 << 40 | 3};
  // The authors' first known answer: the word of everything zero.
  shape("known answer");
  EXPECT(word_at((ck_words){0, 0, 0}, 0) == 0x6627E8D5u);
  for (int p = 0; p < 5; p++) {
    EACH_SIZE(columns) {
      ptrdiff_t rows = columns == 1 ? 1000 : 3;
      shape("%td × %td from word %llu", rows, columns, (unsigned long long)positions[p]);
      ck_matrix y = matrix(rows, columns);
      ck_words words = {77, (uint64_t)1 << 33 | 9, positions[p]};
      RUN(kernels->uniforms(words, y), y);
      EACH_ELEMENT(y, r, c) {
        EXPECT_NEAR(y, r, c, fraction_of(word_at(words, words.position + (uint64_t)(r * columns + c))), 0);
      }
    }
  }
}

/// A product and a sum.
void check_dropout(const ck_kernels *kernels) {
  // A position that does not count.
  const ck_words words = {5, 6, 7};
  // The last is one of the words, which is then kept.
  const uint32_t thresholds[] = {0, 0x40000000u, 0xE0000000u, word_at(words, 5)};
  for (int i = 0; i < 8 * shape_count; i++) {
    ptrdiff_t rows = rows_of(i % shape_count), columns = columns_of(i % shape_count);
    uint32_t threshold = thresholds[i / shape_count % 4];
    bool accumulating = i >= 4 * shape_count;
    shape("%td × %td, threshold %u, accumulating %d", rows, columns, threshold, accumulating);
    ck_matrix x = uniform(rows, columns, -1, 1);
    ck_matrix y = accumulating ? uniform(rows, columns, -1, 1) : matrix(rows, columns);
    poison(x);
    RUN(kernels->dropout(x, threshold, 1.25f, words, y, accumulating), y);
    EACH_ELEMENT(y, r, c) {
      bool stays = word_at(words, (uint64_t)(r * ((columns + 3) / 4 * 4) + c)) >= threshold;
      sum s = {0};
      if (accumulating) add(&s, before(y, r, c));
      add(&s, stays ? 1.25 * *at(x, r, c) : 0);
      EXPECT_SUM(y, r, c, s);
    }
  }
}
