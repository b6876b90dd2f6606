#include "walk.h"

// MARK: Making

/// A matrix of multiples of scale / 2048 within ± scale.
static ck_matrix weights(ptrdiff_t rows, ptrdiff_t columns, float scale) {
  ck_matrix m = matrix(rows, columns);
  EACH_ELEMENT(m, r, c) *at(m, r, c) = (float)(draw_below(4097) - 2048) * (scale / 2048);
  return m;
}

/// A layer between units of given degrees, its forbidden weights NaN.
static ck_layer make_layer(const int32_t *in, ptrdiff_t inputs, const int32_t *out, ptrdiff_t outputs, float scale) {
  ck_matrix w = weights(inputs, outputs, scale), bias = weights(1, outputs, 1);
  EACH_ELEMENT(w, k, n) if (in[k] > out[n]) *at(w, k, n) = NAN;
  int32_t *prefixes = integers(outputs), *input_order = by_degree(in, inputs), *order = by_degree(out, outputs);
  for (ptrdiff_t n = 0; n < outputs; n++) {
    prefixes[n] = n == 0 ? 0 : prefixes[n - 1];
    while (prefixes[n] < inputs && in[input_order[prefixes[n]]] <= out[order[n]]) prefixes[n]++;
  }
  return (ck_layer){w, bias.base, {input_order, order, prefixes}, false};
}

static void make_network(model *m, ptrdiff_t hidden) {
  ptrdiff_t variables = m->variables, inputs = variables;
  int32_t *in = integers(variables), *out = integers(variables);
  for (ptrdiff_t p = 0; p < variables; p++) {
    in[m->orders[p]] = (int32_t)p + 1;
    out[m->orders[p]] = (int32_t)p;
  }
  const int32_t *degrees = in;
  for (int l = 0; l < m->depth; l++) {
    bool adds = l == 2;
    ptrdiff_t units = adds ? inputs : hidden + 3 * l;
    int32_t *next = integers(units);
    for (ptrdiff_t n = 0; n < units; n++) next[n] = adds ? degrees[n] : (int32_t)draw_below(variables);
    m->layers[l] = make_layer(degrees, inputs, next, units, l == 0 ? 0.5f : 0.25f);
    m->layers[l].adds_inputs = adds;
    inputs = units;
    degrees = next;
  }
  if (m->depth > 0) m->layers[m->depth] = make_layer(degrees, inputs, out, variables, 0.25f);
  if (m->has_direct) m->layers[m->depth + 1] = make_layer(in, variables, out, variables, 0.5f);
  if (m->has_direct && m->depth > 0) m->layers[m->depth + 1].bias = NULL;
  m->walk = ck_walk_network(
    (ck_network){
      .ordering = m->orders, .hidden = m->layers, .depth = m->depth, .activation = m->activation,
      .output = m->depth > 0 ? &m->layers[m->depth] : NULL,
      .direct = m->has_direct ? &m->layers[m->depth + 1] : NULL},
    variables);
}

static void make_orderless(model *m, ptrdiff_t hidden) {
  m->nade = (ck_nade){
    .w = weights(m->variables, hidden, 0.25f), .b = weights(1, m->variables, 1), .c = weights(1, hidden, 1)};
  m->u = weights(m->variables, hidden, 0.125f);
  ptrdiff_t inputs = hidden;
  for (int l = 0; l < m->depth; l++) {
    ptrdiff_t units = hidden + 5;
    m->layers[l] = (ck_layer){.weights = weights(inputs, units, 0.125f), .bias = weights(1, units, 1).base};
    inputs = units;
  }
  m->v = weights(inputs, m->variables, 0.25f);
  m->walk = ck_walk_orderless(m->nade.w, m->u, m->nade.c, m->layers, m->depth, m->v, m->nade.b, m->activation);
}

