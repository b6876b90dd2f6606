// Walks and cursors: their memory, and what of a row is copied when rows are selected, parked and taken up.

#include "cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t bytes) {
  if (memory == NULL) {
    fprintf(stderr, "BinaryDensity: out of memory allocating %zu bytes for a cursor\n", bytes);
    abort();
  }
  return memory;
}

// MARK: Walks

enum { most_staggered = 64 * 64 };

/// Zeroed memory that the walk owns, on a cache line that differs from array to array modulo 4096.
static void *claim(ck_walk *walk, size_t bytes) {
  void *memory = checked(calloc(1, bytes + 64 + most_staggered), bytes);
  walk->memory = checked(realloc(walk->memory, sizeof(void *) * (size_t)(walk->memory_count + 1)), sizeof(void *));
  walk->memory[walk->memory_count++] = memory;
  uintptr_t line = ((uintptr_t)memory + 63) / 64, wanted = (uintptr_t)(14 * walk->memory_count + 5);
  return (void *)((line + (wanted - line) % 64) * 64);
}

static float *claim_floats(ck_walk *walk, ptrdiff_t count) { return claim(walk, sizeof(float) * (size_t)count); }

static ck_walk *create_walk(ck_family family, ptrdiff_t variables, ck_activation f) {
  ck_walk *walk = checked(calloc(1, sizeof *walk), sizeof *walk);
  walk->family = family;
  walk->variables = variables;
  walk->activation = f;
  walk->mark_count = 1;
  return walk;
}

static const float *line_of(ck_matrix m, ptrdiff_t row) { return m.base + row * m.stride; }

/// Copies the columns of lines in a given order.
static float *ordered_lines(
  ck_walk *walk, ck_matrix m, const int32_t *order, ptrdiff_t lines, ptrdiff_t stride
) {
  float *copy = claim_floats(walk, lines * stride);
  for (ptrdiff_t p = 0; p < m.rows; p++) {
    memcpy(copy + p * stride, line_of(m, order != NULL ? order[p] : p), sizeof(float) * (size_t)m.columns);
  }
  return copy;
}

ck_walk *ck_walk_nade(ck_nade p, const int32_t *ordering, ck_activation f) {
  ptrdiff_t variables = p.w.rows, hidden = p.c.columns;
  ck_walk *walk = create_walk(ck_walk_of_nade, variables, f);
  ck_walked_nade *w = &walk->nade;
  w->hidden = hidden;
  w->padded = ck_padded(hidden);
  w->stride = ck_stride(hidden);
  ptrdiff_t lines = ck_ceiling(variables, nade_group) * nade_group;
  w->v = ordered_lines(walk, p.v, ordering, lines, w->stride);
  w->w = ordered_lines(walk, p.w, ordering, lines, w->stride);
  w->factors = f == ck_sigmoid ? claim_floats(walk, lines * w->stride) : NULL;
  w->bias = claim_floats(walk, lines);
  for (ptrdiff_t i = 0; i < variables; i++) w->bias[i] = p.b.base[ordering[i]];
  w->peaks = claim_floats(walk, lines);
  w->empty = claim_floats(walk, lines);
  w->c = claim_floats(walk, w->padded);
  memcpy(w->c, p.c.base, sizeof(float) * (size_t)hidden);
  w->start = claim_floats(walk, w->padded);
  w->start_units = claim_floats(walk, w->padded);
  walk->row_floats = wide + w->padded;
  walk->unit_floats = f == ck_sigmoid ? w->padded : 0;
  walk->mark_count = 3;
  walk->rows = 64;
  ck_table()->walk_prepare(walk);
  return walk;
}

ck_walk *ck_walk_network(ck_network network, ptrdiff_t variables) {
  ck_walk *walk = create_walk(ck_walk_of_network, variables, network.activation);
  ck_walked_network *w = &walk->network;
  w->plan = ck_plan_network(network, variables, true);
  size_t layers = (size_t)w->plan->layer_count;
  w->biases = claim(walk, sizeof(float *) * layers);
  w->sums = claim(walk, sizeof(ptrdiff_t) * layers);
  w->widths = claim(walk, sizeof(ptrdiff_t) * layers);
  w->units = claim(walk, sizeof(ptrdiff_t) * layers);
  w->marks = claim(walk, sizeof(ptrdiff_t) * layers);
  for (ptrdiff_t i = 0; i < w->plan->layer_count; i++) {
    const ck_planned_layer *l = &w->plan->layers[i];
    for (ptrdiff_t p = 0; p < variables; p += l->stride) {
      ck_stretch s = ck_stretch_at(l, p, variables);
      w->widths[i] = ck_max(w->widths[i], ck_padded(s.end - s.begin));
    }
    ptrdiff_t outputs = l->ready[variables - 1];
    w->biases[i] = claim_floats(walk, outputs + wide);
    // A sum that starts with 0, never −0, is not changed by adding zeros.
    for (ptrdiff_t n = 0; n < outputs; n++) w->biases[i][n] = l->bias[n] + 0.0f;
    if (l->source == NULL) w->marks[i] = walk->mark_count++;
    if (l->is_hidden) {
      w->units[i] = walk->row_floats;
      // What a vector writes beyond the last unit is room.
      walk->row_floats += ck_padded(outputs) + wide;
    }
  }
  for (ptrdiff_t i = 0; i < w->plan->layer_count; i++) {
    w->sums[i] = walk->row_floats;
    walk->row_floats += w->widths[i];
  }
  walk->row_floats += wide;
  // Most steps do little in a row: what they cost besides is shared among many.
  walk->rows = 192;
  return walk;
}

