// Legend: B rows in a batch, D variables, H hidden units; r a row, i a position of the ordering, j a hidden
// unit.

#include "check.h"

typedef struct {
  ptrdiff_t variables, hidden;
  ck_nade p;
  int32_t *ordering;
  ck_activation activation;
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
    variables, hidden, make_parameters(variables, hidden, scale), ordering(variables, is_natural),
    activation};
  if (activation == ck_sigmoid) return n;
  // Distances from the kink far above rounding: weights in steps of 1/8, biases between the steps.
  ck_matrix w = n.p.w, c = n.p.c;
  EACH_ELEMENT(w, v, j) *at(w, v, j) = (float)(round(*at(w, v, j) / scale * 8) / 8 * scale);
  EACH_ELEMENT(c, r, j) *at(c, r, j) = (float)((round(*at(c, r, j) / scale * 7) / 8 + 0.0625) * scale);
  return n;
}

static double value_of(ck_activation f, double a) {
  return f == ck_sigmoid ? 1 / (1 + exp(-a)) : a < 0 ? 0 : a;
}

static double slope_of(ck_activation f, double h) {
  return f == ck_sigmoid ? h * (1 - h) : h <= 0 ? 0 : h > 0 ? 1 : h;
}

/// A number of the plain loop, and a bound on what single precision makes of it.
typedef struct { double value, error; } number;

/// The hidden units that each conditional of a row sees, D × H in the ordering's order.
///
/// A bit adds a weight to a, or multiplies e⁻ᵃ by another exponential: a rounding of a, or one of the product
/// and 2 ulp of the factor, which in e⁻ᵃ is what as much is in a. A pass that runs back through the bits, as
/// that of the gradients may, errs as much again. The sigmoid adds 3 ulp.
static number *hidden_units(const network *n, ck_matrix x, ptrdiff_t r, bool is_backward) {
  number *h = malloc(sizeof *h * (size_t)(n->variables * n->hidden + 1));
  for (ptrdiff_t j = 0; j < n->hidden; j++) {
    double a = *at(n->p.c, 0, j), error = 0;
    for (ptrdiff_t i = 0; i < n->variables; i++) {
      h[i * n->hidden + j] = (number){a, error};
      if (*at(x, r, n->ordering[i]) == 0) continue;
      a += *at(n->p.w, n->ordering[i], j);
      error += ROUNDOFF * (fabs(a) + 5);
    }
    for (ptrdiff_t i = 0; i < n->variables; i++) {
      number *unit = &h[i * n->hidden + j];
      // Back through a NaN there is no way: what is a number does not come from there.
      double by = is_backward && !isnan(error) ? 2 * error : unit->error;
      unit->value = value_of(n->activation, unit->value);
      unit->error = n->activation == ck_relu
        ? by : unit->value * ((1 - unit->value) * 1.01 * expm1(by) + 6 * ROUNDOFF) + 1e-37;
    }
  }
  return h;
}

/// Lets the bits of the rows start at different positions; some rows have none.
static void start_late(const network *n, ck_matrix x) {
  for (ptrdiff_t r = 0; r < x.rows; r++) {
    ptrdiff_t begin = draw_below(n->variables + 1);
    for (ptrdiff_t i = 0; i < begin; i++) *at(x, r, n->ordering[i]) = 0;
  }
}

