#include "walk.h"

#include <stdio.h>

/// The digest of `walk_everything`: a change of it is a change of what is drawn under a seed.
static const uint64_t committed_digest = 0xEF4DC186272FF9BAu;

// MARK: Walking

/// Values for some rows of a model, D each.
static bool *draw_values(const model *m, ptrdiff_t rows) {
  bool *x = malloc((size_t)(rows * m->variables) + 1);
  for (ptrdiff_t i = 0; i < rows * m->variables; i++) x[i] = draw_below(3) == 0;
  return x;
}

/// Tells a cursor the values of its next variable; row r of it is row rows[r] of the values.
static void advance(const model *m, ck_cursor *c, const bool *x, const ptrdiff_t *rows) {
  bool bits[64];
  ptrdiff_t p = ck_cursor_position(c);
  for (ptrdiff_t r = 0; r < ck_cursor_rows(c); r++) bits[r] = x[rows[r] * m->variables + variable_at(m, rows[r], p)];
  ck_cursor_advance(c, bits);
}

static const ptrdiff_t identity[64] = {
  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
  22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
  44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/// The logits (rows × D, by position) of given rows; a matrix that lives until the next shape.
static ck_matrix walk(const ck_kernels *k, const model *m, const bool *x, ptrdiff_t rows) {
  ck_matrix z = matrix(rows, m->variables);
  ck_cursor *c = start_cursor(m, rows);
  for (ptrdiff_t p = 0; p < m->variables; p++) {
    float logits[64];
    k->cursor_logits(c, logits);
    for (ptrdiff_t r = 0; r < rows; r++) *at(z, r, p) = logits[r];
    advance(m, c, x, identity);
  }
  ck_cursor_free(c);
  return z;
}

static void expect_logits(ck_matrix z, ptrdiff_t p, const ptrdiff_t *rows, ptrdiff_t count, const float *logits) {
  for (ptrdiff_t r = 0; r < count; r++) {
    if (memcmp(&logits[r], at(z, rows[r], p), sizeof(float)) != 0) {
      fail("row %td at position %td is %.9g, but %.9g when walked plainly", rows[r], p, logits[r], *at(z, rows[r], p));
      return;
    }
  }
}

// MARK: The checks

enum { case_count = 6 * model_count };

/// One of models of all kinds and many sizes, around those of vectors, steps and blocks; begins a case.
static model model_of_case(int i) {
  static const ptrdiff_t variables[] = {1, 2, 5, 15, 16, 17, 33, 48, 49, 70, 97, 130};
  static const ptrdiff_t hidden[] = {1, 16, 40, 17, 7, 64, 33};
  shape("case %d", i);
  model m = make_model((model_kind)(i % model_count), variables[(i * 5 + i / model_count) % 12], hidden[i % 7]);
  return m;
}

static ptrdiff_t rows_of_case(int i) {
  static const ptrdiff_t rows[] = {1, 2, 3, 7, 16, 17, 33};
  return rows[(i * 3 + i / model_count) % 7];
}

/// Preparing in another instruction set changes no bit.
void check_walk_prepare(const ck_kernels *k) {
  for (model_kind kind = nade_of_sigmoids; kind <= nade_of_relus; kind++) {
    shape("kind %d", kind);
    model m = make_model(kind, 40, 24), other = m;
    int set = ck_override(ck_portable);
    other.walk = ck_walk_nade(m.nade, m.orders, m.activation);
    ck_override(set);
    bool *x = draw_values(&m, 5);
    ck_matrix z = walk(k, &m, x, 5), y = walk(k, &other, x, 5);
    EACH_ELEMENT(z, r, p) EXPECT_SAME(z, y, r, p);
    free(x);
    free_model(&m);
    free_model(&other);
  }
}

/// Every logit against the reference, and the rows by themselves against those in company.
void check_cursor_logits(const ck_kernels *k) {
  for (int i = 0; i < case_count; i++) {
    model m = model_of_case(i);
    ptrdiff_t rows = rows_of_case(i);
    bool *x = draw_values(&m, rows);
    ck_matrix z = walk(k, &m, x, rows);
    for (ptrdiff_t r = 0; r < rows; r++) {
      double logits[most_variables], bounds[most_variables];
      reference_logits(&m, r, x + r * m.variables, logits, bounds);
      for (ptrdiff_t p = 0; p < m.variables; p++) EXPECT_NEAR(z, r, p, logits[p], bounds[p]);
    }
    if (m.order_count == 1) {
      ptrdiff_t last = rows - 1;
      ck_matrix alone = walk(k, &m, x + last * m.variables, 1);
      for (ptrdiff_t p = 0; p < m.variables; p++) expect_logits(z, p, &last, 1, at(alone, 0, p));
    }
    free(x);
    free_model(&m);
  }
  shape("no rows");
  model m = make_model(made, 20, 8);
  ck_cursor *c = start_cursor(&m, 0);
  float none;
  k->cursor_logits(c, &none);
  ck_cursor_advance(c, NULL);
  k->cursor_settle(c);
  EXPECT(ck_cursor_position(c) == 1);
  ck_cursor_free(c);
  free_model(&m);
}

/// Takes some rows up again from their snapshots, some of them twice, in a cursor of another size.
static ck_cursor *parked(const ck_kernels *k, const model *m, ck_cursor *c, ptrdiff_t *rows) {
  ptrdiff_t count = 1 + draw_below(40), before[64];
  size_t bytes = ck_cursor_state_bytes(c);
  char *states = malloc(bytes * (size_t)count);
  k->cursor_settle(c);
  memcpy(before, rows, sizeof before);
  for (ptrdiff_t i = 0; i < count; i++) {
    ptrdiff_t row = draw_below(ck_cursor_rows(c));
    rows[i] = before[row];
    ck_cursor_snapshot(c, row, states + (size_t)i * bytes);
  }
  ck_cursor *other = start_cursor(m, draw_below(20));
  if (draw_below(2) == 0) {
    // Not from its start.
    bool bits[64] = {0};
    while (ck_cursor_position(other) < m->variables && draw_below(9) > 0) ck_cursor_advance(other, bits);
  }
  ck_cursor_resume(other, states, count);
  EXPECT(ck_cursor_position(other) == ck_cursor_position(c) && ck_cursor_rows(other) == count);
  free(states);
  ck_cursor_free(c);
  return other;
}

/// Rows that are selected, parked, taken up and not always asked keep the logits of a plain walk.
void check_cursor_settle(const ck_kernels *k) {
  for (int i = 0; i < case_count; i++) {
    model m = model_of_case(i);
    ptrdiff_t count = rows_of_case(i), rows[64];
    bool *x = draw_values(&m, count);
    ck_matrix z = walk(k, &m, x, count);
    for (int often = 1; often <= 30; often *= 5) {
      ck_cursor *c = start_cursor(&m, count);
      memcpy(rows, identity, sizeof rows);
      for (ptrdiff_t p = 0; p <= m.variables; p++) {
        float logits[64];
        bool is_asked = p < m.variables && draw_below(often) == 0;
        if (is_asked) {
          k->cursor_logits(c, logits);
          expect_logits(z, p, rows, ck_cursor_rows(c), logits);
        }
        if (draw_below(5) == 0) {
          ptrdiff_t chosen[64], before[64], some = 1 + draw_below(40);
          memcpy(before, rows, sizeof before);
          for (ptrdiff_t r = 0; r < some; r++) {
            chosen[r] = draw_below(ck_cursor_rows(c));
            rows[r] = before[chosen[r]];
          }
          ck_cursor_select(c, chosen, some);
        }
        if (draw_below(5) == 0) c = parked(k, &m, c, rows);
        if (p < m.variables && draw_below(often) == 0) {
          k->cursor_logits(c, logits);
          expect_logits(z, p, rows, ck_cursor_rows(c), logits);
        }
        if (p < m.variables) advance(&m, c, x, rows);
      }
      ck_cursor_free(c);
    }
    free(x);
    free_model(&m);
  }
}

void check_ensemble_logits(const ck_kernels *k) {
  EACH_SIZE(count) {
    shape("%td logits", count);
    ck_matrix z = uniform(1, count, -3, 3), y = uniform(1, count, -3, 3), sum = matrix(1, count);
    poison(z);
    RUN({
      k->ensemble_logits(z.base, 0.25f, false, count, sum.base);
      k->ensemble_logits(y.base, 0.75f, true, count, sum.base);
    }, sum);
    EACH_ELEMENT(sum, r, i) {
      float first = 0.25f * *at(z, r, i);
      EXPECT_NEAR(sum, r, i, fmaf(0.75f, *at(y, r, i), first), 0);
    }
  }
}

/// log σ(z)
static double log_sigmoid(double z) { return fmin(z, 0) - log1p(exp(-fabs(z))); }

static double log_sum_exp(const double *terms, int count) {
  double largest = -INFINITY, sum = 0;
  for (int i = 0; i < count; i++) largest = fmax(largest, terms[i]);
  for (int i = 0; i < count; i++) sum += exp(terms[i] - largest);
  return largest + log(sum);
}

/// Components' logits of all sizes, infinite ones among them.
static ck_matrix component_logits(ptrdiff_t components, ptrdiff_t count) {
  ck_matrix z = matrix(1, components * count);
  for (ptrdiff_t i = 0; i < z.columns; i++) {
    float size = exp2f((float)draw_below(16) - 8);
    *at(z, 0, i) = (float)(2 * draw() - 1) * size;
    if (draw_below(50) == 0) *at(z, 0, i) = draw_below(2) == 0 ? INFINITY : -INFINITY;
  }
  return z;
}

enum { most_components = 5 };

/// The sums and logarithms are of few terms near 1, with errors of a few ulp of that in double: 1e-14 is far more. So
/// the float is the nearest but for that: within half an ulp and 1e-14, or what doubles of a huge size err by.
void check_mixture_logits(const ck_kernels *k) {
  EACH_SIZE(count) {
    for (ptrdiff_t components = 1; components <= most_components; components++) {
      shape("%td components, %td rows", components, count);
      ck_matrix z = component_logits(components, count), logits = matrix(1, count);
      double shares[most_components * 100];
      for (ptrdiff_t i = 0; i < components * count; i++) shares[i] = -40 * draw();
      for (ptrdiff_t i = 1; i < components; i++) if (count > 0) shares[i * count] = -INFINITY;
      RUN(k->mixture_logits(shares, z.base, components, count, logits.base), logits);
      for (ptrdiff_t r = 0; r < count; r++) {
        double on[most_components], off[most_components];
        for (ptrdiff_t i = 0; i < components; i++) {
          double logit = *at(z, 0, i * count + r);
          on[i] = shares[i * count + r] + log_sigmoid(logit);
          off[i] = shares[i * count + r] + log_sigmoid(-logit);
        }
        double expected = log_sum_exp(on, (int)components) - log_sum_exp(off, (int)components);
        if (isnan(expected)) {
          // Only zeros of one kind: the other is what is certain.
          bool is_off = true;
          for (ptrdiff_t i = 0; i < components; i++) is_off &= on[i] == -INFINITY;
          expected = is_off ? -INFINITY : INFINITY;
        }
        double size = fmax(fabs(log_sum_exp(on, (int)components)), fabs(log_sum_exp(off, (int)components)));
        double bound = 1.01 * ROUNDOFF * fabs(expected) + 1e-14 + (isfinite(size) ? 1e-15 * size : 0);
        EXPECT_NEAR(logits, 0, r, expected, bound);
      }
    }
  }
}

void check_mixture_advance(const ck_kernels *k) {
  EACH_SIZE(count) {
    for (ptrdiff_t components = 1; components <= most_components; components++) {
      shape("%td components, %td rows", components, count);
      ck_matrix z = component_logits(components, count);
      double shares[most_components * 100];
      bool on[100];
      for (ptrdiff_t r = 0; r < count; r++) on[r] = draw_below(2) == 0;
      for (ptrdiff_t i = 0; i < components * count; i++) shares[i] = -(double)(i % 7);
      shares[components * count] = 3;
      k->mixture_advance(shares, z.base, on, components, count);
      EXPECT(shares[components * count] == 3);
      for (ptrdiff_t i = 0; i < components * count; i++) {
        double logit = *at(z, 0, i), expected = -(double)(i % 7) + log_sigmoid(on[i % count] ? logit : -logit);
        if (expected != shares[i] && !(fabs(expected - shares[i]) <= 1e-15 * (8 + fabs(expected)))) {
          fail("share %td is %.17g where %.17g is expected", i, shares[i], expected);
        }
      }
    }
  }
}

void check_draw_bits(const ck_kernels *k) {
  EACH_SIZE(count) {
    shape("%td logits", count);
    ck_matrix z = uniform(1, count, -9, 9), u = uniform(1, count, 0, 1);
    bool on[101];
    on[count] = true;
    k->draw_bits(z.base, u.base, count, on);
    EXPECT(on[count]);
    for (ptrdiff_t i = 0; i < count; i++) {
      double probability = 1 / (1 + exp(-*at(z, 0, i)));
      // Within rounding of the threshold either decision is right.
      if (fabs(*at(u, 0, i) - probability) > 8 * ROUNDOFF) EXPECT(on[i] == (*at(u, 0, i) < probability));
    }
  }
  shape("edges");
  const float logits[] = {INFINITY, 200, -INFINITY, -200, NAN, 0, 0};
  const float uniforms[] = {1 - 0x1p-24f, 1 - 0x1p-24f, 0, 0x1p-32f, 0, 0.5f, 0.49999997f};
  bool on[8];
  k->draw_bits(logits, uniforms, 7, on);
  EXPECT(on[0] && on[1] && !on[2] && !on[3] && !on[4] && !on[5] && on[6]);
}

/// The rarer value's part errs by 3 ulp of σ and half a unit, and the other's is what it leaves.
void check_bit_frequencies(const ck_kernels *k) {
  EACH_SIZE(count) {
    shape("%td logits", count);
    ck_matrix z = uniform(1, count, -20, 20);
    uint32_t found[101];
    found[count] = 7;
    k->bit_frequencies(z.base, count, found);
    EXPECT(found[count] == 7);
    for (ptrdiff_t i = 0; i < count; i++) {
      double rarer = fmax(1, 0x1p24 / (1 + exp(fabs(*at(z, 0, i)))));
      double got = *at(z, 0, i) < 0 ? found[i] : (1 << 24) - found[i];
      if (!(fabs(got - rarer) <= 0.5 + 8 * ROUNDOFF * rarer)) fail("part %td is %.0f, not %.2f", i, got, rarer);
    }
  }
  shape("edges");
  const float logits[] = {INFINITY, 200, -INFINITY, -200, NAN, 0, 16.6f};
  const uint32_t expected[] = {(1 << 24) - 1, (1 << 24) - 1, 1, 1, (1 << 24) - 1, 1 << 23, (1 << 24) - 1};
  uint32_t found[7];
  k->bit_frequencies(logits, 7, found);
  for (int i = 0; i < 7; i++) EXPECT(found[i] == expected[i]);
}

// MARK: The digest

/// FNV-1a over the bits of numbers: Fowler, Noll, Vo.
static void digest_floats(uint64_t *digest, const float *numbers, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &numbers[i], sizeof bits);
    for (int byte = 0; byte < 4; byte++) *digest = (*digest ^ (bits >> 8 * byte & 0xFF)) * 0x100000001B3u;
  }
}

