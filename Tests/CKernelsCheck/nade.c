// Legend: B rows in a batch, D variables, H hidden units; r a row, i a position of the ordering, j a hidden
// unit.

#include "check.h"

typedef struct {
  ptrdiff_t variables, hidden;
  ck_nade p;
  int32_t *ordering;
  ck_activation activation;
  double scale;  // what no parameter exceeds
} network;

static ck_nade make_parameters(ptrdiff_t variables, ptrdiff_t hidden, double scale) {
  return (ck_nade){
    uniform(variables, hidden, -scale, scale), uniform(variables, hidden, -scale, scale),
    uniform(1, variables, -scale, scale), uniform(1, hidden, -scale, scale)};
}

static network make_network(
  ptrdiff_t variables, ptrdiff_t hidden, ck_activation activation, bool is_natural, double scale
) {
  network n = {
    variables, hidden, make_parameters(variables, hidden, scale), ordering(variables, is_natural), activation,
    scale};
  if (activation == ck_sigmoid) return n;
  // Distances from the kink far above rounding: weights in steps of 1/8, biases between the steps.
  ck_matrix w = n.p.w, c = n.p.c;
  EACH_ELEMENT(w, v, j) *at(w, v, j) = (float)(round(*at(w, v, j) / scale * 8) / 8 * scale);
  EACH_ELEMENT(c, r, j) *at(c, r, j) = (float)((round(*at(c, r, j) / scale * 7) / 8 + 0.0625) * scale);
  return n;
}

static double unit(ck_activation f, double a) {
  return f == ck_sigmoid ? 1 / (1 + exp(-a)) : a < 0 ? 0 : a;
}

static double unit_slope(ck_activation f, double h) {
  return f == ck_sigmoid ? h * (1 - h) : h <= 0 ? 0 : h > 0 ? 1 : h;
}

/// The hidden units that each conditional of a row sees, D × H in the ordering's order.
static double *hidden_units(const network *n, ck_matrix x, ptrdiff_t r) {
  double *h = malloc(sizeof(double) * (size_t)(n->variables * n->hidden + 1));
  for (ptrdiff_t j = 0; j < n->hidden; j++) {
    double a = *at(n->p.c, 0, j), now = unit(n->activation, a);
    for (ptrdiff_t i = 0; i < n->variables; i++) {
      h[i * n->hidden + j] = now;
      if (*at(x, r, n->ordering[i]) == 0) continue;
      a += *at(n->p.w, n->ordering[i], j);
      now = unit(n->activation, a);
    }
  }
  return h;
}

/// What a hidden unit errs by. With parameters of at most S, |a| ≤ S·(D + 1), after at most D roundings that
/// err by at most S·(D + 1)²·u together; the slope is at most 1, and a sigmoid adds 3 ulp.
static double unit_bound(const network *n) {
  double d = (double)n->variables + 1;
  return ROUNDOFF * (n->scale * d * d + 6);
}

static double largest_unit(const network *n) {
  return n->activation == ck_sigmoid ? 1 : n->scale * ((double)n->variables + 1);
}

/// H products of a weight and such a unit, and H + 2 roundings of their sum.
static double logit_bound(const network *n) {
  double h = (double)n->hidden, largest = largest_unit(n);
  return n->scale * (h * unit_bound(n) + ROUNDOFF * (h + 2) * (h * largest + 1));
}

static void expect_logits(const network *n, ck_matrix x, ck_matrix z) {
  for (ptrdiff_t r = 0; r < x.rows; r++) {
    double *h = hidden_units(n, x, r);
    for (ptrdiff_t i = 0; i < n->variables; i++) {
      ptrdiff_t variable = n->ordering[i];
      double logit = *at(n->p.b, 0, variable);
      for (ptrdiff_t j = 0; j < n->hidden; j++) logit += *at(n->p.v, variable, j) * h[i * n->hidden + j];
      EXPECT_NEAR(z, r, variable, logit, logit_bound(n));
    }
    free(h);
  }
}

