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

// MARK: Masked networks

enum { most_layers = 5 };

typedef struct {
  ck_layer layers[most_layers];
  int32_t *input_degrees[most_layers], *output_degrees[most_layers];
} network;

/// Makes a layer between units of given degrees. Its weights and biases are quarters, so that every sum of a few
/// layers is exact; forbidden weights are NaN.
static void make_layer(network *net, int index, ptrdiff_t inputs, ptrdiff_t outputs, int32_t *in, int32_t *out) {
  ck_matrix w = uniform(inputs, outputs, -1, 1), bias = uniform(1, outputs, -1, 1);
  EACH_ELEMENT(w, k, n) *at(w, k, n) = in[k] <= out[n] ? (float)(draw_below(7) - 3) / 4 : NAN;
  EACH_ELEMENT(bias, r, n) *at(bias, r, n) = (float)(draw_below(9) - 4) / 4;
  int32_t *prefixes = integers(outputs), *input_order = by_degree(in, inputs), *order = by_degree(out, outputs);
  for (ptrdiff_t n = 0; n < outputs; n++) {
    prefixes[n] = n == 0 ? 0 : prefixes[n - 1];
    while (prefixes[n] < inputs && in[input_order[prefixes[n]]] <= out[order[n]]) prefixes[n]++;
  }
  net->layers[index] = (ck_layer){w, index % 2 == 0 ? bias.base : NULL, {input_order, order, prefixes}, false};
  net->input_degrees[index] = in;
  net->output_degrees[index] = out;
}

/// out[n] = bias[n] + Σ permitted w[k, n] · in[k]
static void apply_layer(const network *net, int index, const double *in, double *out) {
  const ck_layer *layer = &net->layers[index];
  for (ptrdiff_t n = 0; n < layer->weights.columns; n++) {
    out[n] = layer->bias != NULL ? layer->bias[n] : 0;
    for (ptrdiff_t k = 0; k < layer->weights.rows; k++) {
      if (net->input_degrees[index][k] <= net->output_degrees[index][n]) {
        out[n] += *at(layer->weights, k, n) * in[k];
      }
    }
  }
}

static void check_network(
  const ck_kernels *kernels, ptrdiff_t variables, ptrdiff_t rows, int depth, bool has_direct, bool is_natural
) {
  enum { most_units = 200 };
  shape(
    "%td variables, %td rows, depth %d, direct %d, natural %d", variables, rows, depth, has_direct, is_natural);
  int32_t *order = ordering(variables, is_natural), *in = integers(variables), *out = integers(variables);
  for (ptrdiff_t p = 0; p < variables; p++) {
    in[order[p]] = (int32_t)p + 1;
    out[order[p]] = (int32_t)p;
  }
  network net;
  ptrdiff_t inputs = variables;
  int32_t *degrees = in;
  for (int l = 0; l < depth; l++) {
    // Some layers have the units of the one below, and add them.
    bool is_residual = l > 0 && (variables + rows + l) % 2 == 0;
    ptrdiff_t units = is_residual ? inputs : 5 + 13 * l + draw_below(9);
    int32_t *next = is_residual ? degrees : integers(units);
    for (ptrdiff_t n = 0; !is_residual && n < units; n++) next[n] = (int32_t)draw_below(variables);
    make_layer(&net, l, inputs, units, degrees, next);
    net.layers[l].adds_inputs = is_residual;
    inputs = units;
    degrees = next;
  }
  if (depth > 0) make_layer(&net, depth, inputs, variables, degrees, out);
  if (has_direct) make_layer(&net, depth + 1, variables, variables, in, out);
  ck_plan *plan = ck_plan_create(
    (ck_network){
      .ordering = order, .hidden = net.layers, .depth = depth, .activation = ck_relu,
      .output = depth > 0 ? &net.layers[depth] : NULL, .direct = has_direct ? &net.layers[depth + 1] : NULL},
    variables);
  ptrdiff_t words_per_row = (variables + 63) / 64;
  uint64_t bits[64 * 4], first[64 * 4];
  ck_matrix u = uniform(rows, variables, 0, 1), z = matrix(rows, variables);
  bool is_first = true;
  RUN({
    memset(bits, 0xA5, sizeof bits);
    kernels->network_sample(plan, u, bits, words_per_row, z);
    if (is_first) memcpy(first, bits, sizeof bits);
    EXPECT(memcmp(first, bits, sizeof bits) == 0);
    is_first = false;
  }, z);
  // A row's bits alone are those among others.
  for (ptrdiff_t r = 0; r < rows; r += 7) {
    ck_matrix row = u, logits = matrix(1, variables);
    row.base = at(u, r, 0);
    row.rows = 1;
    uint64_t alone[4] = {0};
    kernels->network_sample(plan, row, alone, words_per_row, logits);
    EXPECT(memcmp(alone, bits + r * words_per_row, sizeof(uint64_t) * (size_t)words_per_row) == 0);
    for (ptrdiff_t i = 0; i < variables; i++) EXPECT_NEAR(logits, 0, i, *at(z, r, i), 0);
  }
  for (ptrdiff_t r = 0; r < rows; r++) {
    const uint64_t *words = bits + r * words_per_row;
    double x[most_units] = {0}, layers[2][most_units], logits[most_units], direct[most_units] = {0};
    // Later bits do not matter to a logit, so one pass with all of them is every variable's.
    for (ptrdiff_t i = 0; i < variables; i++) x[i] = words[i / 64] >> (i % 64) & 1;
    const double *below = x;
    for (int l = 0; l < depth; l++) {
      double *units = layers[l % 2];
      apply_layer(&net, l, below, units);
      for (ptrdiff_t n = 0; n < net.layers[l].weights.columns; n++) {
        units[n] = fmax(units[n], 0) + (net.layers[l].adds_inputs ? below[n] : 0);
      }
      below = units;
    }
    if (depth > 0) apply_layer(&net, depth, below, logits);
    else memset(logits, 0, sizeof logits);
    if (has_direct) apply_layer(&net, depth + 1, x, direct);
    for (ptrdiff_t i = 0; i < variables; i++) {
      double logit = logits[i] + direct[i], probability = 1 / (1 + exp(-logit));
      EXPECT_NEAR(z, r, i, logit, 0);
      if (fabs(*at(u, r, i) - probability) > 8 * ROUNDOFF) EXPECT((x[i] == 1) == (*at(u, r, i) < probability));
    }
    if (variables % 64 != 0) EXPECT(words[words_per_row - 1] >> (variables % 64) == 0);
  }
  ck_plan_free(plan);
}

void check_network_sample(const ck_kernels *kernels) {
  static const ptrdiff_t variables[] = {1, 2, 15, 16, 17, 47, 48, 49, 64, 97, 130};
  static const ptrdiff_t rows[] = {1, 3, 16, 17, 64, 61};
  for (int i = 0; i < 44; i++) {
    int depth = i % 4;
    check_network(kernels, variables[i % 11], rows[i % 6], depth, depth == 0 || i % 3 == 0, i % 2 == 0);
  }
}