/// Draws rows from three models at a time, singly, as an ensemble and as a mixture; the digest is of all logits.
static void digest_walks(const ck_kernels *k, const model *models, uint64_t *digest) {
  enum { rows = 19, members = 3 };
  ptrdiff_t variables = models[0].variables;
  ck_cursor *cursors[members];
  double shares[members * rows];
  for (int i = 0; i < members; i++) cursors[i] = start_cursor(&models[i], rows);
  for (int i = 0; i < members * rows; i++) shares[i] = -0.5 * (i / rows);
  for (ptrdiff_t p = 0; p < variables; p++) {
    float z[members * rows], logits[2 * rows], u[rows];
    bool bits[rows];
    for (int i = 0; i < members; i++) {
      k->cursor_logits(cursors[i], z + i * rows);
      k->ensemble_logits(z + i * rows, i == 0 ? 0.5f : 0.3f, i > 0, rows, logits);
    }
    k->mixture_logits(shares, z, members, rows, logits + rows);
    digest_floats(digest, z, members * rows);
    digest_floats(digest, logits, 2 * rows);
    for (int r = 0; r < rows; r++) u[r] = (float)draw_below(1 << 24) * 0x1p-24f;
    k->draw_bits(logits + p % 2 * rows, u, rows, bits);
    k->mixture_advance(shares, z, bits, members, rows);
    for (int i = 0; i < members; i++) ck_cursor_advance(cursors[i], bits);
  }
  for (int i = 0; i < members; i++) ck_cursor_free(cursors[i]);
}