static const char *name_of(ck_activation f) { return f == ck_sigmoid ? "sigmoid" : "relu"; }

// MARK: Shapes

typedef void network_check(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t variables, ptrdiff_t hidden, ck_activation f,
  double scale, int variation);

/// Calls a check for many shapes, either activation, ordinary parameters and such as let |a| exceed 100,
/// where an exponential overflows; with variations 0, 1, 2 … in turn.
static void each_network(const ck_kernels *kernels, network_check *check) {
  static const struct { ptrdiff_t rows, variables; } batches[] = {
    {1, 7}, {5, 16}, {17, 9}, {33, 20}, {70, 8}, {0, 3}, {3, 0}, {2, 1}};
  static const ptrdiff_t wide[] = {128, 255, 256, 257, 300, 520};
  static const double scales[] = {1, 1, 300};
  for (int f = 0; f < 2; f++) {
    ck_activation activation = f == 0 ? ck_sigmoid : ck_relu;
    for (int i = 0; i < 3 * size_count; i++) {
      check(
        kernels, batches[i % 8].rows, batches[i % 8].variables, sizes[i % size_count], activation,
        scales[i / size_count], i);
    }
    for (int i = 0; i < 6; i++) check(kernels, 35 - i, 11 + i, wide[i], activation, scales[i % 3], i);
  }
}

// MARK: Checks

static void check_nade_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t variables, ptrdiff_t hidden, ck_activation f,
  double scale, int variation
) {
  bool is_natural = variation % 2 == 0;
  int poisoned = variation % 5;
  shape(
    "%td rows, %td variables, %td hidden units, %s, parameters up to %g, NaN in %d", rows, variables, hidden,
    name_of(f), scale, poisoned);
  network n = make_network(variables, hidden, f, is_natural, scale);
  ck_matrix x = bits(rows, variables, 0.3), z = matrix(rows, variables);
  const ck_matrix parameters[] = {n.p.w, n.p.v, n.p.b, n.p.c};
  if (poisoned > 0) poison(parameters[poisoned - 1]);
  if (variation % 3 == 0) {
    // Any number but zero counts as one.
    EACH_ELEMENT(x, r, c) *at(x, r, c) *= draw() < 0.5 ? -2 : 0.25f;
  }
  RUN_ROWS(rows, kernels->nade(PART(x), n.p, n.ordering, f, PART(z)), z);
  expect_logits(&n, x, z);
  if (variables == 0) return;
  // Other bits from some position on leave the conditionals up to it as they are.
  ck_matrix once = copy(z);
  ptrdiff_t position = draw_below(variables);
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t i = position; i < variables; i++) *at(x, r, n.ordering[i]) = *at(x, r, n.ordering[i]) == 0;
  }
  kernels->nade(x, n.p, n.ordering, f, z);
  for (ptrdiff_t r = 0; r < rows; r++) {
    for (ptrdiff_t i = 0; i <= position; i++) {
      if (!isnan(*at(once, r, n.ordering[i]))) EXPECT_SAME(z, once, r, n.ordering[i]);
    }
  }
}

void check_nade(const ck_kernels *kernels) { each_network(kernels, check_nade_of); }

static void check_nade_sample_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t variables, ptrdiff_t hidden, ck_activation f,
  double scale, int variation
) {
  bool is_natural = variation % 2 == 0;
  shape(
    "%td rows, %td variables, %td hidden units, %s, parameters up to %g", rows, variables, hidden, name_of(f),
    scale);
  network n = make_network(variables, hidden, f, is_natural, scale);
  ck_matrix u = uniform(rows, variables, 0, 1), x = matrix(rows, variables), z = matrix(rows, variables);
  RUN_ROWS(rows, kernels->nade_sample(PART(u), n.p, n.ordering, f, PART(x), PART(z)), x, z);
  expect_logits(&n, x, z);
  ck_matrix again = matrix(rows, variables);
  kernels->nade(x, n.p, n.ordering, f, again);
  EACH_ELEMENT(z, r, v) {
    EXPECT_SAME(z, again, r, v);
    EXPECT(*at(x, r, v) == 0 || *at(x, r, v) == 1);
    double probability = unit(ck_sigmoid, *at(z, r, v));
    // Within rounding of the threshold either decision is right.
    bool is_near = fabs(*at(u, r, v) - probability) <= 4 * ROUNDOFF;
    if (!is_near) EXPECT(*at(x, r, v) == (*at(u, r, v) < probability));
  }
}