static ck_dense_layer arrange_dense(ck_walk *walk, const ck_layer *source) {
  ck_matrix m = source->weights;
  ck_dense_layer l = {
    .inputs = m.rows, .outputs = m.columns, .panels = claim_floats(walk, ck_padded(m.columns) * m.rows),
    .bias = claim_floats(walk, ck_padded(m.columns))};
  if (source->bias != NULL) memcpy(l.bias, source->bias, sizeof(float) * (size_t)m.columns);
  for (ptrdiff_t k = 0; k < m.rows; k++) {
    for (ptrdiff_t n = 0; n < m.columns; n += wide) {
      memcpy(
        l.panels + n * m.rows + k * wide, line_of(m, k) + n, sizeof(float) * (size_t)ck_min(wide, m.columns - n));
    }
  }
  return l;
}

ck_walk *ck_walk_orderless(
  ck_matrix w, ck_matrix u, ck_matrix c, const ck_layer *layers, ptrdiff_t depth, ck_matrix v, ck_matrix b,
  ck_activation f
) {
  ptrdiff_t variables = w.rows;
  ck_walk *walk = create_walk(ck_walk_of_orderless, variables, f);
  ck_walked_orderless *o = &walk->orderless;
  o->hidden = w.columns;
  o->depth = depth;
  o->stride = ck_stride(w.columns);
  o->off = ordered_lines(walk, u, NULL, variables, o->stride);
  o->on = ordered_lines(walk, u, NULL, variables, o->stride);
  for (ptrdiff_t i = 0; i < variables; i++) {
    for (ptrdiff_t j = 0; j < w.columns; j++) o->on[i * o->stride + j] += line_of(w, i)[j];
  }
  o->c = claim_floats(walk, ck_padded(w.columns));
  memcpy(o->c, c.base, sizeof(float) * (size_t)w.columns);
  o->layers = claim(walk, sizeof *o->layers * (size_t)depth);
  walk->unit_floats = depth == 0 && f == ck_relu ? 0 : ck_padded(w.columns);
  for (ptrdiff_t i = 0; i < depth; i++) {
    o->layers[i] = arrange_dense(walk, &layers[i]);
    walk->unit_floats += ck_padded(o->layers[i].outputs);
  }
  o->last_stride = ck_stride(v.rows);
  o->v = claim_floats(walk, variables * o->last_stride);
  for (ptrdiff_t j = 0; j < v.rows; j++) {
    for (ptrdiff_t i = 0; i < variables; i++) o->v[i * o->last_stride + j] = line_of(v, j)[i];
  }
  o->bias = claim_floats(walk, variables);
  memcpy(o->bias, b.base, sizeof(float) * (size_t)variables);
  walk->row_floats = ck_padded(w.columns);
  walk->mark_count = 3;
  walk->rows = 64;
  return walk;
}

void ck_walk_free(ck_walk *walk) {
  if (walk->network.plan != NULL) ck_plan_free(walk->network.plan);
  for (ptrdiff_t i = 0; i < walk->memory_count; i++) free(walk->memory[i]);
  free(walk->memory);
  free(walk);
}

ptrdiff_t ck_walk_rows(const ck_walk *walk) { return walk->rows; }

// MARK: Rows

static size_t in_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

