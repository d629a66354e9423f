/* A step of the optimizer: gradients are gathered and clipped, the rule is applied, averages of the weights follow. */
#include <math.h>
#include <string.h>

#include "optim/optim.h"

typedef struct {
  tg_optim_job job;
  tg_real *gradients;
  int before, update, after; /* parts of a pass over the weights */
  double constants[TG_UPDATE_CONSTANTS];
} pass;

/* ---- gradients ---- */

static int wants_norm(const double *h) { return h[TG_CLIP_NORM] > 0 || h[TG_GLOBAL_CLIP_NORM] > 0; }

/* The tile's part of a slot of the common options; NULL when it is not in use. */
static tg_real *common_part(const tg_optim *optim, int slot, const tg_optim_tile *at) {
  return optim->slots[slot] ? optim->slots[slot] + at->tensor->common + at->first : NULL;
}

/* Averages the gradients gathered, clips them by value, and measures them. */
static void gather_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim *optim = p->job.optim;
  const double *h = optim->values;
  tg_optim_tile at = tg_optim_find_tile(optim, tile);
  uint64_t first = at.tensor->offset + at.first;
  tg_real *g = p->gradients + first, *sum = common_part(optim, TG_SLOT_SUM, &at);
  if (sum) {
    tg_scale_sum(g, sum, 1 / h[TG_ACCUMULATION_STEPS], (size_t)at.n);
    memset(sum, 0, (size_t)at.n * sizeof *sum);
  }
  if (h[TG_CLIP_VALUE] > 0) tg_clip(g, h[TG_CLIP_VALUE], (size_t)at.n);
  if (wants_norm(h)) optim->sums[tile] = tg_sum_squares(g, (size_t)at.n);
}

static void add_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  tg_optim_tile at = tg_optim_find_tile(p->job.optim, tile);
  tg_scale_sum(common_part(p->job.optim, TG_SLOT_SUM, &at), p->gradients + at.tensor->offset + at.first, 1,
               (size_t)at.n);
}

static void scale_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim *optim = p->job.optim;
  tg_optim_tile at = tg_optim_find_tile(optim, tile);
  double factor = optim->factors[at.tensor - optim->tensors];
  if (factor < 1) tg_scale_sum(p->gradients + at.tensor->offset + at.first, NULL, factor, (size_t)at.n);
}

/* Gradients of a norm beyond the limit are scaled down to it. */
static void clip_norms(pass *p) {
  const tg_optim *optim = p->job.optim;
  const double *h = optim->values;
  double total = 0, least = 1;
  for (uint32_t i = 0; i < optim->n_tensors; i++) {
    double sum = tg_optim_sum(optim, &optim->tensors[i]);
    total += sum;
    optim->factors[i] = h[TG_CLIP_NORM] / sqrt(sum);
    if (optim->factors[i] < least) least = optim->factors[i];
  }
  if (h[TG_GLOBAL_CLIP_NORM] > 0) {
    least = h[TG_GLOBAL_CLIP_NORM] / sqrt(total);
    for (uint32_t i = 0; i < optim->n_tensors; i++) optim->factors[i] = least;
  }
  if (least < 1) tg_pool_run(p->job.pool, optim->n_tiles, scale_tile, p);
}

/* ---- weights ---- */

static int due(double every, uint64_t step) { return every > 0 && step % (uint64_t)every == 0; }

/* What is wanted of weight decay, update and averages, on one tile while it is in the cache. */
static void weights_tile(void *context, uint32_t tile, uint32_t thread) {
  (void)thread;
  const pass *p = context;
  const tg_optim_job *j = &p->job;
  const tg_optim *optim = j->optim;
  const double *h = optim->values;
  const tg_optim_tile at = tg_optim_find_tile(optim, tile);
  const uint64_t first = at.tensor->offset + at.first;
  tg_update_range range = {j->w + first, j->g + first, {0}, (size_t)at.n};
  size_t n = range.n, bytes = n * sizeof(tg_real);
  tg_real *slow = common_part(optim, TG_SLOT_SLOW, &at), *average = common_part(optim, TG_SLOT_AVERAGE, &at);
  if (p->before) {
    if (slow && j->step == 1) memcpy(slow, range.w, bytes);
    if (h[TG_WEIGHT_DECAY] > 0 && !optim->rule->own_decay && !at.tensor->keeps)
      tg_approach(range.w, NULL, h[TG_WEIGHT_DECAY] * j->rate, n);
  }
  if (p->update) {
    for (int s = 0; s < TG_RULE_SLOTS; s++)
      if (optim->slots[s]) range.slots[s] = optim->slots[s] + at.tensor->slots[s] + at.first;
    optim->rule->update(&range, p->constants);
  }
  if (!p->after) return;
  if (slow && due(h[TG_LOOKAHEAD_STEPS], j->step)) {
    tg_approach(slow, range.w, h[TG_LOOKAHEAD_ALPHA], n);
    memcpy(range.w, slow, bytes);
  }
  if (!average) return;
  if (j->step == 1)
    memcpy(average, range.w, bytes);
  else
    tg_approach(average, range.w, 1 - h[TG_EMA_MOMENTUM], n);
  if (due(h[TG_EMA_OVERWRITE_FREQUENCY], j->step)) memcpy(range.w, average, bytes);
}

static void run_weights(pass *p, int before, int update, int after) {
  p->before = before;
  p->update = update;
  p->after = after;
  tg_pool_run(p->job.pool, p->job.optim->n_tiles, weights_tile, p);
}

uint64_t tg_optim_updates(const tg_optim *optim, uint64_t steps) {
  return steps / (uint64_t)optim->values[TG_ACCUMULATION_STEPS];
}

void tg_optim_step(tg_pool *pool, const tg_optim *optim, tg_real *w, tg_real *g, uint64_t step) {
  const double *h = optim->values;
  pass p = {.job = {.pool = pool,
                    .optim = optim,
                    .own = h + TG_OPTIONS,
                    .rate = h[TG_LEARNING_RATE],
                    .w = w,
                    .g = g,
                    .step = tg_optim_updates(optim, step)},
            .gradients = g};
  if (!due(h[TG_ACCUMULATION_STEPS], step)) {
    tg_pool_run(pool, optim->n_tiles, add_tile, &p);
    return;
  }
  if (optim->slots[TG_SLOT_SUM] || h[TG_CLIP_VALUE] > 0 || wants_norm(h))
    tg_pool_run(pool, optim->n_tiles, gather_tile, &p);
  if (wants_norm(h)) clip_norms(&p);
  if (optim->rule->update) {
    optim->rule->constants(&p.job, p.constants);
    run_weights(&p, 1, 1, 1);
    return;
  }
  run_weights(&p, 1, 0, 0);
  optim->rule->update_tensors(&p.job);
  run_weights(&p, 0, 0, 1);
}
