/*
 * Calibration: between which numbers each node's values lie. The first pass over the samples finds the least and the
 * largest, a second one counts values in equal bins between them, from which the ends of a percentile follow.
 */
#include <math.h>

#include "kernels/elementwise.h"
#include "size.h"
#include "train.h"

enum { BINS = 2048 };

typedef struct {
  double low, high;
  uint64_t bins[BINS];
} spread;

static void find_ends(spread *s, const tg_real *x, uint64_t n) {
  tg_real low = (tg_real)s->low, high = (tg_real)s->high;
  for (uint64_t i = 0; i < n; i++) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
  }
  s->low = (double)low;
  s->high = (double)high;
}

static void count_values(spread *s, const tg_real *x, uint64_t n) {
  const tg_real low = (tg_real)s->low, width = (tg_real)s->high - low;
  const tg_real factor = width > 0 ? BINS / width : 0;
  for (uint64_t i = 0; i < n; i++) {
    const int32_t bin = (int32_t)((x[i] - low) * factor);
    s->bins[bin < BINS ? bin : BINS - 1]++;
  }
}

/* The numbers below and above which all but the share of 1 - percentile / 100 of the values lie. */
static void cut(spread *s, double percentile) {
  uint64_t total = 0, below = 0, above = 0;
  for (uint32_t i = 0; i < BINS; i++) total += s->bins[i];
  const double spare = (double)total * (1 - percentile / 100), width = (s->high - s->low) / BINS;
  uint32_t first = 0, end = BINS;
  while (first + 1 < BINS && (double)(below += s->bins[first]) <= spare) first++;
  while (end > first + 1 && (double)(above += s->bins[end - 1]) <= spare) end--;
  s->high = s->low + end * width;
  s->low += first * width;
}

/* Runs one batch node by node and shows each value to `look`. */
static tg_status run_batch(tg_model *model, const tg_run *run, spread *spreads,
                           void (*look)(spread *, const tg_real *, uint64_t)) {
  const tg_plan *plan = &model->inference.plan;
  for (uint32_t i = 0; i < model->graph.n_nodes; i++) {
    const tg_node *node = &model->graph.nodes[i];
    tg_plan_forward(plan, &model->graph, run, i, i);
    if (plan->steps[i].skip) continue;
    const tg_real *y = plan->steps[i].buffers.y;
    const uint64_t n = run->samples * node->elements;
    if (!tg_all_finite(y, (size_t)n))
      return tg_fail(model->graph.engine, TG_E_NON_FINITE, "layer '%s': its output is not finite in calibration",
                     node->name);
    look(&spreads[i], y, n);
  }
  return TG_OK;
}

static tg_status run_all(tg_model *model, const tg_dataset *dataset, tg_sample_range r, spread *spreads,
                         void (*look)(spread *, const tg_real *, uint64_t)) {
  tg_status status = TG_OK;
  for (uint32_t number = 0; !status && number < tg_ceil_div(r.count, r.batch); number++) {
    const tg_run run = tg_inference_load(model, dataset, r, number);
    status = run_batch(model, &run, spreads, look);
  }
  return status;
}

tg_status tg_calibrate_range(tg_model *model, const tg_dataset *dataset, double first, double count, double batch,
                             double percentile, double *out) {
  tg_engine *engine = model->graph.engine;
  const tg_graph *graph = &model->graph;
  tg_sample_range r;
  tg_status status = tg_inference_begin(model, dataset, first, count, batch, 0, &r);
  if (status) return status;
  if (graph->quantized) return tg_fail(engine, TG_E_STATE, "model: it is quantised already");
  if (!(percentile > 50 && percentile <= 100))
    return tg_fail(engine, TG_E_CONFIG, "percentile is %g, it must be above 50 and at most 100", percentile);
  spread *spreads = tg_allocate(engine, TG_BLOCK_PRIVATE, tg_mul(graph->n_nodes, sizeof *spreads), 1, "calibration");
  if (!spreads) return engine->status;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    spreads[i].low = INFINITY;
    spreads[i].high = -INFINITY;
  }
  status = run_all(model, dataset, r, spreads, find_ends);
  if (!status && percentile < 100) status = run_all(model, dataset, r, spreads, count_values);
  for (uint32_t i = 0; !status && i < graph->n_nodes; i++) {
    spread *s = &spreads[i];
    if (model->inference.plan.steps[i].skip) {
      *s = spreads[graph->nodes[i].inputs[0]];
    } else if (percentile < 100 && i > 0) { /* the ends of the input are meant */
      cut(s, percentile);
    }
    out[2 * i] = s->low;
    out[2 * i + 1] = s->high;
  }
  tg_release(engine, spreads);
  return status;
}