/// Makes room for a number of rows, whose contents are lost if there was not enough.
static void make_room(const ck_cursor *c, ck_walked_rows *rows, ptrdiff_t count) {
  if (rows->memory != NULL && rows->capacity >= count) return;
  const ck_walk *walk = c->walk;
  free(rows->memory);
  ptrdiff_t capacity = ck_max(wide, ck_padded(count));
  size_t lists = in_lines(sizeof(int32_t) * (size_t)(capacity * walk->variables));
  size_t marks = in_lines(sizeof(int32_t) * (size_t)(capacity * walk->mark_count));
  size_t states = sizeof(float) * (size_t)(capacity * c->state_stride);
  size_t units = sizeof(float) * (size_t)(capacity * c->unit_stride);
  size_t bytes = lists + marks + states + units + 4096 + 64;
  char *memory = checked(calloc(1, bytes), bytes);
  *rows = (ck_walked_rows){.capacity = capacity, .memory = memory};
  memory = (char *)(((uintptr_t)memory + 63) / 64 * 64);
  rows->lists = (int32_t *)memory;
  rows->marks = (int32_t *)(memory + lists);
  rows->states = (float *)(memory + lists + marks);
  // A row's units lie half a page from its state modulo 4096.
  rows->units = (float *)(memory + lists + marks + states + (2048 + 4096 - states % 4096) % 4096);
}

/// Copies row i of some rows to row j of others.
static void copy_row(const ck_cursor *c, const ck_walked_rows *from, ptrdiff_t i, ck_walked_rows *to, ptrdiff_t j) {
  const ck_walk *walk = c->walk;
  for (ptrdiff_t m = 0; m < walk->mark_count; m++) {
    to->marks[m * to->capacity + j] = from->marks[m * from->capacity + i];
  }
  memcpy(
    to->lists + j * walk->variables, from->lists + i * walk->variables, sizeof(int32_t) * (size_t)from->marks[i]);
  memcpy(
    to->states + j * c->state_stride, from->states + i * c->state_stride, sizeof(float) * (size_t)walk->row_floats);
  memcpy(to->units + j * c->unit_stride, from->units + i * c->unit_stride, sizeof(float) * (size_t)walk->unit_floats);
}

// MARK: Cursors

ck_cursor *ck_cursor_create(
  const ck_walk *walk, ptrdiff_t rows, const int32_t *orders, ptrdiff_t order_count, const int32_t *order_of_row
) {
  ck_cursor *c = checked(calloc(1, sizeof *c), sizeof *c);
  c->walk = walk;
  c->rows = rows;
  c->group = -1;
  c->state_stride = ck_stride(walk->row_floats);
  c->unit_stride = walk->unit_floats > 0 ? ck_stride(walk->unit_floats) : 0;
  make_room(c, &c->now, rows);
  if (walk->family == ck_walk_of_network) {
    size_t bytes = sizeof *c->open * (size_t)walk->network.plan->layer_count;
    c->open = checked(malloc(bytes), bytes);
    for (ptrdiff_t i = 0; i < walk->network.plan->layer_count; i++) c->open[i] = (ck_open_stretch){.start = -1};
  }
  if (walk->family == ck_walk_of_orderless) {
    size_t bytes = sizeof(int32_t) * (size_t)(order_count * walk->variables);
    c->orders = memcpy(checked(malloc(bytes + 1), bytes), orders, bytes);
      for (ptrdiff_t r = 0; r < rows; r++) {
      ck_marks(c, mark_order)[r] = order_of_row != NULL ? order_of_row[r] : 0;
      memcpy(ck_state(c, r), walk->orderless.c, sizeof(float) * (size_t)walk->row_floats);
    }
  }
  return c;
}

void ck_cursor_free(ck_cursor *c) {
  free(c->now.memory);
  free(c->spare.memory);
  free(c->open);
  free(c->orders);
  free(c);
}

ptrdiff_t ck_cursor_rows(const ck_cursor *c) { return c->rows; }
ptrdiff_t ck_cursor_position(const ck_cursor *c) { return c->position; }

void ck_cursor_advance(ck_cursor *c, const bool *bits) {
  int32_t *counts = ck_marks(c, mark_bits), position = (int32_t)c->position++;
  ptrdiff_t rows = c->rows;
  for (ptrdiff_t first = 0; first < rows; first += 8) {
    // Eight values are the lowest bits of the bytes of a word; there are no branches but those of rows that are on.
    uint64_t on = 0;
    if (rows - first >= 8) memcpy(&on, bits + first, 8);
    else memcpy(&on, bits + first, (size_t)(rows - first));
    for (; on != 0; on &= on - 1) {
      ptrdiff_t r = first + __builtin_ctzll(on) / 8;
      ck_list(c, r)[counts[r]++] = position;
    }
  }
}

void ck_cursor_select(ck_cursor *c, const ptrdiff_t *rows, ptrdiff_t count) {
  make_room(c, &c->spare, count);
  for (ptrdiff_t i = 0; i < count; i++) copy_row(c, &c->now, rows[i], &c->spare, i);
  ck_walked_rows before = c->now;
  c->now = c->spare;
  c->spare = before;
  c->rows = count;
}

