#include "lean.h"

#include <string.h>

#include "kernels/fake_quantize.h"
#include "kernels/lean.h"
#include "size.h"

/* Weights of a tile, a multiple of 8 for the mask's bytes; columns of one. */
enum { TILE = 8192, COLUMNS = 64 };

/* ---- pruned weights ---- */

typedef struct {
  tg_real *vector;
  const uint8_t *mask;
  uint64_t n;
} mask_job;

static void mask_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const mask_job *j = context;
  const uint64_t first = (uint64_t)tile * TILE, rest = j->n - first;
  tg_keep_masked(j->vector + first, j->mask + first / 8, (size_t)(rest < TILE ? rest : TILE));
}

void tg_prune(const tg_model *model, tg_real *vector) {
  if (!model->mask) return;
  mask_job job = {vector, model->mask, model->graph.trainable};
  tg_pool_run(model->graph.engine->pool, (uint32_t)((job.n + TILE - 1) / TILE), mask_tile, &job);
}

tg_status tg_model_mask(tg_model *model, const uint8_t *mask) {
  tg_engine *engine = model->graph.engine;
  if (!model->built) return tg_fail(engine, TG_E_STATE, "model: pruned before it is built");
  if (!mask) {
    tg_release(engine, model->mask);
    model->mask = NULL;
    return TG_OK;
  }
  const uint64_t bytes = (model->graph.trainable + 7) / 8;
  if (!model->mask) model->mask = tg_allocate(engine, TG_BLOCK_PRIVATE, bytes, 0, "mask of pruned weights");
  if (!model->mask) return engine->status;
  memcpy(model->mask, mask, (size_t)bytes);
  tg_prune(model, model->vectors.weights);
  model->weights_version++;
  return TG_OK;
}

/* ---- weights as 8 bits hold them ---- */

int tg_sees_rounded(const tg_graph *graph) {
  for (uint32_t i = 0; i < graph->n_tensors; i++)
    if (graph->tensors[i].settings[TG_SET_INT8] != 0) return 1;
  return 0;
}

typedef struct {
  tg_real *to;
  const tg_real *from;
  uint32_t rows, columns;
} round_job;

static void round_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const round_job *j = context;
  tg_fake_quantize_columns(j->to, j->from, j->rows, j->columns, tile * COLUMNS,
                           tg_min((tile + 1) * COLUMNS, j->columns));
}

void tg_show_weights(tg_model *model) {
  const tg_graph *graph = &model->graph;
  const tg_vectors *v = &model->vectors;
  if (!v->seen || model->seen_version == model->weights_version + 1) return;
  for (uint32_t i = 0; i < graph->n_tensors; i++) {
    const tg_tensor *tensor = &graph->tensors[i];
    if (!tensor->trainable) continue;
    round_job job = {.to = v->seen + tensor->offset, .from = v->weights + tensor->offset};
    if (tensor->settings[TG_SET_INT8] == 0) {
      memcpy(job.to, job.from, (size_t)tensor->size * sizeof(tg_real));
      continue;
    }
    job.columns = tensor->shape.dims[tensor->shape.rank - 1];
    job.rows = (uint32_t)(tensor->size / job.columns);
    tg_pool_run(graph->engine->pool, tg_ceil_div(job.columns, COLUMNS), round_tile, &job);
  }
  model->seen_version = model->weights_version + 1;
}
