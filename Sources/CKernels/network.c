// The weights of a masked network, arranged in the order in which sampling uses them.

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Inputs whose weights one task copies: their lines stay in the first-level cache.
enum { arranged_inputs = 8 };

typedef struct {
  const ck_plan *plan;
  const ck_layer *sources[];  // those of plan->layers
} arrangement;

static void *allocate(size_t bytes) {
  // On a cache line, because panels are.
  void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (memory == NULL) {
    fprintf(stderr, "BinaryDensity: out of memory allocating %zu bytes for a network\n", bytes);
    abort();
  }
  return memory;
}

/// The stride whose panels have the fewest lines, of those around a step: so that as many units become ready in a
/// stretch as fill its panels.
static ptrdiff_t shortest_products(const ck_planned_layer *l, ptrdiff_t variables) {
  ptrdiff_t best = step_length, least = PTRDIFF_MAX;
  for (ptrdiff_t stride = step_length / 2; stride <= 2 * step_length; stride++) {
    ptrdiff_t lines = 0;
    for (ptrdiff_t p = 0; p < variables; p += stride) {
      ptrdiff_t begin = p > 0 ? l->ready[p - 1] : 0, end = l->ready[ck_min(variables, p + stride) - 1];
      if (end > begin) lines += ck_ceiling(end - begin, panel_units) * l->prefixes[end - 1];
    }
    if (lines < least) {
      least = lines;
      best = stride;
    }
  }
  return best;
}

/// Fills in all of a layer but its panels.
static void plan_layer(ck_planned_layer *l, const ck_layer *source, ptrdiff_t variables, bool for_walking) {
  ptrdiff_t outputs = source->weights.columns;
  l->prefixes = allocate(sizeof(int32_t) * (size_t)outputs);
  l->bias = allocate(sizeof(float) * (size_t)outputs);
  for (ptrdiff_t n = 0; n < outputs; n++) {
    l->prefixes[n] = source->mask.prefixes[n];
    l->bias[n] = source->bias == NULL ? 0 : source->bias[source->mask.outputs[n]];
  }
  l->ready = allocate(sizeof(int32_t) * (size_t)variables);
  int32_t count = 0;
  for (ptrdiff_t p = 0; p < variables; p++) {
    ptrdiff_t known = l->source == NULL ? p : l->source->ready[p];
    // A logit is wanted when its turn comes, even if it is ready earlier.
    if (!l->is_hidden) count = (int32_t)p + 1;
    else while (count < outputs && l->prefixes[count] <= known) count++;
    l->ready[p] = count;
  }
  if (for_walking && l->is_hidden && l->source != NULL) l->stride = shortest_products(l, variables);
  ptrdiff_t stretches = ck_ceiling(variables, l->stride), floats = 0;
  l->starts = allocate(sizeof(ptrdiff_t) * (size_t)(stretches + 1));
  l->panels = l->bias;  // any address will do while only the extents of the stretches are asked for
  for (ptrdiff_t i = 0; i < stretches; i++) {
    l->starts[i] = 0;
    ck_stretch s = ck_stretch_at(l, i * l->stride, variables);
    l->starts[i] = floats;
    floats += ck_ceiling(s.end - s.begin, panel_units) * s.depth * panel_units;
  }
  l->starts[stretches] = floats;
  l->panels = allocate(sizeof(float) * (size_t)floats);
}