// MARK: Snapshots

/// What stands before a row's bits and numbers.
typedef struct {
  int32_t position;
  int32_t order;
  uint32_t begun;  // bit i: the sums of the logits of layer i, or of NADE's group, are those of the position
} snapshot_header;

static size_t bit_words(const ck_walk *walk) { return (size_t)ck_ceiling(walk->variables, 32); }

size_t ck_cursor_state_bytes(const ck_cursor *c) {
  return sizeof(snapshot_header) + sizeof(uint32_t) * bit_words(c->walk) + sizeof(float) * (size_t)c->walk->row_floats;
}

void ck_cursor_snapshot(const ck_cursor *c, ptrdiff_t row, void *state) {
  const ck_walk *walk = c->walk;
  snapshot_header header = {.position = (int32_t)c->position};
  if (walk->family == ck_walk_of_orderless) header.order = ck_marks(c, mark_order)[row];
  if (walk->family == ck_walk_of_nade) header.begun = c->group == c->position / nade_group;
  if (walk->family == ck_walk_of_network) {
    for (ptrdiff_t i = 0; i < walk->network.plan->layer_count; i++) {
      if (!walk->network.plan->layers[i].is_hidden && c->open[i].start >= 0) {
        header.begun |= walk->network.plan->layers[i].source == NULL ? 2 : 1;
      }
    }
  }
  memcpy(state, &header, sizeof header);
  char *place = (char *)state + sizeof header;
  size_t words = bit_words(walk);
  memset(place, 0, sizeof(uint32_t) * words);
  for (ptrdiff_t i = 0; i < ck_marks(c, mark_bits)[row]; i++) {
    ptrdiff_t p = ck_list(c, row)[i];
    uint32_t word;
    memcpy(&word, place + p / 32 * 4, sizeof word);
    word |= 1u << p % 32;
    memcpy(place + p / 32 * 4, &word, sizeof word);
  }
  memcpy(place + sizeof(uint32_t) * words, ck_state(c, row), sizeof(float) * (size_t)walk->row_floats);
}

/// Takes up a row's bits and numbers; returns what was begun.
static uint32_t resume_row(ck_cursor *c, ptrdiff_t row, const void *state) {
  const ck_walk *walk = c->walk;
  snapshot_header header;
  memcpy(&header, state, sizeof header);
  const char *place = (const char *)state + sizeof header;
  int32_t count = 0;
  for (ptrdiff_t i = 0; i < (ptrdiff_t)bit_words(walk); i++) {
    uint32_t word;
    memcpy(&word, place + i * 4, sizeof word);
    for (; word != 0; word &= word - 1) ck_list(c, row)[count++] = (int32_t)(i * 32 + __builtin_ctz(word));
  }
  memcpy(ck_state(c, row), place + sizeof(uint32_t) * bit_words(walk), sizeof(float) * (size_t)walk->row_floats);
  // Everything has taken in all bits, but for units that are to be computed from the state.
  for (ptrdiff_t m = 0; m < walk->mark_count; m++) ck_marks(c, m)[row] = count;
  if (walk->family == ck_walk_of_nade && walk->unit_floats > 0 && count > 0) ck_marks(c, mark_units)[row] = -1;
  if (walk->family == ck_walk_of_orderless) ck_marks(c, mark_order)[row] = header.order;
  c->position = header.position;
  return header.begun;
}

void ck_cursor_resume(ck_cursor *c, const void *states, ptrdiff_t count) {
  const ck_walk *walk = c->walk;
  size_t bytes = ck_cursor_state_bytes(c);
  make_room(c, &c->now, count);
  c->rows = count;
  uint32_t begun = ~0u;
  for (ptrdiff_t r = 0; r < count; r++) begun &= resume_row(c, r, (const char *)states + (size_t)r * bytes);
  c->group = (begun & 1) != 0 ? c->position / nade_group : -1;
  c->taken = c->position;
  if (walk->family != ck_walk_of_network) return;
  const ck_plan *plan = walk->network.plan;
  c->taken = ck_min(c->position + 1, walk->variables);
  for (ptrdiff_t i = 0; i < plan->layer_count; i++) {
    const ck_planned_layer *l = &plan->layers[i];
    ck_open_stretch *open = &c->open[i];
    *open = (ck_open_stretch){.start = -1};
    if (c->position == walk->variables || !(l->is_hidden || (begun & (l->source == NULL ? 2 : 1)) != 0)) continue;
    open->start = c->position - c->position % l->stride;
    if (l->source != NULL) {
      open->done = ck_min(ck_stretch_at(l, open->start, walk->variables).depth, l->source->ready[c->position]);
    }
  }
}
