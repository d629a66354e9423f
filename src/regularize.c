#include "regularize.h"

#include "kernels/weights.h"
#include "size.h"

/* Weights of a tile, and columns of one. The sum over a tensor is that of its tiles in order. */
enum { TILE = 8192, COLUMNS = 64 };

static int has_penalty(const tg_tensor *tensor) {
  return tensor->trainable && (tensor->settings[TG_SET_L1] != 0 || tensor->settings[TG_SET_L2] != 0);
}

static uint32_t tiles_of(const tg_tensor *tensor) { return (uint32_t)((tensor->size + TILE - 1) / TILE); }

uint64_t tg_penalty_room(const tg_graph *graph) {
  uint64_t room = 0;
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    if (tensor->trainable && tiles_of(tensor) > room) room = tiles_of(tensor);
  }
  return room;
}

typedef struct {
  const tg_tensor *tensor;
  tg_real *g, *w;
  double *sums;
} job;

static void penalty_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint64_t first = (uint64_t)tile * TILE, rest = j->tensor->size - first;
  j->sums[tile] = tg_penalty(j->g ? j->g + first : NULL, j->w + first, j->tensor->settings[TG_SET_L1],
                             j->tensor->settings[TG_SET_L2], (size_t)(rest < TILE ? rest : TILE));
}

double tg_penalize(const tg_graph *graph, tg_real *gradients, const tg_real *weights, double *room) {
  double sum = 0;
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    if (!has_penalty(tensor)) continue;
    job j = {tensor, gradients ? gradients + tensor->offset : NULL, (tg_real *)weights + tensor->offset, room};
    tg_pool_run(graph->engine->pool, tiles_of(tensor), penalty_tile, &j);
    for (uint32_t tile = 0; tile < tiles_of(tensor); tile++) sum += room[tile];
  }
  return sum;
}

static void positive_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const uint64_t first = (uint64_t)tile * TILE, rest = j->tensor->size - first;
  tg_constrain_positive(j->w + first, (size_t)(rest < TILE ? rest : TILE));
}

/* A tile is some columns; where lengths run along the last axis, everything. */
static void norms_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const job *j = context;
  const double *s = j->tensor->settings;
  /* The kernel's last dimension is the shape's own. */
  const uint32_t rank = j->tensor->shape.rank, shift = TG_MAX_RANK - rank;
  uint32_t dims[TG_MAX_RANK] = {1, 1, 1, 1};
  for (uint32_t d = 0; d < rank; d++) dims[d + shift] = j->tensor->shape.dims[d];
  const tg_norm_range range = {(tg_real)s[TG_SET_MIN_VALUE], (tg_real)s[TG_SET_MAX_VALUE], (tg_real)s[TG_SET_RATE]};
  tg_constrain_norms(j->w, dims, (uint32_t)s[TG_SET_AXES] << shift, tile * COLUMNS,
                     tg_min((tile + 1) * COLUMNS, dims[3]), range);
}

void tg_constrain(const tg_graph *graph, tg_real *weights) {
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    const double constraint = tensor->settings[TG_SET_CONSTRAINT];
    if (!tensor->trainable || constraint == TG_FREE) continue;
    job j = {.tensor = tensor, .w = weights + tensor->offset};
    const uint32_t last = tensor->shape.rank - 1;
    const int along = (uint32_t)tensor->settings[TG_SET_AXES] >> last & 1;
    if (constraint == TG_POSITIVE)
      tg_pool_run(graph->engine->pool, tiles_of(tensor), positive_tile, &j);
    else
      tg_pool_run(graph->engine->pool, along ? 1 : tg_ceil_div(tensor->shape.dims[last], COLUMNS), norms_tile, &j);
  }
}