/// Copies the lines first ..< end of one panel's outputs, from n on.
static void arrange_panel(const ck_layer *source, ck_stretch s, ptrdiff_t n, ptrdiff_t first, ptrdiff_t end) {
  const int32_t *columns = source->mask.outputs + n, *prefixes = source->mask.prefixes + n;
  ptrdiff_t units = ck_min(panel_units, s.end - n), whole_end = ck_min(end, prefixes[0]), k = first;
  int32_t places[panel_units];
  bool side_by_side = units == panel_units;
  for (ptrdiff_t u = 0; u < panel_units; u++) {
    places[u] = columns[ck_min(u, units - 1)];
    side_by_side &= places[u] == places[0] + u;
  }
  float *out = ck_weights_at(s, n, first);
  for (; k < whole_end; k++, out += panel_units) {
    const float *line = source->weights.base + source->mask.inputs[k] * source->weights.stride;
    if (side_by_side) {
      memcpy(out, line + places[0], sizeof(float) * panel_units);
    } else {
      for (int u = 0; u < panel_units; u++) out[u] = line[places[u]];
    }
  }
  for (; k < end; k++, out += panel_units) {
    const float *line = source->weights.base + source->mask.inputs[k] * source->weights.stride;
    for (ptrdiff_t u = 0; u < panel_units; u++) out[u] = u < units && k < prefixes[u] ? line[columns[u]] : 0;
  }
}

/// Copies the weights of some inputs of one layer into its panels.
static void arrange_task(void *context, ptrdiff_t index) {
  const arrangement *job = context;
  const ck_plan *plan = job->plan;
  const ck_planned_layer *l = &plan->layers[index % plan->layer_count];
  ptrdiff_t first = index / plan->layer_count * arranged_inputs;
  for (ptrdiff_t p = 0; p < plan->variables; p += l->stride) {
    ck_stretch s = ck_stretch_at(l, p, plan->variables);
    ptrdiff_t end = ck_min(s.depth, first + arranged_inputs);
    for (ptrdiff_t n = s.begin; first < end && n < s.end; n += panel_units) {
      arrange_panel(job->sources[index % plan->layer_count], s, n, first, end);
    }
  }
}

ck_plan *ck_plan_create(ck_network network, ptrdiff_t variables) { return ck_plan_network(network, variables, false); }

ck_plan *ck_plan_network(ck_network network, ptrdiff_t variables, bool for_walking) {
  ck_plan *plan = allocate(sizeof *plan);
  *plan = (ck_plan){
    .variables = variables, .activation = network.activation,
    .ordering = allocate(sizeof(int32_t) * (size_t)variables),
    .layers = allocate(sizeof(ck_planned_layer) * (size_t)(network.depth + 2))};
  memcpy(plan->ordering, network.ordering, sizeof(int32_t) * (size_t)variables);
  arrangement *job = allocate(sizeof *job + sizeof(ck_layer *) * (size_t)(network.depth + 2));
  job->plan = plan;
  for (ptrdiff_t i = 0; i < network.depth; i++) {
    plan->layers[i] = (ck_planned_layer){
      .source = i > 0 ? &plan->layers[i - 1] : NULL, .is_hidden = true, .adds_inputs = network.hidden[i].adds_inputs,
      .stride = i > 0 ? step_length : block_length, .first_line = plan->hidden_lines};
    plan->hidden_lines += network.hidden[i].weights.columns;
    job->sources[plan->layer_count++] = &network.hidden[i];
  }
  if (network.output != NULL) {
    plan->layers[plan->layer_count] = (ck_planned_layer){
      .source = &plan->layers[network.depth - 1], .stride = step_length};
    job->sources[plan->layer_count++] = network.output;
  }
  if (network.direct != NULL) {
    plan->layers[plan->layer_count] = (ck_planned_layer){.stride = block_length};
    job->sources[plan->layer_count++] = network.direct;
  }
  ptrdiff_t inputs = 0;
  for (ptrdiff_t i = 0; i < plan->layer_count; i++) {
    plan_layer(&plan->layers[i], job->sources[i], variables, for_walking);
    inputs = ck_max(inputs, job->sources[i]->weights.rows);
  }
  ck_parallel(ck_ceiling(inputs, arranged_inputs) * plan->layer_count, arrange_task, job);
  free(job);
  return plan;
}

void ck_plan_free(ck_plan *plan) {
  for (ptrdiff_t i = 0; i < plan->layer_count; i++) {
    free(plan->layers[i].prefixes);
    free(plan->layers[i].ready);
    free(plan->layers[i].bias);
    free(plan->layers[i].starts);
    free(plan->layers[i].panels);
  }
  free(plan->layers);
  free(plan->ordering);
  free(plan);
}