void check_nade_sample(const ck_kernels *kernels) { each_network(kernels, check_nade_sample_of); }

/// Expects what a plain loop accumulates, within a bound; NaN may spread to more.
static void expect_gradient(ck_matrix m, const double *expected, double bound) {
  EACH_ELEMENT(m, r, c) {
    double value = before(m, r, c) + expected[r * m.columns + c];
    if (isnan(value) || !isnan(*at(m, r, c))) EXPECT_NEAR(m, r, c, value, bound);
  }
}

static void check_nade_gradient_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t variables, ptrdiff_t hidden, ck_activation f,
  double scale, int variation
) {
  bool is_natural = variation % 2 == 0;
  // Mostly numbers; NaN in one operand now and then.
  int poisoned = variation % 4 == 3 ? 1 + variation / 4 % 4 : 0;
  shape(
    "%td rows, %td variables, %td hidden units, %s, parameters up to %g, NaN in %d", rows, variables, hidden,
    name_of(f), scale, poisoned);
  network n = make_network(variables, hidden, f, is_natural, scale);
  ck_matrix x = bits(rows, variables, 0.3), dz = uniform(rows, variables, -1, 1);
  ck_nade gradients = make_parameters(variables, hidden, 1);
  const ck_matrix operands[] = {n.p.w, n.p.v, n.p.c, dz};
  if (poisoned > 0) poison(operands[poisoned - 1]);
  RUN(
    kernels->nade_gradient(x, n.p, n.ordering, f, dz, gradients), gradients.w, gradients.v, gradients.b,
    gradients.c);

  size_t cells = (size_t)(variables * hidden + 1);
  double *w = calloc(cells, sizeof(double)), *v = calloc(cells, sizeof(double));
  double *b = calloc((size_t)variables + 1, sizeof(double)), *c = calloc((size_t)hidden + 1, sizeof(double));
  for (ptrdiff_t r = 0; r < rows; r++) {
    double *h = hidden_units(&n, x, r);
    for (ptrdiff_t i = 0; i < variables; i++) b[n.ordering[i]] += *at(dz, r, n.ordering[i]);
    for (ptrdiff_t j = 0; j < hidden; j++) {
      double da = 0;
      for (ptrdiff_t i = variables - 1; i >= 0; i--) {
        ptrdiff_t variable = n.ordering[i];
        double slope = *at(dz, r, variable), now = h[i * hidden + j];
        if (*at(x, r, variable) != 0) w[variable * hidden + j] += da;
        v[variable * hidden + j] += slope * now;
        da += slope * *at(n.p.v, variable, j) * unit_slope(f, now);
      }
      c[j] += da;
    }
    free(h);
  }
  // Sums of at most B · D products, and what they started from: of numbers up to 1, and either weights up to
  // S and slopes up to 1 or units; both of these err as the units do, twice because the pass may run back
  // through the activations.
  double terms = (double)(rows * variables) + 1, factor = fmax(scale, largest_unit(&n));
  double bound = terms * factor * (2 * unit_bound(&n) + 1.01 * ROUNDOFF * (terms + 4));
  expect_gradient(gradients.w, w, bound);
  expect_gradient(gradients.v, v, bound);
  expect_gradient(gradients.b, b, bound);
  expect_gradient(gradients.c, c, bound);
  free(w);
  free(v);
  free(b);
  free(c);
}

void check_nade_gradient(const ck_kernels *kernels) { each_network(kernels, check_nade_gradient_of); }
