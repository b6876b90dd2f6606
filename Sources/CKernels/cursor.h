// Walks and cursors as cursor.c keeps them and the kernels in generic/ compute on them.
//
// A row's on-bits are noted in a list of positions. What a row's numbers have taken in of the list is counted by
// *marks*, so that a kernel catches up with what was noted when it is asked, and no sooner.

#ifndef CKERNELS_CURSOR_H
#define CKERNELS_CURSOR_H

#include "internal.h"

// Floats of a wide vector: 16 in every instruction set, so that sums have the same terms in the same places.
enum { wide = 16 };

static inline ptrdiff_t ck_padded(ptrdiff_t n) { return ck_ceiling(n, wide) * wide; }
/// Whole cache lines, an odd number of them: arrays whose addresses agree modulo 4096 slow each other down.
static inline ptrdiff_t ck_stride(ptrdiff_t n) { return (ck_ceiling(n, wide) | 1) * wide; }

typedef enum { ck_walk_of_nade, ck_walk_of_network, ck_walk_of_orderless } ck_family;

enum {
  // Positions whose logits NADE computes at a time, on the assumption that all of them but the last are off.
  nade_group = 4,
};

/// NADE, by position: lines of `stride` floats, the units beyond H without effect.
typedef struct {
  ptrdiff_t hidden, padded, stride;
  float *v;        // a multiple of nade_group lines
  float *w;
  float *factors;  // exp(−w); null for ReLU
  float *bias;     // as many as v has lines
  float *peaks;    // of each line of w the largest size
  float *empty;    // the logits of rows without an on-bit
  float *c;
  float *start, *start_units;  // the state before the first on-bit: see cursor_nade.inc
  float start_bound;
} ck_walked_nade;

/// A masked network; its layers are the plan's.
typedef struct {
  ck_plan *plan;
  float **biases;     // of each layer, in its order, with room to read beyond
  ptrdiff_t *sums;    // where in a row's numbers the sums of the layer's open stretch are,
  ptrdiff_t *widths;  // how many there are,
  ptrdiff_t *units;   // and where the outputs of a hidden layer are
  ptrdiff_t *marks;   // of a layer over the variables, which mark counts what the sums have taken in
} ck_walked_network;

/// A dense layer: panels of lines [k][wide].
typedef struct {
  ptrdiff_t inputs, outputs;
  float *panels, *bias;
} ck_dense_layer;

/// An order-agnostic network, by variable: lines of `stride` floats.
typedef struct {
  ptrdiff_t hidden, depth, stride, last_stride;
  float *off, *on;  // u, and u + w: what a variable adds to the first layer when it is known
  float *c, *v, *bias;
  ck_dense_layer *layers;
} ck_walked_orderless;

struct ck_walk {
  ck_family family;
  ck_activation activation;
  ptrdiff_t variables;
  ptrdiff_t row_floats;   // of a row's state
  ptrdiff_t unit_floats;  // of what is computed from it again where it is missing
  ptrdiff_t mark_count;
  ptrdiff_t rows;         // that a cursor is fastest with
  ck_walked_nade nade;
  ck_walked_network network;
  ck_walked_orderless orderless;
  void **memory;  // all that it allocated
  ptrdiff_t memory_count;
};

enum {
  mark_bits,   // on-bits in the list; every walk has this mark
  mark_state,  // NADE, orderless: those that the state has taken in
  mark_units,  // NADE: those that the units have taken in, −1 if there are no units
  mark_order = mark_units,  // orderless: the row's order
  mark_layers = 1,  // networks: the first of the marks of their layers over the variables
};

/// The rows of a cursor: of each its list, its numbers, its marks.
typedef struct {
  ptrdiff_t capacity;  // a multiple of `wide`
  int32_t *lists;      // capacity × D
  int32_t *marks;      // mark_count × capacity
  float *states;       // capacity × state_stride
  float *units;        // capacity × unit_stride
  void *memory;
} ck_walked_rows;

/// How far the sums of a layer's open stretch are.
typedef struct {
  ptrdiff_t start, done;  // the stretch's position, −1 if none is open, and how many inputs are summed
} ck_open_stretch;

struct ck_cursor {
  const ck_walk *walk;
  ptrdiff_t rows, position, state_stride, unit_stride;
  ck_walked_rows now, spare;
  ptrdiff_t taken;        // networks: positions whose units are computed; orderless: those the states have taken in
  ptrdiff_t group;        // NADE: the group of positions whose logits the states hold, −1 if none
  ck_open_stretch *open;  // networks: of each layer
  int32_t *orders;        // orderless
};

static inline int32_t *ck_marks(const ck_cursor *c, ptrdiff_t mark) { return c->now.marks + mark * c->now.capacity; }
static inline int32_t *ck_list(const ck_cursor *c, ptrdiff_t row) { return c->now.lists + row * c->walk->variables; }
static inline float *ck_state(const ck_cursor *c, ptrdiff_t row) { return c->now.states + row * c->state_stride; }
static inline float *ck_units(const ck_cursor *c, ptrdiff_t row) { return c->now.units + row * c->unit_stride; }

#endif
