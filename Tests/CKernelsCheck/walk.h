// Small models to walk along, and what their logits are in double.

#ifndef CHECK_WALK_H
#define CHECK_WALK_H

#include "check.h"

enum { most_hidden = 4, most_orders = 3, most_variables = 200 };

/// What a model is, apart from its sizes.
typedef enum {
  nade_of_sigmoids,
  nade_of_large_weights,  // whose exponentials overflow
  nade_of_relus,
  fvsbn,
  made,                 // three hidden layers, the last adding the one below
  made_with_direct,     // the same of other activations, one hidden layer wide
  eonade,
  deep_eonade,
  model_count
} model_kind;

typedef struct {
  const char *name;
  model_kind kind;
  ck_walk *walk;
  ptrdiff_t variables, order_count;
  int32_t *orders;  // order_count × D
  ck_activation activation;
  ck_nade nade;
  ck_layer layers[most_hidden + 2];
  ptrdiff_t depth;
  bool has_direct;
  ck_matrix u;  // eonade: nade holds w, c, and b
  ck_matrix v;
} model;

/// Makes a model whose parameters come from the fixed sequence by arithmetic that is exact, and so everywhere the same.
/// `hidden` is the size of its layers.
model make_model(model_kind kind, ptrdiff_t variables, ptrdiff_t hidden);
void free_model(model *m);
/// Starts a cursor of rows, each along the next of the model's orders.
ck_cursor *start_cursor(const model *m, ptrdiff_t rows);
/// The variable at a position in a row's order.
static inline ptrdiff_t variable_at(const model *m, ptrdiff_t row, ptrdiff_t position) {
  return m->orders[row % m->order_count * m->variables + position];
}

/// The logits of a row by position, given the values of its variables, with bounds on the kernel's error.
void reference_logits(const model *m, ptrdiff_t row, const bool *x, double *logits, double *bounds);

#endif