model make_model(model_kind kind, ptrdiff_t variables, ptrdiff_t hidden) {
  static const char *const names[] = {
    "NADE of sigmoids", "NADE of large weights", "NADE of ReLUs", "FVSBN", "MADE", "MADE with direct weights",
    "EoNADE", "deep EoNADE"};
  static const ck_activation activations[] = {
    ck_sigmoid, ck_sigmoid, ck_relu, ck_relu, ck_relu, ck_tanh, ck_relu, ck_softplus};
  model m = {
    .name = names[kind], .kind = kind, .variables = variables, .activation = activations[kind], .order_count = 1};
  if (kind == eonade || kind == deep_eonade) m.order_count = most_orders;
  m.orders = integers(m.order_count * variables);
  for (ptrdiff_t i = 0; i < m.order_count; i++) {
    memcpy(m.orders + i * variables, ordering(variables, kind == made && i == 0), sizeof(int32_t) * (size_t)variables);
  }
  switch (kind) {
  case nade_of_sigmoids:
  case nade_of_large_weights:
  case nade_of_relus: {
    // After a few bits some activation is above the bound of 80.
    float scale = kind == nade_of_large_weights ? 16 : 0.25f;
    m.nade = (ck_nade){
      weights(variables, hidden, scale), weights(variables, hidden, 0.25f), weights(1, variables, 1),
      weights(1, hidden, scale)};
    m.walk = ck_walk_nade(m.nade, m.orders, m.activation);
    break;
  }
  case fvsbn:
  case made:
  case made_with_direct:
    m.depth = kind == made ? 3 : kind == made_with_direct ? 1 : 0;
    m.has_direct = kind != made;
    make_network(&m, hidden);
    break;
  default:
    m.depth = kind == deep_eonade ? 2 : 0;
    make_orderless(&m, hidden);
  }
  return m;
}

void free_model(model *m) { ck_walk_free(m->walk); }

ck_cursor *start_cursor(const model *m, ptrdiff_t rows) {
  if (m->order_count == 1) return ck_cursor_create(m->walk, rows, NULL, 0, NULL);
  int32_t *order_of_row = integers(rows);
  for (ptrdiff_t r = 0; r < rows; r++) order_of_row[r] = (int32_t)(r % m->order_count);
  return ck_cursor_create(m->walk, rows, m->orders, m->order_count, order_of_row);
}

// MARK: In double

/// A number, and what the kernel's differs from it by at most.
typedef struct {
  double value, error;
} number;

/// A sum of numbers, each times a weight, in any order with an error of one rounding each; a first term is exact.
typedef struct {
  sum terms;
  double error;
} number_sum;

static void add_number(number_sum *s, double weight, number x) {
  add(&s->terms, weight * x.value);
  s->error += fabs(weight) * x.error;
}

static number sum_of(number_sum s) { return (number){s.terms.value, 1.01 * s.error + bound_of(s.terms)}; }

/// f(x): slopes are at most 1, and the kernel's function within 3 ulp, of 2 roundings each, or 1e-37.
static number activated(ck_activation f, number x) {
  double y = 0, slope = 1;
  switch (f) {
  case ck_relu: return (number){fmax(x.value, 0), x.error};
  case ck_sigmoid: y = 1 / (1 + exp(-x.value)), slope = 0.25; break;
  case ck_tanh: y = tanh(x.value); break;
  case ck_softplus: y = fmax(x.value, 0) + log1p(exp(-fabs(x.value))); break;
  }
  return (number){y, slope * x.error + 6 * ROUNDOFF * fabs(y) + 1e-37};
}

/// The unit from the activation after some bits. The state E = exp(−a) has an error of 2 ulp in the start and each
/// factor, and of a rounding in each product: a relative error of E that is one of h by h · (1 − h).
static number nade_unit(ck_activation f, number_sum a, ptrdiff_t bits) {
  number h = activated(f, sum_of(a));
  if (f == ck_sigmoid) {
    double relative = 1.01 * (4 + 5 * (double)bits) * ROUNDOFF;
    h.error += 1.01 * h.value * (1 - h.value) * relative + 3 * ROUNDOFF * h.value;
  }
  return h;
}

static void nade_logits(const model *m, const bool *x, double *logits, double *bounds) {
  ptrdiff_t hidden = m->nade.c.columns, bits = 0;
  number_sum *a = calloc((size_t)hidden + 1, sizeof *a);
  for (ptrdiff_t j = 0; j < hidden; j++) add_number(&a[j], 1, (number){*at(m->nade.c, 0, j), 0});
  for (ptrdiff_t p = 0; p < m->variables; p++) {
    ptrdiff_t variable = m->orders[p];
    number_sum z = {0};
    add_number(&z, 1, (number){*at(m->nade.b, 0, variable), 0});
    for (ptrdiff_t j = 0; j < hidden; j++) {
      add_number(&z, *at(m->nade.v, variable, j), nade_unit(m->activation, a[j], bits));
    }
    logits[p] = sum_of(z).value;
    bounds[p] = sum_of(z).error;
    if (!x[variable]) continue;
    bits++;
    for (ptrdiff_t j = 0; j < hidden; j++) add_number(&a[j], 1, (number){*at(m->nade.w, variable, j), 0});
  }
  free(a);
}