static void expect_logits(const network *n, ck_matrix x, ck_matrix z) {
  for (ptrdiff_t r = 0; r < x.rows; r++) {
    number *h = hidden_units(n, x, r, false);
    for (ptrdiff_t i = 0; i < n->variables; i++) {
      ptrdiff_t variable = n->ordering[i];
      sum s = {0};
      double error = 0;
      add(&s, *at(n->p.b, 0, variable));
      for (ptrdiff_t j = 0; j < n->hidden; j++) {
        number unit = h[i * n->hidden + j];
        add(&s, *at(n->p.v, variable, j) * unit.value);
        error += fabs(*at(n->p.v, variable, j)) * unit.error;
      }
      EXPECT_NEAR(z, r, variable, s.value, error + bound_of(s));
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
    {1, 7}, {5, 16}, {17, 9}, {33, 20}, {70, 8}, {0, 3}, {3, 0}, {2, 1}, {140, 6}};
  static const ptrdiff_t wide[] = {128, 255, 256, 257, 300, 520};
  static const double scales[] = {1, 1, 300};
  for (int f = 0; f < 2; f++) {
    ck_activation activation = f == 0 ? ck_sigmoid : ck_relu;
    for (int i = 0; i < 3 * size_count; i++) {
      check(
        kernels, batches[i % 9].rows, batches[i % 9].variables, sizes[i % size_count], activation,
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
  if (variation % 4 == 1) start_late(&n, x);
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
    double probability = value_of(ck_sigmoid, *at(z, r, v));
    // Within rounding of the threshold either decision is right.
    bool is_near = fabs(*at(u, r, v) - probability) <= 4 * ROUNDOFF;
    if (!is_near) EXPECT(*at(x, r, v) == (*at(u, r, v) < probability));
  }
}

void check_nade_sample(const ck_kernels *kernels) { each_network(kernels, check_nade_sample_of); }

/// A sum of the plain loop, with the sizes of its terms and bounds on their errors.
typedef struct { double value, magnitude, error; } total;

static void accumulate(total *t, double value, double magnitude, double error) {
  t->value += value;
  t->magnitude += magnitude;
  t->error += error;
}

/// Expects what a plain loop accumulates, besides its terms' errors within those of as many roundings. NaN
/// may spread to more.
static void expect_gradient(ck_matrix m, const total *expected, ptrdiff_t roundings) {
  EACH_ELEMENT(m, r, c) {
    total t = expected[r * m.columns + c];
    accumulate(&t, before(m, r, c), fabs(before(m, r, c)), 0);
    if (isnan(*at(m, r, c)) && !isnan(t.value)) continue;
    EXPECT_NEAR(m, r, c, t.value, t.error + 1.01 * ROUNDOFF * (double)roundings * t.magnitude);
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
  if (variation % 3 == 1) start_late(&n, x);
  ck_nade gradients = make_parameters(variables, hidden, 1);
  const ck_matrix operands[] = {n.p.w, n.p.v, n.p.c, dz};
  if (poisoned > 0) poison(operands[poisoned - 1]);
  RUN(
    kernels->nade_gradient(x, n.p, n.ordering, f, dz, gradients), gradients.w, gradients.v, gradients.b,
    gradients.c);

  total *w = calloc((size_t)(variables * hidden + 1), sizeof *w);
  total *v = calloc((size_t)(variables * hidden + 1), sizeof *v);
  total *b = calloc((size_t)variables + 1, sizeof *b), *c = calloc((size_t)hidden + 1, sizeof *c);
  for (ptrdiff_t r = 0; r < rows; r++) {
    number *h = hidden_units(&n, x, r, true);
    for (ptrdiff_t variable = 0; variable < variables; variable++) {
      accumulate(&b[variable], *at(dz, r, variable), fabs(*at(dz, r, variable)), 0);
    }
    for (ptrdiff_t j = 0; j < hidden; j++) {
      total da = {0};
      for (ptrdiff_t i = variables - 1; i >= 0; i--) {
        ptrdiff_t variable = n.ordering[i], at_w = variable * hidden + j;
        number unit = h[i * hidden + j];
        double slope = *at(dz, r, variable), term = slope * unit.value;
        if (*at(x, r, variable) != 0) accumulate(&w[at_w], da.value, da.magnitude, da.error);
        accumulate(&v[at_w], term, fabs(term), fabs(slope) * unit.error);
        // h · (1 − h) changes by no more than h does, and has two roundings.
        double weight = slope * *at(n.p.v, variable, j);
        term = weight * slope_of(f, unit.value);
        double slope_error = f == ck_sigmoid ? unit.error + 2 * ROUNDOFF * unit.value : 0;
        accumulate(&da, term, fabs(term), fabs(weight) * slope_error);
      }
      accumulate(&c[j], da.value, da.magnitude, da.error);
    }
    free(h);
  }
  ptrdiff_t roundings = rows * variables + 4;
  expect_gradient(gradients.w, w, roundings);
  expect_gradient(gradients.v, v, roundings);
  expect_gradient(gradients.b, b, roundings);
  expect_gradient(gradients.c, c, roundings);
  free(w);
  free(v);
  free(b);
  free(c);
}

void check_nade_gradient(const ck_kernels *kernels) { each_network(kernels, check_nade_gradient_of); }

/// The step equals, bit for bit, the gradient followed by Adam's step along it.
static void check_nade_adam_of(
  const ck_kernels *kernels, ptrdiff_t rows, ptrdiff_t variables, ptrdiff_t hidden, ck_activation f,
  double scale, int variation
) {
  if (rows == 0) return;
  shape(
    "%td rows, %td variables, %td hidden units, %s, parameters up to %g", rows, variables, hidden, name_of(f),
    scale);
  network n = make_network(variables, hidden, f, variation % 2 == 0, scale);
  ck_matrix x = bits(rows, variables, 0.3), dz = uniform(rows, variables, -1, 1);
  ck_nade gradients = make_parameters(variables, hidden, 1), expected = make_parameters(variables, hidden, 1);
  ck_nade means = make_parameters(variables, hidden, 1), variances = make_parameters(variables, hidden, 1);
  EACH_ELEMENT(variances.w, r, c) *at(variances.w, r, c) = fabsf(*at(variances.w, r, c));
  EACH_ELEMENT(variances.v, r, c) *at(variances.v, r, c) = fabsf(*at(variances.v, r, c));
  const ck_adam step = {
    .rate = 0.1f, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f, .weight_decay = 0.01f, .mean_correction = 1.5f,
    .variance_correction = 2};
  EACH_ELEMENT(expected.w, r, c) *at(expected.w, r, c) = *at(expected.v, r, c) = 0;
  EACH_ELEMENT(expected.b, r, c) *at(expected.b, r, c) = *at(gradients.b, r, c);
  EACH_ELEMENT(expected.c, r, c) *at(expected.c, r, c) = *at(gradients.c, r, c);
  ck_nade stored = {copy(n.p.w), copy(n.p.v), n.p.b, n.p.c};
  ck_nade stored_means = {.w = copy(means.w), .v = copy(means.v)};
  ck_nade stored_variances = {.w = copy(variances.w), .v = copy(variances.v)};
  kernels->nade_gradient(x, n.p, n.ordering, f, dz, expected);
  kernels->adam(stored.w, expected.w, 1, step, stored_means.w, stored_variances.w);
  kernels->adam(stored.v, expected.v, 1, step, stored_means.v, stored_variances.v);
  RUN(
    kernels->nade_adam(x, n.p, n.ordering, f, dz, gradients, step, means, variances), n.p.w, n.p.v, gradients.w,
    gradients.v, gradients.b, gradients.c, means.w, means.v, variances.w, variances.v);
  EACH_ELEMENT(n.p.w, r, c) {
    EXPECT_SAME(n.p.w, stored.w, r, c);
    EXPECT_SAME(n.p.v, stored.v, r, c);
    EXPECT_SAME(means.w, stored_means.w, r, c);
    EXPECT_SAME(means.v, stored_means.v, r, c);
    EXPECT_SAME(variances.w, stored_variances.w, r, c);
    EXPECT_SAME(variances.v, stored_variances.v, r, c);
  }
  EACH_ELEMENT(gradients.b, r, c) EXPECT_SAME(gradients.b, expected.b, r, c);
  EACH_ELEMENT(gradients.c, r, c) EXPECT_SAME(gradients.c, expected.c, r, c);
}

void check_nade_adam(const ck_kernels *kernels) { each_network(kernels, check_nade_adam_of); }