uint64_t digest_of(const ck_kernels *k) {
  uint64_t digest = 0xCBF29CE484222325u;
  for (int round = 0; round < 3; round++) {
    static const ptrdiff_t variables[] = {70, 33, 97}, hidden[] = {40, 530, 17};
    for (int first = 0; first < model_count; first += 2) {
      shape("round %d, models from %d on", round, first);
      model models[3];
      for (int i = 0; i < 3; i++) {
        model_kind kind = (model_kind)((first + i) % model_count);
        // Dense layers take a pass at every position.
        models[i] = make_model(kind, variables[round], (kind >= eonade ? 40 : hidden[round]) + i);
      }
      digest_walks(k, models, &digest);
      for (int i = 0; i < 3; i++) free_model(&models[i]);
    }
  }
  // Every function over all magnitudes.
  shape("functions");
  ck_matrix x = matrix(1, 4096), y = matrix(1, 4096);
  EACH_ELEMENT(x, r, i) {
    int exponent = (int)draw_below(60) - 50;
    *at(x, r, i) = ldexpf((float)draw_below(1 << 24) * 0x1p-23f - 1, exponent);
  }
  for (int f = 0; f < 4; f++) {
    k->portable_apply((ck_activation)f, x, y);
    digest_floats(&digest, y.base, y.columns);
  }
  return digest;
}

void check_digest(const ck_kernels *k) {
  uint64_t digest = digest_of(k);
  if (digest != committed_digest) {
    fail(
      "logits have the digest %016llx, not %016llx", (unsigned long long)digest,
      (unsigned long long)committed_digest);
  }
}