/// The sums of a layer of inputs, by its own numbers of inputs and outputs.
static void add_layer(const ck_layer *l, const number *in, number_sum *out) {
  for (ptrdiff_t n = 0; n < l->weights.columns; n++) {
    ptrdiff_t output = l->mask.outputs != NULL ? l->mask.outputs[n] : n;
    ptrdiff_t inputs = l->mask.prefixes != NULL ? l->mask.prefixes[n] : l->weights.rows;
    if (l->bias != NULL) add_number(&out[output], 1, (number){l->bias[output], 0});
    for (ptrdiff_t i = 0; i < inputs; i++) {
      ptrdiff_t k = l->mask.inputs != NULL ? l->mask.inputs[i] : i;
      add_number(&out[output], *at(l->weights, k, output), in[k]);
    }
  }
}

/// The units of a layer, to be freed; `in` is freed.
static number *layer_units(const model *m, const ck_layer *l, number *in) {
  ptrdiff_t count = l->weights.columns;
  number_sum *sums = calloc((size_t)count + 1, sizeof *sums);
  number *units = calloc((size_t)count + 1, sizeof *units);
  add_layer(l, in, sums);
  for (ptrdiff_t n = 0; n < count; n++) {
    units[n] = activated(m->activation, sum_of(sums[n]));
    if (!l->adds_inputs) continue;
    units[n].value += in[n].value;
    units[n].error += in[n].error + ROUNDOFF * fabs(units[n].value) * 1.01;
  }
  free(sums);
  free(in);
  return units;
}

static void network_logits(const model *m, const bool *x, double *logits, double *bounds) {
  // No logit sees its own bit or later ones, so that one pass with all of them is every logit's.
  number *h = calloc((size_t)m->variables, sizeof *h);
  number_sum *z = calloc((size_t)m->variables, sizeof *z);
  for (ptrdiff_t i = 0; i < m->variables; i++) h[i].value = x[i];
  if (m->has_direct) add_layer(&m->layers[m->depth + 1], h, z);
  for (ptrdiff_t l = 0; l < m->depth; l++) h = layer_units(m, &m->layers[l], h);
  if (m->depth > 0) add_layer(&m->layers[m->depth], h, z);
  for (ptrdiff_t p = 0; p < m->variables; p++) {
    logits[p] = sum_of(z[m->orders[p]]).value;
    bounds[p] = sum_of(z[m->orders[p]]).error;
  }
  free(h);
  free(z);
}

static void orderless_logits(const model *m, ptrdiff_t row, const bool *x, double *logits, double *bounds) {
  ptrdiff_t hidden = m->nade.c.columns;
  number_sum *a = calloc((size_t)hidden + 1, sizeof *a);
  for (ptrdiff_t j = 0; j < hidden; j++) add_number(&a[j], 1, (number){*at(m->nade.c, 0, j), 0});
  for (ptrdiff_t p = 0; p < m->variables; p++) {
    ptrdiff_t variable = variable_at(m, row, p);
    number *h = calloc((size_t)hidden + 1, sizeof *h);
    for (ptrdiff_t j = 0; j < hidden; j++) h[j] = activated(m->activation, sum_of(a[j]));
    for (ptrdiff_t l = 0; l < m->depth; l++) h = layer_units(m, &m->layers[l], h);
    number_sum z = {0};
    add_number(&z, 1, (number){*at(m->nade.b, 0, variable), 0});
    for (ptrdiff_t j = 0; j < m->v.rows; j++) add_number(&z, *at(m->v, j, variable), h[j]);
    free(h);
    logits[p] = sum_of(z).value;
    bounds[p] = sum_of(z).error;
    for (ptrdiff_t j = 0; j < hidden; j++) {
      double u = *at(m->u, variable, j), w = *at(m->nade.w, variable, j);
      // u + w is rounded once before it is added.
      add_number(&a[j], 1, (number){x[variable] ? u + w : u, x[variable] ? ROUNDOFF * fabs(u + w) : 0});
    }
  }
  free(a);
}

void reference_logits(const model *m, ptrdiff_t row, const bool *x, double *logits, double *bounds) {
  switch (m->kind) {
  case nade_of_sigmoids:
  case nade_of_large_weights:
  case nade_of_relus: nade_logits(m, x, logits, bounds); break;
  case fvsbn:
  case made:
  case made_with_direct: network_logits(m, x, logits, bounds); break;
  default: orderless_logits(m, row, x, logits, bounds);
  }
}
